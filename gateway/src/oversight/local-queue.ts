import type { DecisionResult, ReviewQueue, ReviewTicket, TicketState } from "./tickets.ts";

/** Review tickets of one process; they end with it, and a repeated request gets a new ticket. */
export class LocalReviewQueue implements ReviewQueue {
  readonly #tickets = new Map<string, ReviewTicket>();
  readonly #now: () => number;

  /** @param now clock in milliseconds */
  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  add(ticket: ReviewTicket): Promise<void> {
    this.#expire();
    this.#tickets.set(ticket.id, ticket);
    return Promise.resolve();
  }

  list(state: TicketState): Promise<ReviewTicket[]> {
    this.#expire();
    return Promise.resolve([...this.#tickets.values()].filter((ticket) => ticket.state === state));
  }

  decide(id: string, state: "approved" | "denied", reviewer: string): Promise<DecisionResult> {
    this.#expire();
    const ticket = this.#tickets.get(id);
    if (ticket === undefined) return Promise.resolve({ kind: "unknown" });
    if (ticket.state !== "pending") return Promise.resolve({ kind: "decided-before", ticket });
    const decided = { ...ticket, state, reviewer };
    this.#tickets.set(id, decided);
    return Promise.resolve({ kind: "decided", ticket: decided });
  }

  take(id: string, client: string, input: string): Promise<ReviewTicket | null> {
    this.#expire();
    const ticket = this.#tickets.get(id);
    if (ticket?.state !== "approved" || ticket.client !== client || ticket.input !== input)
      return Promise.resolve(null);
    this.#tickets.set(id, { ...ticket, state: "used" });
    return Promise.resolve(ticket);
  }

  #expire(): void {
    const now = new Date(this.#now()).toISOString();
    for (const [id, { expiresAt }] of this.#tickets) if (expiresAt <= now) this.#tickets.delete(id);
  }
}
