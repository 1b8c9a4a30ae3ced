/** Where a request for human review stands; `used` tickets have let one request through. */
export type TicketState = "pending" | "approved" | "denied" | "used";

/** One exchange that waits for a person. */
export interface ReviewTicket {
  readonly id: string;
  /** Id of the request that caused it. */
  readonly request: string;
  readonly tenant: string;
  readonly client: string;
  readonly model: string;
  readonly side: "input" | "output";
  /** Guards that asked for the review. */
  readonly guards: readonly string[];
  /** Keyed digest of the request body; an approval holds for this body only. */
  readonly input: string;
  /** ISO 8601. */
  readonly requestedAt: string;
  /** ISO 8601; afterwards the ticket is gone. */
  readonly expiresAt: string;
  readonly state: TicketState;
  /** Keyed digest of who decided. */
  readonly reviewer?: string;
}

/** What became of a decision. */
export type DecisionResult =
  | { readonly kind: "decided"; readonly ticket: ReviewTicket }
  | { readonly kind: "unknown" }
  | { readonly kind: "decided-before"; readonly ticket: ReviewTicket };

/** Keeps review tickets; each approval lets one request through. */
export interface ReviewQueue {
  /**
   * Puts a ticket in.
   * @throws LimitsUnavailableError when the tickets cannot be read.
   */
  add(ticket: ReviewTicket): Promise<void>;
  /** Tickets in a state, oldest first. */
  list(state: TicketState): Promise<ReviewTicket[]>;
  /** Decides a pending ticket. */
  decide(id: string, state: "approved" | "denied", reviewer: string): Promise<DecisionResult>;
  /**
   * Takes an approval for a request with this body; null when there is none to take.
   * @throws LimitsUnavailableError when the tickets cannot be read.
   */
  take(id: string, client: string, input: string): Promise<ReviewTicket | null>;
}
