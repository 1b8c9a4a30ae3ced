import type { ClientConfig } from "../config/schema.ts";
import type { Demand } from "./limits.ts";
import type { Nanos } from "./money.ts";
import type { TraceLimits, TraceRefusal } from "./traces.ts";
import { reached } from "./traces.ts";

interface Trace {
  readonly started: number;
  steps: number;
  tokens: number;
  cost: Nanos;
}

const MAX_TRACES = 50_000;

/** Agent runs seen by this process, the longest unused forgotten first. */
export class LocalTraceLimits implements TraceLimits {
  readonly #traces = new Map<string, Trace>();
  readonly #now: () => number;

  /** @param now clock in milliseconds */
  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  step(client: ClientConfig, traceId: string | null): Promise<TraceRefusal | null> {
    return Promise.resolve(this.#step(client, traceId));
  }

  #step(client: ClientConfig, traceId: string | null): TraceRefusal | null {
    const limits = client.trace;
    if (limits === null) return null;
    if (traceId === null) return limits.required === "yes" ? "trace-missing" : null;
    const key = `${client.id} ${traceId}`;
    const now = this.#now();
    const trace = this.#traces.get(key) ?? { started: now, steps: 0, tokens: 0, cost: 0n };
    const refusal = reached(limits, { ...trace, seconds: (now - trace.started) / 1000 });
    if (refusal !== null) return refusal;
    trace.steps += 1;
    this.#traces.delete(key);
    this.#traces.set(key, trace);
    const oldest = this.#traces.keys().next();
    if (this.#traces.size > MAX_TRACES && oldest.done !== true) this.#traces.delete(oldest.value);
    return null;
  }

  used(client: ClientConfig, traceId: string | null, used: Demand): Promise<void> {
    const trace = traceId === null ? undefined : this.#traces.get(`${client.id} ${traceId}`);
    if (trace !== undefined) {
      trace.tokens += used.tokens;
      trace.cost += used.cost ?? 0n;
    }
    return Promise.resolve();
  }
}
