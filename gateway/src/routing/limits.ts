import type { ClientConfig } from "../config/schema.ts";
import type { Nanos } from "./money.ts";
import { nanosOf } from "./money.ts";

/** What one call may use at most. */
export interface Demand {
  readonly tokens: number;
  /** Highest cost; null when the model has no price. */
  readonly cost: Nanos | null;
}

/** Answer to a reservation. */
export type Reservation =
  | { readonly kind: "granted"; readonly settle: (used: Demand) => void }
  | {
      readonly kind: "refused";
      readonly reason: "requests" | "tokens" | "budget";
      readonly retryAfterSeconds: number;
    };

interface Bucket {
  level: number;
  at: number;
}

interface Account {
  readonly requests: Bucket;
  readonly tokens: Bucket;
  period: string;
  committed: Nanos;
}

function refill(bucket: Bucket, perMinute: number, now: number): void {
  bucket.level = Math.min(perMinute, bucket.level + (Math.max(0, now - bucket.at) / 60_000) * perMinute);
  bucket.at = now;
}

function periodOf(period: "day" | "month", now: number): string {
  return new Date(now).toISOString().slice(0, period === "day" ? 10 : 7);
}

function secondsToNextPeriod(period: "day" | "month", now: number): number {
  const date = new Date(now);
  const [year, month, day] = [date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate()];
  const next = period === "day" ? Date.UTC(year, month, day + 1) : Date.UTC(year, month + 1, 1);
  return Math.ceil((next - now) / 1000);
}

/**
 * Rate limits and money budgets of this process: each call reserves the most it can use before it starts and gives
 * back the rest when it ends, so that parallel calls cannot overrun together. Spent money is not kept over a restart.
 */
export class LocalLimits {
  readonly #accounts = new Map<string, Account>();
  readonly #now: () => number;

  /** @param now wall clock in milliseconds */
  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  /** Reserves what a call may use. */
  reserve(client: ClientConfig, demand: Demand): Reservation {
    const now = this.#now();
    const account = this.#account(client, now);
    refill(account.requests, client.requestsPerMinute, now);
    refill(account.tokens, client.tokensPerMinute, now);
    const wait = (missing: number, perMinute: number): number =>
      Math.max(1, Math.ceil((missing / perMinute) * 60));
    if (account.requests.level < 1) {
      const retryAfterSeconds = wait(1 - account.requests.level, client.requestsPerMinute);
      return { kind: "refused", reason: "requests", retryAfterSeconds };
    }
    if (account.tokens.level < demand.tokens) {
      const retryAfterSeconds = wait(demand.tokens - account.tokens.level, client.tokensPerMinute);
      return { kind: "refused", reason: "tokens", retryAfterSeconds };
    }
    const { budget } = client;
    if (budget !== null) {
      const over = demand.cost === null || account.committed + demand.cost > nanosOf(budget.amount);
      if (over) {
        return {
          kind: "refused",
          reason: "budget",
          retryAfterSeconds: secondsToNextPeriod(budget.period, now),
        };
      }
      account.committed += demand.cost;
    }
    account.requests.level -= 1;
    account.tokens.level -= demand.tokens;
    const { period } = account;
    let open = true;
    const settle = (used: Demand): void => {
      if (!open) return;
      open = false;
      account.tokens.level += demand.tokens - used.tokens;
      if (budget !== null && account.period === period)
        account.committed += (used.cost ?? 0n) - (demand.cost ?? 0n);
    };
    return { kind: "granted", settle };
  }

  #account(client: ClientConfig, now: number): Account {
    const period = client.budget === null ? "" : periodOf(client.budget.period, now);
    const existing = this.#accounts.get(client.id);
    if (existing === undefined) {
      const account: Account = {
        requests: { level: client.requestsPerMinute, at: now },
        tokens: { level: client.tokensPerMinute, at: now },
        period,
        committed: 0n,
      };
      this.#accounts.set(client.id, account);
      return account;
    }
    if (existing.period !== period) {
      existing.period = period;
      existing.committed = 0n;
    }
    return existing;
  }
}
