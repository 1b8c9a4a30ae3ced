import { readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import GithubSlugger from "github-slugger";
import { marked, type Token } from "marked";

/** A page of the documentation. */
export interface Page {
  /** Path from the root of the repository. */
  readonly path: string;
  readonly tokens: readonly Token[];
}

const OUTSIDE = /(^|\/)(node_modules|out|\.git|\.cache|results)(\/|$)/;

/** Every Markdown page of a repository, generated ones too. */
export function pagesOf(root: string): Page[] {
  return readdirSync(root, { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".md") && !OUTSIDE.test(path))
    .sort()
    .map((path) => ({ path, tokens: marked.lexer(readFileSync(join(root, path), "utf8")) }));
}

/** All tokens of a page, nested ones too. */
export function allTokens({ tokens }: Page): Token[] {
  const found: Token[] = [];
  void marked.walkTokens([...tokens], (token) => {
    found.push(token);
  });
  return found;
}

/** Anchors of a page's headings, as GitHub makes them. */
function anchorsOf(page: Page): ReadonlySet<string> {
  const slugger = new GithubSlugger();
  return new Set(
    allTokens(page).flatMap((token) =>
      token.type === "heading" ? slugger.slug(String(token["text"]).replaceAll(/[`*]/g, "")) : [],
    ),
  );
}

/** Links and pictures that lead to nothing in the repository, with their page. */
export function deadLinks(root: string, pages: readonly Page[]): string[] {
  const anchors = new Map(pages.map((page) => [page.path, anchorsOf(page)]));
  return pages.flatMap((page) =>
    allTokens(page)
      .flatMap((token) => (token.type === "link" || token.type === "image" ? String(token["href"]) : []))
      .filter((href) => !/^[a-z]+:/.test(href))
      .flatMap((href) => {
        const [path = "", anchor] = decodeURI(href).split("#");
        const target = path === "" ? page.path : relative(root, join(root, dirname(page.path), path));
        if (target.startsWith("..")) return `${page.path}: ${href} leaves the repository`;
        if (statSync(join(root, target), { throwIfNoEntry: false }) === undefined)
          return `${page.path}: ${href} does not exist`;
        const known = anchors.get(target);
        return anchor === undefined || known === undefined || known.has(anchor)
          ? []
          : `${page.path}: ${href} names no heading of ${target}`;
      }),
  );
}
