/** One thing a detector found in a text. */
export interface Match {
  /** Kind of entity, for example `iban`. */
  readonly kind: string;
  /** First character (UTF-16 index). */
  readonly start: number;
  /** One past the last character. */
  readonly end: number;
}

/** Finds one family of things in a text, in time linear in its length. */
export interface Detector {
  /** Kinds its matches have. */
  readonly kinds: readonly string[];
  readonly name: string;
  /** Changes whenever the rules change; recorded with each verdict. */
  readonly version: string;
  /** Longest match in characters; a stream holds back at least this much. */
  readonly maxLength: number;
  /** A text in which this is not found has no match; it saves the search in most texts. */
  readonly sign: RegExp;
  /** All matches in the text. */
  find(text: string): Match[];
}
