import type { EvalCase } from "../case.ts";
import { MAX_TURNS, toolsOf } from "./target.ts";

/** What tokens cost, USD per million; zero on own hardware, which is paid by the hour. */
export interface TokenPrice {
  readonly inputUsdPerMillion: number;
  readonly outputUsdPerMillion: number;
}

/** What a run is charged. */
export interface RunPrice extends TokenPrice {
  /** The machines that answer, USD per hour of a call; zero where tokens are all that is paid. */
  readonly usdPerHour: number;
}

/** What one call, or all calls of a case, used or may use at most. */
export interface Usage {
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly ms: number;
}

/** What tokens cost, USD. */
export function costOf({ inputTokens, outputTokens }: Omit<Usage, "ms">, price: TokenPrice): number {
  return (inputTokens * price.inputUsdPerMillion + outputTokens * price.outputUsdPerMillion) / 1e6;
}

const MS_PER_HOUR = 3_600_000;

/**
 * What a usage is charged, USD: its tokens, and the machines for as long as it took. Calls at the same time are each charged them, because each may
 * be answered by a replica of its own.
 */
export function chargeOf(usage: Usage, price: RunPrice): number {
  return costOf(usage, price) + (usage.ms * price.usdPerHour) / MS_PER_HOUR;
}

/** Tokens that a chat template adds to a message, at most. */
const TEMPLATE_TOKENS = 32;

/** Time between the end of a case's time and its end, ms. */
const BREAK_OFF_MS = 1_000;

/** How a case is asked. */
export interface CaseLimits {
  readonly maxTokens: number;
  /** Length of the system message the gateway adds, bytes. */
  readonly promptBytes: number;
  /** Longest a case may take, ms; it is broken off then. */
  readonly maxCaseMs: number;
}

/**
 * Most that one repeat of a case can use. A token is one byte at least, so bytes bound tokens; each turn repeats the conversation so far, in which no
 * tool is called twice at once. What is billed beyond it all the same is charged in full.
 */
export function boundOf(
  { questions, tools }: EvalCase,
  { maxTokens, promptBytes, maxCaseMs }: CaseLimits,
): Usage {
  const turns = tools.length === 0 ? 1 : MAX_TURNS;
  const bytes = (text: string): number => Buffer.byteLength(text) + TEMPLATE_TOKENS;
  const results = tools.reduce((sum, { result }) => sum + bytes(result), 0);
  const first = promptBytes + bytes(JSON.stringify(toolsOf(tools)));
  const inputTokens = questions.reduce(
    (sum, question) =>
      sum +
      turns * (first + bytes(question)) +
      ((turns * (turns - 1)) / 2) * (maxTokens + results + TEMPLATE_TOKENS),
    0,
  );
  return { inputTokens, outputTokens: questions.length * turns * maxTokens, ms: maxCaseMs + BREAK_OFF_MS };
}

/** Billionths of a USD, rounded up, so that sums are exact and never too low. */
function nano(usd: number): number {
  return Math.ceil(usd * 1e9);
}

/** Room that was taken for a call. */
export interface Reservation {
  /** Gives the room back and charges what the call cost, USD. */
  settle(usd: number): void;
}

/** Money of a run: before a call its most is taken out, after it what is left comes back, so no call that is within its bound passes the cap. */
export class SpendCap {
  readonly #most: number;
  #spent: number;
  #reserved = 0;

  /**
   * @param maxUsd most the run may cost, USD; infinite where nobody knows a price
   * @param spentUsd what an earlier part of it cost, USD
   */
  constructor(maxUsd: number, spentUsd: number) {
    // The cap is rounded down, what is spent up.
    this.#most = Math.floor(maxUsd * 1e9 + 1e-6);
    this.#spent = nano(spentUsd);
  }

  /** What is spent, USD. */
  get spentUsd(): number {
    return this.#spent / 1e9;
  }

  /** Takes room for a call that costs this much at most, USD; undefined where there is none. */
  reserve(usd: number): Reservation | undefined {
    const held = nano(usd);
    if (this.#spent + this.#reserved + held > this.#most) return undefined;
    this.#reserved += held;
    return {
      settle: (cost) => {
        this.#reserved -= held;
        this.#spent += nano(cost);
      },
    };
  }
}
