/** A reading of a text with a way back to the characters it came from. */
export interface View {
  readonly text: string;
  /** Span in the original text for a span in this reading. */
  origin(start: number, end: number): { readonly start: number; readonly end: number };
}

// Letters of other scripts that look like Latin ones; from Unicode UTS #39 confusables.txt, the Cyrillic and Greek
// letters with a single Latin look-alike.
const LOOK_ALIKES = new Map(
  Object.entries({
    а: "a",
    в: "b",
    с: "c",
    ԁ: "d",
    е: "e",
    һ: "h",
    і: "i",
    ј: "j",
    к: "k",
    ӏ: "l",
    м: "m",
    о: "o",
    р: "p",
    ԛ: "q",
    ѕ: "s",
    т: "t",
    у: "y",
    х: "x",
    ѵ: "v",
    ԝ: "w",
    А: "A",
    В: "B",
    С: "C",
    Е: "E",
    Н: "H",
    І: "I",
    Ј: "J",
    К: "K",
    М: "M",
    О: "O",
    Р: "P",
    Ѕ: "S",
    Т: "T",
    Х: "X",
    У: "Y",
    α: "a",
    ε: "e",
    ι: "i",
    κ: "k",
    ν: "v",
    ο: "o",
    ρ: "p",
    τ: "t",
    υ: "u",
    χ: "x",
    Α: "A",
    Β: "B",
    Ε: "E",
    Ζ: "Z",
    Η: "H",
    Ι: "I",
    Κ: "K",
    Μ: "M",
    Ν: "N",
    Ο: "O",
    Ρ: "P",
    Τ: "T",
    Υ: "Y",
    Χ: "X",
  }),
);

const IGNORED = /[\p{M}\p{Cf}\p{Default_Ignorable_Code_Point}]/gu;
const PLAIN = /^[\x20-\x7e\n]*$/;
const SPACE = /[\s\u2800]/u;
const DASH = /\p{Pd}/u;
const DECIMAL = /\p{Nd}/u;

function plainDigit(character: string): string {
  if (!DECIMAL.test(character)) return character;
  const code = character.codePointAt(0) ?? 0;
  let zero = code;
  while (code - zero < 9 && DECIMAL.test(String.fromCodePoint(zero - 1))) zero -= 1;
  return String(code - zero);
}

function simplify(character: string): string {
  let result = "";
  for (const part of character.normalize("NFKD").replace(IGNORED, "")) {
    if (SPACE.test(part) && part !== "\n") result += " ";
    else if (DASH.test(part)) result += "-";
    else result += LOOK_ALIKES.get(part) ?? (part > "\u007f" ? plainDigit(part) : part);
  }
  return result;
}

/** Reads a text without invisible characters, accents, width variants and look-alike letters. */
export function simplifiedView(raw: string): View {
  if (PLAIN.test(raw)) return { text: raw, origin: (start, end) => ({ start, end }) };
  const starts: number[] = [];
  const ends: number[] = [];
  const parts: string[] = [];
  let at = 0;
  for (const character of raw) {
    const next = at + character.length;
    const simple = simplify(character);
    for (let unit = 0; unit < simple.length; unit += 1) {
      starts.push(at);
      ends.push(next);
    }
    parts.push(simple);
    at = next;
  }
  return {
    text: parts.join(""),
    origin: (start, end) => ({ start: starts[start] ?? raw.length, end: ends[end - 1] ?? raw.length }),
  };
}

const BASE64_CODES = new Uint8Array(128);
for (const character of "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/_-")
  BASE64_CODES[character.charCodeAt(0)] = 1;
const SHORTEST_BASE64 = 12;
const HEX_RUN = /(?<![0-9A-Fa-f])(?:[0-9A-Fa-f]{2}){8,}/g;
const ENTITY = /&#(?:x([0-9A-Fa-f]{1,6})|(\d{1,7}));/g;
/** Decoded characters that are read for each character of a text; the first layer has at most six (base64 3, the others 1 each). */
const DECODED_PER_CHARACTER = 8;
/** Decoded characters that are read of a short text. */
const DECODED_AT_LEAST = 64 * 1024;

