import { createHash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { GenerationRequest, TextGenerator } from "./generator.ts";

/** How fast the stand-in pretends to be. */
export interface StandInOptions {
  /** Time to the first token, ms. @default 20 */
  readonly ttftMs?: number;
  /** Time per further token, ms. @default 2 */
  readonly msPerToken?: number;
}

/** First words of every answer, so that nobody takes it for a model's. */
export const STAND_IN_NOTICE = "(stand-in, not a language model)";

const TEXT = `
A platform team edits one file and reviews one report before anything changes.
The gateway writes down every request before the engine sees it.
The engine answers in tokens and the gateway counts every token.
A request without a record gets no answer.
The report says what every environment can cost before it exists.
Every record carries the hash of the record before it.
The team can prove what the engine answered and what the gateway refused.
`;

const SUCCESSORS = successors(TEXT.trim().split(/\s+/));

function successors(words: readonly string[]): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>();
  words.forEach((word, index) => {
    const next = words[index + 1];
    if (next !== undefined) found.set(word, [...(found.get(word) ?? []), next]);
  });
  return found;
}

/** Whole numbers below 2^32, the same for the same seed text. */
function* numbers(seed: string): Generator<number, never> {
  for (let block = 0; ; block += 1) {
    const digest = createHash("sha256").update(`${seed}#${block}`).digest();
    for (let at = 0; at < digest.length; at += 4) yield digest.readUInt32BE(at);
  }
}

/** Walks the stand-in's text: notice first, then words that follow each other somewhere in it. */
function* walk(seed: string): Generator<string, never> {
  yield* STAND_IN_NOTICE.split(" ");
  const random = numbers(seed);
  const starts = [...SUCCESSORS.keys()].filter((word) => /^[A-Z]/.test(word));
  let word = starts[random.next().value % starts.length] ?? "A";
  for (;;) {
    yield word;
    const next = SUCCESSORS.get(word) ?? starts;
    word = next[random.next().value % next.length] ?? "A";
  }
}

/** Sentences after which the stand-in stops on its own. */
const SENTENCES = 2;

/**
 * A deterministic generator for tests and for machines without the embedded model: it walks a short text of its own and
 * understands nothing.
 */
export function standIn(options: StandInOptions = {}): TextGenerator {
  const { ttftMs = 20, msPerToken = 2 } = options;
  return {
    model: "stand-in",
    kind: "stand-in",
    countTokens: (text) => text.split(/\s+/).filter((word) => word !== "").length,
    async *generate(request: GenerationRequest): AsyncGenerator<string, void> {
      let sentences = 0;
      let tokens = 0;
      for (const word of walk(`${request.seed}:${JSON.stringify(request.messages)}`)) {
        await sleep(tokens === 0 ? ttftMs : msPerToken, undefined, { signal: request.signal });
        yield tokens === 0 ? word : ` ${word}`;
        tokens += 1;
        if (word.endsWith(".")) sentences += 1;
        if (tokens >= request.maxTokens || sentences >= SENTENCES) return;
      }
    },
    close: () => Promise.resolve(),
  };
}
