import type { EvalCase } from "../case.ts";
import { Journal, keyOf, readRun, type RunHead, type RunLine, type StoredRun } from "./journal.ts";
import {
  boundOf,
  chargeOf,
  costOf,
  SpendCap,
  type CaseLimits,
  type Reservation,
  type RunPrice,
  type TokenPrice,
  type Usage,
} from "./spend.ts";
import { ask, type Exchange, type Target, TargetError } from "./target.ts";

/** A run as it is ordered. */
export interface RunOrder {
  readonly head: RunHead;
  readonly cases: readonly EvalCase[];
  readonly target: Target;
  readonly folder: string;
  readonly price: RunPrice;
  /** Most the run may cost, USD. */
  readonly maxUsd: number;
  readonly limits: Pick<CaseLimits, "promptBytes" | "maxCaseMs">;
  /** Questions asked at a time. */
  readonly concurrency: number;
  /** Told after each answer. */
  readonly onProgress: (done: number, all: number, usd: number) => void;
  readonly signal: AbortSignal;
}

/** The next answer could pass the cap; what was asked is kept. */
export class CostCapError extends Error {
  override readonly name = "CostCapError";
  /** What is spent, USD. */
  readonly spentUsd: number;

  constructor(message: string, spentUsd: number) {
    super(message);
    this.spentUsd = spentUsd;
  }
}

/** Characters of one token, rounded down so that the estimate is high rather than low. */
const CHARACTERS_PER_TOKEN = 3;

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

async function askCase({ target, limits, signal }: RunOrder, { each, repeat }: Question): Promise<RunLine> {
  const inTime = AbortSignal.any([signal, AbortSignal.timeout(limits.maxCaseMs)]);
  const got: Exchange[] = [];
  for (const question of each.questions) got.push(await ask(target, question, each.tools, repeat, inTime));
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

/** One repeat of a case. */
interface Question {
  readonly each: EvalCase;
  readonly repeat: number;
}

/** A run that ended by itself. */
export interface FinishedRun extends StoredRun {
  /** Questions that could not be asked, with the reason. */
  readonly failures: readonly string[];
  /** What was charged, USD. */
  readonly usd: number;
}

/**
 * Asks every question that has no answer yet. A question that fails is left open and the others go on; run again to ask it. It is charged the time it
 * took and the most tokens it could use, because nobody said how many it used; a run that goes on after a kill knows of answers only.
 * @throws CostCapError when the next answer could pass the cap
 * @throws TargetError when ten questions in a row fail
 */
export async function run(order: RunOrder): Promise<FinishedRun> {
  const { cases, price, maxUsd, concurrency, onProgress, signal } = order;
  const limits = { ...order.limits, maxTokens: order.head.maxTokens };
  const journal = new Journal(order.folder, order.head);
  const all = cases.flatMap((each) =>
    Array.from({ length: order.head.repeats }, (_, repeat): Question => ({ each, repeat })),
  );
  const open = all.filter(
    ({ each, repeat }) => !journal.done.has(keyOf({ suite: each.suite, id: each.id, repeat })),
  );
  const charged = [...journal.done.values()].reduce((sum, line) => sum + chargeOf(line, price), 0);
  const cap = new SpendCap(maxUsd, charged);
  let done = all.length - open.length;
  let inARow = 0;
  const failures: string[] = [];
  const askOne = async (question: Question, bound: Usage, room: Reservation): Promise<void> => {
    const started = performance.now();
    try {
      const line = await askCase(order, question);
      journal.write(line);
      room.settle(chargeOf(line, price));
      done += 1;
      inARow = 0;
      onProgress(done, all.length, cap.spentUsd);
    } catch (error) {
      room.settle(chargeOf({ ...bound, ms: performance.now() - started }, price));
      if (!(error instanceof TargetError)) throw error;
      failures.push(`${question.each.id}: ${error.message}`);
      inARow += 1;
      if (inARow >= 10) throw error;
    }
  };
  // A worker without room stops; the others may still give some back and go on.
  const worker = async (): Promise<void> => {
    for (let next = open[0]; next !== undefined; next = open[0]) {
      signal.throwIfAborted();
      const bound = boundOf(next.each, limits);
      const room = cap.reserve(chargeOf(bound, price));
      if (room === undefined) return;
      open.shift();
      await askOne(next, bound, room);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
  const [next] = open;
  if (next !== undefined)
    throw new CostCapError(
      `${cap.spentUsd.toFixed(4)} of at most ${maxUsd} USD are spent, and the next answer may cost ${chargeOf(boundOf(next.each, limits), price).toFixed(4)}; ${done} of ${all.length} answers are kept: raise the cap and run again`,
      cap.spentUsd,
    );
  return { ...readRun(order.folder), failures, usd: cap.spentUsd };
}
