import type { EvalCase } from "../case.ts";
import { Journal, keyOf, readRun, type RunHead, type RunLine, type StoredRun } from "./journal.ts";
import { ask, type Exchange, type Target, TargetError } from "./target.ts";

/** What tokens cost, USD per million; zero on own hardware, which is paid by the hour. */
export interface TokenPrice {
  readonly inputUsdPerMillion: number;
  readonly outputUsdPerMillion: number;
}

/** A run as it is ordered. */
export interface RunOrder {
  readonly head: RunHead;
  readonly cases: readonly EvalCase[];
  readonly target: Target;
  readonly folder: string;
  readonly price: TokenPrice;
  /** Most the run may cost, USD. */
  readonly maxUsd: number;
  /** Questions asked at a time. */
  readonly concurrency: number;
  /** Told after each answer. */
  readonly onProgress: (done: number, all: number, usd: number) => void;
  readonly signal: AbortSignal;
}

/** A run costs more than it may; what was asked is kept. */
export class CostCapError extends Error {
  override readonly name = "CostCapError";
}

/** Characters of one token, rounded down so that the estimate is high rather than low. */
const CHARACTERS_PER_TOKEN = 3;

/** What tokens cost, USD. */
export function costOf(
  { inputTokens, outputTokens }: { readonly inputTokens: number; readonly outputTokens: number },
  price: TokenPrice,
): number {
  return (inputTokens * price.inputUsdPerMillion + outputTokens * price.outputUsdPerMillion) / 1e6;
}

/** Most a run is expected to use: every answer as long as allowed, and the system prompt with every question. */
export function estimate(
  cases: readonly EvalCase[],
  { maxTokens, repeats, promptCharacters }: { maxTokens: number; repeats: number; promptCharacters: number },
  price: TokenPrice,
): {
  readonly questions: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly usd: number;
} {
  const questions = cases.flatMap((each) =>
    each.questions.map((text) => ({ text, turns: each.tools.length + 1 })),
  );
  const inputTokens =
    repeats *
    questions.reduce(
      (sum, { text, turns }) =>
        sum + turns * Math.ceil((text.length + promptCharacters) / CHARACTERS_PER_TOKEN),
      0,
    );
  const outputTokens = repeats * questions.reduce((sum, { turns }) => sum + turns * maxTokens, 0);
  return {
    questions: repeats * questions.length,
    inputTokens,
    outputTokens,
    usd: costOf({ inputTokens, outputTokens }, price),
  };
}

async function askCase(order: RunOrder, each: EvalCase, repeat: number): Promise<RunLine> {
  const got: Exchange[] = [];
  for (const question of each.questions)
    got.push(await ask(order.target, question, each.tools, repeat, order.signal));
  const total = (pick: (exchange: Exchange) => number): number =>
    got.reduce((sum, one) => sum + pick(one), 0);
  return {
    suite: each.suite,
    id: each.id,
    repeat,
    answers: got.map(({ answer }) =>
      answer.kind === "answered" ? { ...answer, calls: [...answer.calls] } : answer,
    ),
    ms: total(({ ms }) => ms),
    inputTokens: total(({ inputTokens }) => inputTokens),
    outputTokens: total(({ outputTokens }) => outputTokens),
    at: new Date().toISOString(),
  };
}

/**
 * Asks every question that has no answer yet. A question that fails is left open and the others go on; run again to ask it.
 * @throws CostCapError when the next answer could cost more than is left
 * @throws TargetError when ten questions in a row fail
 */
export async function run(order: RunOrder): Promise<StoredRun & { readonly failures: readonly string[] }> {
  const { cases, price, maxUsd, concurrency, onProgress, signal } = order;
  const journal = new Journal(order.folder, order.head);
  const all = cases.flatMap((each) =>
    Array.from({ length: order.head.repeats }, (_, repeat) => ({ each, repeat })),
  );
  const open = all.filter(
    ({ each, repeat }) => !journal.done.has(keyOf({ suite: each.suite, id: each.id, repeat })),
  );
  let usd = [...journal.done.values()].reduce((sum, line) => sum + costOf(line, price), 0);
  let done = all.length - open.length;
  let inARow = 0;
  const failures: string[] = [];
  const worker = async (): Promise<void> => {
    for (let next = open.shift(); next !== undefined; next = open.shift()) {
      signal.throwIfAborted();
      if (usd > maxUsd)
        throw new CostCapError(
          `${usd.toFixed(4)} USD are spent and --max-usd is ${maxUsd}; ${done} of ${all.length} answers are kept, raise it and run again`,
        );
      try {
        const line = await askCase(order, next.each, next.repeat);
        journal.write(line);
        usd += costOf(line, price);
        done += 1;
        inARow = 0;
        onProgress(done, all.length, usd);
      } catch (error) {
        if (!(error instanceof TargetError)) throw error;
        failures.push(`${next.each.id}: ${error.message}`);
        inARow += 1;
        if (inARow >= 10) throw error;
      }
    }
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
  return { ...readRun(order.folder), failures };
}
