import type { Redis } from "ioredis";
import { z } from "zod";
import type { ClientConfig } from "../config/schema.ts";
import type { Demand } from "./limits.ts";
import { LimitsUnavailableError } from "./limits.ts";
import type { RunStep, ToolRefusal, TraceLimits } from "./traces.ts";
import { overused, reached } from "./traces.ts";

// Counts the step and returns what was used before it: steps, milliseconds since the first one, tokens, cost.
const STEP = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('HSETNX', KEYS[1], 'started', now)
local steps = redis.call('HINCRBY', KEYS[1], 'steps', 1) - 1
redis.call('EXPIRE', KEYS[1], ARGV[1])
local kept = redis.call('HMGET', KEYS[1], 'started', 'tokens', 'nanos')
return {steps, now - tonumber(kept[1]), tonumber(kept[2]) or 0, kept[3] or '0'}
`;

// Counts the tool calls in ARGV and returns all calls of the run and the highest count of one of these.
const TOOL_CALLS = `
local most = 0
for _, digest in ipairs(ARGV) do
  most = math.max(most, redis.call('HINCRBY', KEYS[1], 'call:' .. digest, 1))
end
return {redis.call('HINCRBY', KEYS[1], 'calls', #ARGV), most}
`;

const useSchema = z.tuple([z.number(), z.number(), z.number(), z.string()]);
const toolUseSchema = z.tuple([z.number(), z.number()]);

/** Agent runs seen by all replicas; a refused step counts too, so a run that is over stays over. */
export class RedisTraceLimits implements TraceLimits {
  readonly #redis: Redis;

  constructor(redis: Redis) {
    this.#redis = redis;
  }

  async step(client: ClientConfig, traceId: string | null): Promise<RunStep> {
    const limits = client.trace;
    if (limits === null) return { kind: "no-run" };
    if (traceId === null)
      return limits.required === "yes" ? { kind: "refused", reason: "trace-missing" } : { kind: "no-run" };
    try {
      const answer = await this.#redis.eval(STEP, 1, this.#key(client, traceId), limits.maxSeconds + 86_400);
      const [steps, ms, tokens, nanos] = useSchema.parse(answer);
      const reason = reached(limits, { steps, seconds: ms / 1000, tokens, cost: BigInt(nanos) });
      return reason === null ? { kind: "step", number: steps + 1 } : { kind: "refused", reason };
    } catch (error) {
      throw new LimitsUnavailableError(error);
    }
  }

  async toolCalls(
    client: ClientConfig,
    traceId: string | null,
    digests: readonly string[],
  ): Promise<ToolRefusal | null> {
    const limits = client.trace;
    if (limits === null || traceId === null || digests.length === 0) return null;
    try {
      const answer = await this.#redis.eval(TOOL_CALLS, 1, this.#key(client, traceId), ...digests);
      const [calls, repeats] = toolUseSchema.parse(answer);
      return overused(limits, { calls, repeats });
    } catch (error) {
      throw new LimitsUnavailableError(error);
    }
  }

  async used(client: ClientConfig, traceId: string | null, used: Demand): Promise<void> {
    if (client.trace === null || traceId === null) return;
    const key = this.#key(client, traceId);
    await this.#redis
      .multi()
      .hincrby(key, "tokens", used.tokens)
      .hincrby(key, "nanos", (used.cost ?? 0n).toString())
      .exec();
  }

  #key(client: ClientConfig, traceId: string): string {
    return `llmops:{${client.id}}:trace:${traceId}`;
  }
}
