/** A piece of an answer; the last one says why the answer ended. */
export type AnswerPiece =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "end"; readonly reason: "stop" | "length"; readonly tokens: number };

/**
 * Cuts an answer at the first stop sequence, also where one spans several tokens: text that may be the beginning of a stop
 * sequence is held back until it is decided.
 * @param maxTokens an answer of this many tokens ended because of its length
 */
export async function* untilStop(
  tokens: AsyncIterable<string>,
  stops: readonly string[],
  maxTokens: number,
): AsyncGenerator<AnswerPiece, void> {
  const holdBack = Math.max(0, ...stops.map((stop) => stop.length - 1));
  let held = "";
  let count = 0;
  for await (const token of tokens) {
    count += 1;
    held += token;
    const cut = Math.min(...stops.map((stop) => held.indexOf(stop)).map((at) => (at === -1 ? Infinity : at)));
    if (Number.isFinite(cut)) {
      if (cut > 0) yield { kind: "text", text: held.slice(0, cut) };
      yield { kind: "end", reason: "stop", tokens: count };
      return;
    }
    const ready = held.slice(0, held.length - holdBack);
    if (ready !== "") {
      yield { kind: "text", text: ready };
      held = held.slice(ready.length);
    }
  }
  if (held !== "") yield { kind: "text", text: held };
  yield { kind: "end", reason: count >= maxTokens ? "length" : "stop", tokens: count };
}
