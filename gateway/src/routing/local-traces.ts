import type { ClientConfig } from "../config/schema.ts";
import type { Demand } from "./limits.ts";
import type { Nanos } from "./money.ts";
import type { RunStep, ToolRefusal, TraceLimits } from "./traces.ts";
import { overused, reached } from "./traces.ts";

interface Trace {
  readonly started: number;
  steps: number;
  tokens: number;
  cost: Nanos;
  /** Tool calls by digest. */
  readonly calls: Map<string, number>;
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

  step(client: ClientConfig, traceId: string | null): Promise<RunStep> {
    return Promise.resolve(this.#step(client, traceId));
  }

  #step(client: ClientConfig, traceId: string | null): RunStep {
    const limits = client.trace;
    if (limits === null) return { kind: "no-run" };
    if (traceId === null)
      return limits.required === "yes" ? { kind: "refused", reason: "trace-missing" } : { kind: "no-run" };
    const key = `${client.id} ${traceId}`;
    const now = this.#now();
    const trace = this.#traces.get(key) ?? {
      started: now,
      steps: 0,
      tokens: 0,
      cost: 0n,
      calls: new Map<string, number>(),
    };
    const refusal = reached(limits, { ...trace, seconds: (now - trace.started) / 1000 });
    if (refusal !== null) return { kind: "refused", reason: refusal };
    trace.steps += 1;
    this.#traces.delete(key);
    this.#traces.set(key, trace);
    const oldest = this.#traces.keys().next();
    if (this.#traces.size > MAX_TRACES && oldest.done !== true) this.#traces.delete(oldest.value);
    return { kind: "step", number: trace.steps };
  }

  toolCalls(
    client: ClientConfig,
    traceId: string | null,
    digests: readonly string[],
  ): Promise<ToolRefusal | null> {
    const limits = client.trace;
    const trace = traceId === null ? undefined : this.#traces.get(`${client.id} ${traceId}`);
    if (limits === null || trace === undefined) return Promise.resolve(null);
    const { calls } = trace;
    for (const digest of digests) calls.set(digest, (calls.get(digest) ?? 0) + 1);
    const repeats = Math.max(0, ...digests.map((digest) => calls.get(digest) ?? 0));
    const all = [...calls.values()].reduce((sum, count) => sum + count, 0);
    return Promise.resolve(overused(limits, { calls: all, repeats }));
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
