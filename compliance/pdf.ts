import { createRequire } from "node:module";
import { marked, type Token, type Tokens } from "marked";

/** A node of a pdfmake document. */
type Content = Readonly<Record<string, unknown>>;
type FontFiles = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** The part of pdfmake's server interface that is used; its typings pull in those of a browser. */
interface PdfMake {
  setFonts(fonts: FontFiles): void;
  setLocalAccessPolicy(allow: (path: string) => boolean): void;
  setUrlAccessPolicy(allow: (url: string) => boolean): void;
  createPdf(definition: Content): { getBuffer(): Promise<Buffer> };
}

const require = createRequire(import.meta.url);
const pdfmake = require("pdfmake") as PdfMake;
const fonts = require("pdfmake/fonts/Roboto.js") as FontFiles;
pdfmake.setFonts(fonts);
// Fonts are files of the package; nothing else is read and nothing is fetched.
const FONT_FILES = new Set(Object.values(fonts).flatMap((styles) => Object.values(styles).map(String)));
pdfmake.setLocalAccessPolicy((path) => FONT_FILES.has(path));
pdfmake.setUrlAccessPolicy(() => false);

type Inline = string | Content;

function plain(text: string): string {
  return text
    .replace(/&quot;/g, '"')
    .replace(/&#39;/g, "'")
    .replace(/&lt;/g, "<")
    .replace(/&gt;/g, ">")
    .replace(/&amp;/g, "&");
}

function styled(text: string, style: "bold" | "italics"): Content {
  return { text: plain(text), [style]: true };
}

function inline(tokens: readonly Token[] | undefined, fallback: string): Inline[] {
  return (tokens ?? [{ type: "text", raw: fallback, text: fallback }]).flatMap((token): Inline[] => {
    switch (token.type) {
      case "strong":
        return [styled((token as Tokens.Strong).text, "bold")];
      case "em":
        return [styled((token as Tokens.Em).text, "italics")];
      case "link":
        return [plain((token as Tokens.Link).text)];
      case "codespan":
        return [styled((token as Tokens.Codespan).text, "italics")];
      default:
        return "tokens" in token && Array.isArray(token.tokens)
          ? inline(token.tokens, token.raw)
          : [plain("text" in token ? String(token.text) : token.raw)];
    }
  });
}

/** SVG pictures by the address a Markdown image names. */
type Pictures = ReadonlyMap<string, string>;

/** Width of the text on the page, points. */
const TEXT_WIDTH = 511;

function listItems(list: Tokens.List, pictures: Pictures): Content[] {
  return list.items.map((each) => ({ stack: each.tokens.flatMap((token) => block(token, pictures)) }));
}

function pictureOf(tokens: readonly Token[] | undefined, pictures: Pictures): string | undefined {
  const [first] = tokens ?? [];
  return first?.type === "image" ? pictures.get((first as Tokens.Image).href) : undefined;
}

function block(token: Token, pictures: Pictures): Content[] {
  switch (token.type) {
    case "heading": {
      const heading = token as Tokens.Heading;
      return [
        { text: inline(heading.tokens, heading.text), style: heading.depth <= 2 ? "section" : "small" },
      ];
    }
    case "paragraph":
    case "text": {
      const paragraph = token as Tokens.Paragraph;
      const svg = pictureOf(paragraph.tokens, pictures);
      if (svg !== undefined) return [{ svg, width: TEXT_WIDTH, margin: [0, 2, 0, 8] }];
      return [{ text: inline(paragraph.tokens, paragraph.text), margin: [0, 0, 0, 4] }];
    }
    case "list": {
      const list = token as Tokens.List;
      return [list.ordered ? { ol: listItems(list, pictures) } : { ul: listItems(list, pictures) }];
    }
    case "table": {
      const { header, rows } = token as Tokens.Table;
      const cellOf = (cell: Tokens.TableCell, style: "head" | "cell"): Content => ({
        text: inline(cell.tokens, cell.text),
        style,
      });
      return [
        {
          table: {
            headerRows: 1,
            widths: header.map(() => "*"),
            body: [
              header.map((cell) => cellOf(cell, "head")),
              ...rows.map((row) => row.map((cell) => cellOf(cell, "cell"))),
            ],
          },
          layout: "lightHorizontalLines",
          margin: [0, 4, 0, 8],
        },
      ];
    }
    case "code":
      return [{ text: (token as Tokens.Code).text, style: "code", preserveLeadingSpaces: true }];
    case "space":
      return [];
    default:
      return [{ text: plain(token.raw) }];
  }
}

/**
 * A Markdown text as PDF/A4, in Roboto (Apache-2.0), which comes with pdfmake.
 * @param pictures SVG by the address an image names. @default none; an image is then its text
 */
export function pdfOf(
  title: string,
  subject: string,
  markdown: string,
  pictures: Pictures = new Map(),
): Promise<Buffer> {
  const definition: Content = {
    info: { title, subject },
    pageSize: "A4",
    pageMargins: [42, 48, 42, 48],
    defaultStyle: { font: "Roboto", fontSize: 9 },
    footer: (page: number, pages: number) => ({
      text: `${subject} - ${title} - ${page} of ${pages}`,
      alignment: "center",
      fontSize: 7,
    }),
    content: [
      { text: title, style: "title" },
      ...marked.lexer(markdown).flatMap((token) => block(token, pictures)),
    ],
    styles: {
      title: { fontSize: 16, bold: true, margin: [0, 0, 0, 10] },
      section: { fontSize: 12, bold: true, margin: [0, 10, 0, 4] },
      small: { fontSize: 10, bold: true, margin: [0, 6, 0, 3] },
      head: { bold: true, fontSize: 8 },
      cell: { fontSize: 7 },
      code: { fontSize: 6, margin: [0, 4, 0, 8] },
    },
  };
  return pdfmake.createPdf(definition).getBuffer();
}
