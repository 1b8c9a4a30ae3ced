import type { ClientConfig } from "../config/schema.ts";

interface Trace {
  readonly started: number;
  steps: number;
  tokens: number;
}

const MAX_TRACES = 50_000;

/** Why a step of a trace was refused. */
export type TraceRefusal = "trace-missing" | "trace-steps" | "trace-seconds" | "trace-tokens";

/** Limits on the steps, tokens and time of one agent run (trace). */
export class TraceLimits {
  readonly #traces = new Map<string, Trace>();
  readonly #now: () => number;

  /** @param now clock in milliseconds */
  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  /** Counts one step, or says why it is refused. */
  step(client: ClientConfig, traceId: string | null): TraceRefusal | null {
    const limits = client.trace;
    if (limits === null) return null;
    if (traceId === null) return limits.required === "yes" ? "trace-missing" : null;
    const key = `${client.id} ${traceId}`;
    const now = this.#now();
    const trace = this.#traces.get(key) ?? { started: now, steps: 0, tokens: 0 };
    if (trace.steps >= limits.maxSteps) return "trace-steps";
    if (now - trace.started > limits.maxSeconds * 1000) return "trace-seconds";
    if (trace.tokens >= limits.maxTokens) return "trace-tokens";
    trace.steps += 1;
    this.#traces.delete(key);
    this.#traces.set(key, trace);
    const oldest = this.#traces.keys().next();
    if (this.#traces.size > MAX_TRACES && oldest.done !== true) this.#traces.delete(oldest.value);
    return null;
  }

  /** Adds the tokens a step used. */
  used(client: ClientConfig, traceId: string | null, tokens: number): void {
    const trace = traceId === null ? undefined : this.#traces.get(`${client.id} ${traceId}`);
    if (trace !== undefined) trace.tokens += tokens;
  }
}
