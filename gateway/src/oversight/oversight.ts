import { randomUUID } from "node:crypto";
import type { Exchange } from "../audit/record.ts";
import type { ReviewQueue, ReviewTicket } from "./tickets.ts";

/** Hands exchanges to people and lets approved ones through once. */
export class Oversight {
  readonly queue: ReviewQueue;
  readonly #ticketSeconds: number;

  constructor(queue: ReviewQueue, ticketSeconds: number) {
    this.queue = queue;
    this.#ticketSeconds = ticketSeconds;
  }

  /** Opens a ticket and returns its id. */
  async ask(exchange: Exchange, side: ReviewTicket["side"], guards: readonly string[]): Promise<string> {
    const { id: request, tenant, client, model, input } = exchange;
    const id = randomUUID();
    const now = Date.now();
    await this.queue.add({
      id,
      request,
      tenant,
      client,
      model,
      side,
      guards,
      input,
      requestedAt: new Date(now).toISOString(),
      expiresAt: new Date(now + this.#ticketSeconds * 1000).toISOString(),
      state: "pending",
    });
    return id;
  }
}
