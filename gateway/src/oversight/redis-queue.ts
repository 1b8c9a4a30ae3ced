import type { Redis } from "ioredis";
import { z } from "zod";
import { LimitsUnavailableError } from "../routing/limits.ts";
import type { DecisionResult, ReviewQueue, ReviewTicket, TicketState } from "./tickets.ts";

const ticketSchema = z.object({
  id: z.string(),
  request: z.string(),
  tenant: z.string(),
  client: z.string(),
  model: z.string(),
  side: z.enum(["input", "output"]),
  guards: z.array(z.string()),
  input: z.string(),
  requestedAt: z.string(),
  expiresAt: z.string(),
});

const INDEX = "llmops:{reviews}:index";
const keyOf = (id: string): string => `llmops:{reviews}:${id}`;

// Moves a ticket from one state to another; returns the state it was in, or false when it is gone.
const MOVE = `
local state = redis.call('HGET', KEYS[1], 'state')
if state == ARGV[1] then
  redis.call('HSET', KEYS[1], 'state', ARGV[2])
  if ARGV[3] ~= '' then redis.call('HSET', KEYS[1], 'reviewer', ARGV[3]) end
end
return state
`;

/** Review tickets shared by all replicas. */
export class RedisReviewQueue implements ReviewQueue {
  readonly #redis: Redis;

  constructor(redis: Redis) {
    this.#redis = redis;
  }

  async add(ticket: ReviewTicket): Promise<void> {
    const { state, ...rest } = ticket;
    const expires = Date.parse(ticket.expiresAt);
    try {
      const answers = await this.#redis
        .multi()
        .hset(keyOf(ticket.id), { state, ticket: JSON.stringify(rest) })
        .pexpireat(keyOf(ticket.id), expires)
        .zadd(INDEX, expires, ticket.id)
        .exec();
      for (const [error] of answers ?? []) if (error !== null) throw error;
    } catch (error) {
      throw new LimitsUnavailableError(error);
    }
  }

  async #read(id: string): Promise<ReviewTicket | null> {
    const { state, ticket, reviewer } = await this.#redis.hgetall(keyOf(id));
    if (state === undefined || ticket === undefined) return null;
    return {
      ...ticketSchema.parse(JSON.parse(ticket)),
      state: z.enum(["pending", "approved", "denied", "used"]).parse(state),
      ...(reviewer === undefined ? {} : { reviewer }),
    };
  }

  async list(state: TicketState): Promise<ReviewTicket[]> {
    await this.#redis.zremrangebyscore(INDEX, "-inf", String(Date.now()));
    const ids = await this.#redis.zrange(INDEX, "0", "-1");
    const tickets = await Promise.all(ids.map((id) => this.#read(id)));
    return tickets.filter((ticket) => ticket?.state === state) as ReviewTicket[];
  }

  async decide(id: string, state: "approved" | "denied", reviewer: string): Promise<DecisionResult> {
    const before = await this.#redis.eval(MOVE, 1, keyOf(id), "pending", state, reviewer);
    const ticket = await this.#read(id);
    if (ticket === null) return { kind: "unknown" };
    return { kind: before === "pending" ? "decided" : "decided-before", ticket };
  }

  async take(id: string, client: string, input: string): Promise<ReviewTicket | null> {
    try {
      const ticket = await this.#read(id);
      if (ticket?.state !== "approved" || ticket.client !== client || ticket.input !== input) return null;
      const before = await this.#redis.eval(MOVE, 1, keyOf(id), "approved", "used", "");
      return before === "approved" ? ticket : null;
    } catch (error) {
      throw new LimitsUnavailableError(error);
    }
  }
}
