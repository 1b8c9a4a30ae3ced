import type { ClientConfig } from "../config/schema.ts";
import type { Demand } from "./limits.ts";
import type { Nanos } from "./money.ts";
import { nanosOf } from "./money.ts";

/** Why a step of a trace was refused. */
export type TraceRefusal = "trace-missing" | "trace-steps" | "trace-seconds" | "trace-tokens" | "trace-cost";

/** Limits of one agent run. */
export type TraceSettings = NonNullable<ClientConfig["trace"]>;

/** What one agent run has used. */
export interface TraceUse {
  readonly steps: number;
  /** Since the first step. */
  readonly seconds: number;
  readonly tokens: number;
  readonly cost: Nanos;
}

/** Circuit breakers of agent runs: limits on the steps, time, tokens and money of one trace. */
export interface TraceLimits {
  /**
   * Counts one step, or says why it is refused.
   * @throws LimitsUnavailableError when the counts cannot be read.
   */
  step(client: ClientConfig, traceId: string | null): Promise<TraceRefusal | null>;
  /** Adds what a step used. */
  used(client: ClientConfig, traceId: string | null, used: Demand): Promise<void>;
}

/** First limit a run has reached, or null. */
export function reached(limits: TraceSettings, use: TraceUse): TraceRefusal | null {
  if (use.steps >= limits.maxSteps) return "trace-steps";
  if (use.seconds > limits.maxSeconds) return "trace-seconds";
  if (use.tokens >= limits.maxTokens) return "trace-tokens";
  if (limits.maxCost !== null && use.cost >= nanosOf(limits.maxCost)) return "trace-cost";
  return null;
}