/** The bytes as text when nine tenths of them are text in UTF-8, or null. */
function readable(bytes: Buffer): string | null {
  const most = Math.min(bytes.length * 0.1, bytes.length - 6);
  let [strange, beyondAscii] = [0, 0];
  for (const byte of bytes) {
    if (byte >= 0x80) beyondAscii += 1;
    else if ((byte < 0x20 && byte !== 0x0a) || byte === 0x7f) strange += 1;
  }
  if (strange > most) return null;
  const text = bytes.toString("utf8");
  if (beyondAscii > 0) for (const character of text) if (character === "\ufffd") strange += 1;
  return strange > most ? null : text;
}

function wholeRun(text: string, start: number, length: number): View {
  return { text, origin: () => ({ start, end: start + length }) };
}

/** A run of characters that base64 uses, with its padding. */
interface Run {
  readonly text: string;
  readonly index: number;
}

/** Longest runs of at least twelve base64 characters, found in one pass over the codes. */
function base64Runs(raw: string): Run[] {
  const runs: Run[] = [];
  let start = 0;
  for (let at = 0; at <= raw.length; at += 1) {
    const code = at === raw.length ? 128 : raw.charCodeAt(at);
    if (code < 128 && BASE64_CODES[code] === 1) continue;
    if (at - start >= SHORTEST_BASE64) {
      const end = raw.startsWith("==", at) ? at + 2 : raw.startsWith("=", at) ? at + 1 : at;
      runs.push({ text: raw.slice(start, end), index: start });
    }
    start = at + 1;
  }
  return runs;
}

function* base64Views(runs: readonly Run[]): Generator<View> {
  for (const { text: run, index } of runs) {
    for (let shift = 0; shift < 4; shift += 1) {
      const text = readable(Buffer.from(run.slice(shift), "base64"));
      if (text !== null) yield wholeRun(text, index, run.length);
    }
  }
}

/** Hexadecimal text; a run of it is always part of a longer run of base64 characters. */
function* hexViews(runs: readonly Run[]): Generator<View> {
  for (const run of runs) {
    for (const match of run.text.matchAll(HEX_RUN)) {
      for (let shift = 0; shift < 2; shift += 1) {
        const text = readable(Buffer.from(match[0].slice(shift), "hex"));
        if (text !== null) yield wholeRun(text, run.index + match.index, match[0].length);
      }
    }
  }
}

function fromCodePoint(code: number): string {
  return code <= 0x10ffff ? String.fromCodePoint(code) : "";
}

function* escapedViews(raw: string): Generator<View> {
  if (raw.includes("%")) {
    for (const line of raw.matchAll(/[^\n]+/g)) {
      if (!line[0].includes("%")) continue;
      const bytes = line[0].replace(/(?:%[0-9A-Fa-f]{2})+/g, (run) =>
        Buffer.from(run.replaceAll("%", ""), "hex").toString("utf8"),
      );
      if (bytes !== line[0]) yield wholeRun(bytes, line.index, line[0].length);
    }
  }
  if (raw.includes("&#")) {
    const text = raw.replace(ENTITY, (_all, hex: string | undefined, decimal: string | undefined) =>
      fromCodePoint(hex === undefined ? Number(decimal) : parseInt(hex, 16)),
    );
    if (text !== raw) yield wholeRun(text, 0, raw.length);
  }
}

function* decodedViews(raw: string): Generator<View> {
  const runs = base64Runs(raw);
  yield* base64Views(runs);
  yield* hexViews(runs);
  yield* escapedViews(raw);
}

/** How a text reads. */
export interface Readings {
  readonly views: readonly View[];
  /** False when the text hides more than is decoded; the rest was not read. */
  readonly complete: boolean;
}

/**
 * All readings of a text that a detector looks at: simplified, and the simplified content of base64, hexadecimal,
 * percent and entity encodings, two layers deep. A match in an encoding covers the whole encoded run.
 */
export function readingsOf(raw: string): Readings {
  const views: View[] = [simplifiedView(raw)];
  let left = Math.max(DECODED_AT_LEAST, DECODED_PER_CHARACTER * raw.length);
  let layer: View[] = [{ text: raw, origin: (start, end) => ({ start, end }) }];
  for (let depth = 0; depth < 2; depth += 1) {
    const next: View[] = [];
    for (const outer of layer) {
      for (const inner of decodedViews(outer.text)) {
        left -= inner.text.length;
        if (left < 0) return { views, complete: false };
        const span = inner.origin(0, 0);
        const whole = { text: inner.text, origin: () => outer.origin(span.start, span.end) };
        next.push(whole);
        const simple = simplifiedView(inner.text);
        views.push({ text: simple.text, origin: whole.origin });
      }
    }
    layer = next;
  }
  return { views, complete: true };
}
