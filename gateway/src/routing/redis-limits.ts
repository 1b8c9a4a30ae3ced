import type { Redis } from "ioredis";
import { z } from "zod";
import type { ClientConfig } from "../config/schema.ts";
import type { Demand, Limits, Reservation } from "./limits.ts";
import { LimitsUnavailableError, periodOf, secondsToNextPeriod } from "./limits.ts";
import type { Nanos } from "./money.ts";
import { nanosOf } from "./money.ts";

// Refills both buckets by the clock of Redis, then takes a request, the tokens and the money, or nothing at all.
// ARGV: requests/min, tokens/min, tokens, budget (millionths, or ''), cost (millionths), life of the budget in s.
const RESERVE = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local rpm, tpm, need = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local kept = redis.call('HMGET', KEYS[1], 'requests', 'tokens', 'at')
local minutes = math.max(0, now - (tonumber(kept[3]) or now)) / 60000
local requests = math.min(rpm, (tonumber(kept[1]) or rpm) + minutes * rpm)
local tokens = math.min(tpm, (tonumber(kept[2]) or tpm) + minutes * tpm)
if requests < 1 then return {'requests', math.max(1, math.ceil((1 - requests) / rpm * 60))} end
if tokens < need then return {'tokens', math.max(1, math.ceil((need - tokens) / tpm * 60))} end
if ARGV[4] ~= '' then
  local cost = tonumber(ARGV[5])
  if (tonumber(redis.call('GET', KEYS[2])) or 0) + cost > tonumber(ARGV[4]) then return {'budget', 0} end
  redis.call('INCRBY', KEYS[2], ARGV[5])
  redis.call('EXPIRE', KEYS[2], ARGV[6])
end
redis.call('HSET', KEYS[1], 'requests', requests - 1, 'tokens', tokens - need, 'at', now)
redis.call('EXPIRE', KEYS[1], 600)
return {'granted', 0}
`;

// ARGV: tokens to give back (may be negative), money to give back in millionths, or ''.
const SETTLE = `
if redis.call('EXISTS', KEYS[1]) == 1 then redis.call('HINCRBYFLOAT', KEYS[1], 'tokens', ARGV[1]) end
if ARGV[2] ~= '' and redis.call('EXISTS', KEYS[2]) == 1 then redis.call('DECRBY', KEYS[2], ARGV[2]) end
`;

const answerSchema = z.tuple([z.enum(["granted", "requests", "tokens", "budget"]), z.number()]);

/** Millionths of a unit, rounded up; Redis counts exactly up to 2^53 of them, nine thousand million units. */
function micros(amount: Nanos): bigint {
  return (amount + 999n) / 1_000n;
}

/** Limits shared by all replicas through Redis; without Redis there is no call. */
export class RedisLimits implements Limits {
  readonly #redis: Redis;

  constructor(redis: Redis) {
    this.#redis = redis;
  }

  async reserve(client: ClientConfig, demand: Demand): Promise<Reservation> {
    const { budget } = client;
    const now = Date.now();
    if (budget !== null && demand.cost === null) {
      return {
        kind: "refused",
        reason: "budget",
        retryAfterSeconds: secondsToNextPeriod(budget.period, now),
      };
    }
    const account = `llmops:{${client.id}}`;
    const period = budget === null ? "none" : periodOf(budget.period, now);
    const keys = [`${account}:limits`, `${account}:spent:${period}`] as const;
    const reserved = micros(demand.cost ?? 0n);
    const life = budget === null ? 0 : secondsToNextPeriod(budget.period, now) + 86_400;
    const [kind, wait] = await this.#ask(() =>
      this.#redis.eval(
        RESERVE,
        2,
        ...keys,
        client.requestsPerMinute,
        client.tokensPerMinute,
        demand.tokens,
        budget === null ? "" : micros(nanosOf(budget.amount)).toString(),
        reserved.toString(),
        life,
      ),
    );
    if (kind !== "granted") {
      const retryAfterSeconds =
        kind === "budget" && budget !== null ? secondsToNextPeriod(budget.period, now) : wait;
      return { kind: "refused", reason: kind, retryAfterSeconds };
    }
    let open = true;
    const settle = async (used: Demand): Promise<void> => {
      if (!open) return;
      open = false;
      const back = budget === null ? "" : (reserved - micros(used.cost ?? 0n)).toString();
      try {
        await this.#redis.eval(SETTLE, 2, ...keys, demand.tokens - used.tokens, back);
      } catch {
        // What was reserved stays taken: a lost settlement may not widen a budget.
      }
    };
    return { kind: "granted", settle };
  }

  async #ask(question: () => Promise<unknown>): Promise<z.output<typeof answerSchema>> {
    try {
      return answerSchema.parse(await question());
    } catch (error) {
      throw new LimitsUnavailableError(error);
    }
  }
}
