import type { ClientConfig } from "../config/schema.ts";
import type { Nanos } from "./money.ts";

/** What one call may use at most, or has used. */
export interface Demand {
  readonly tokens: number;
  /** Cost; null when the model has no price. */
  readonly cost: Nanos | null;
}

/** Answer to a reservation. */
export type Reservation =
  | {
      readonly kind: "granted";
      /** Gives back what was not used; more than the first call changes nothing. */
      readonly settle: (used: Demand) => Promise<void>;
    }
  | {
      readonly kind: "refused";
      readonly reason: "requests" | "tokens" | "budget";
      readonly retryAfterSeconds: number;
    };

/** Raised when the limits cannot be read; no call may go on without them. */
export class LimitsUnavailableError extends Error {
  constructor(cause: unknown) {
    super("the limits cannot be read", { cause });
    this.name = "LimitsUnavailableError";
  }
}

/**
 * Rate limits and money budgets: each call reserves the most it can use before it starts and gives back the rest when
 * it ends, so that parallel calls cannot overrun together. A call whose end is never told counts in full.
 */
export interface Limits {
  /**
   * Reserves what a call may use.
   * @throws LimitsUnavailableError when the limits cannot be read.
   */
  reserve(client: ClientConfig, demand: Demand): Promise<Reservation>;
}

/** Name of the budget period that holds now, in UTC: `2026-11-24` or `2026-11`. */
export function periodOf(period: "day" | "month", now: number): string {
  return new Date(now).toISOString().slice(0, period === "day" ? 10 : 7);
}

/** Seconds until the next budget period begins. */
export function secondsToNextPeriod(period: "day" | "month", now: number): number {
  const date = new Date(now);
  const [year, month, day] = [date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate()];
  const next = period === "day" ? Date.UTC(year, month, day + 1) : Date.UTC(year, month + 1, 1);
  return Math.ceil((next - now) / 1000);
}
