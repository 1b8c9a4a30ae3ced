import type { ClientConfig } from "../config/schema.ts";
import type { Demand, Limits, Reservation } from "./limits.ts";
import { periodOf, secondsToNextPeriod } from "./limits.ts";
import type { Nanos } from "./money.ts";
import { nanosOf } from "./money.ts";

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

/** Limits of this process alone; spent money is not kept over a restart. */
export class LocalLimits implements Limits {
  readonly #accounts = new Map<string, Account>();
  readonly #now: () => number;

  /** @param now wall clock in milliseconds */
  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  reserve(client: ClientConfig, demand: Demand): Promise<Reservation> {
    return Promise.resolve(this.#reserve(client, demand));
  }

  #reserve(client: ClientConfig, demand: Demand): Reservation {
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
      if (demand.cost === null || account.committed + demand.cost > nanosOf(budget.amount)) {
        const retryAfterSeconds = secondsToNextPeriod(budget.period, now);
        return { kind: "refused", reason: "budget", retryAfterSeconds };
      }
      account.committed += demand.cost;
    }
    account.requests.level -= 1;
    account.tokens.level -= demand.tokens;
    const { period } = account;
    let open = true;
    const settle = (used: Demand): Promise<void> => {
      if (open) {
        open = false;
        account.tokens.level += demand.tokens - used.tokens;
        if (budget !== null && account.period === period)
          account.committed += (used.cost ?? 0n) - (demand.cost ?? 0n);
      }
      return Promise.resolve();
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
