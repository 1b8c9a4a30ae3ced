import type { ClientConfig } from "../config/schema.ts";
import type { Demand } from "./limits.ts";
import type { Nanos } from "./money.ts";
import { nanosOf } from "./money.ts";

/** Why a step of a run was refused before it began. */
export type StepRefusal = "trace-missing" | "trace-steps" | "trace-seconds" | "trace-tokens" | "trace-cost";

/** Why the tool calls of an answer are kept back: too many of them in the run, or one too often. */
export type ToolRefusal = "trace-tool-calls" | "trace-loop";

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

/** A call as a step of an agent run; `number` counts from 1. */
export type RunStep =
  | { readonly kind: "no-run" }
  | { readonly kind: "step"; readonly number: number }
  | { readonly kind: "refused"; readonly reason: StepRefusal };

/** Tool calls of a run so far, the new ones included. */
export interface ToolUse {
  readonly calls: number;
  /** Most often that one of the new calls was made. */
  readonly repeats: number;
}

/** Circuit breakers of agent runs: limits on the steps, time, tokens, money and tool calls of one trace. */
export interface TraceLimits {
  /**
   * Counts one step, or says why it is refused.
   * @throws LimitsUnavailableError when the counts cannot be read.
   */
  step(client: ClientConfig, traceId: string | null): Promise<RunStep>;
  /**
   * Counts the tool calls of an answer by their digests, or says why they are kept back.
   * @throws LimitsUnavailableError when the counts cannot be read.
   */
  toolCalls(
    client: ClientConfig,
    traceId: string | null,
    digests: readonly string[],
  ): Promise<ToolRefusal | null>;
  /** Adds what a step used. */
  used(client: ClientConfig, traceId: string | null, used: Demand): Promise<void>;
}

/** First limit a run has reached, or null. */
export function reached(limits: TraceSettings, use: TraceUse): StepRefusal | null {
  if (use.steps >= limits.maxSteps) return "trace-steps";
  if (use.seconds > limits.maxSeconds) return "trace-seconds";
  if (use.tokens >= limits.maxTokens) return "trace-tokens";
  if (limits.maxCost !== null && use.cost >= nanosOf(limits.maxCost)) return "trace-cost";
  return null;
}

/** First limit the tool calls of a run are over, or null. */
export function overused(limits: TraceSettings, use: ToolUse): ToolRefusal | null {
  if (use.repeats > limits.maxRepeats) return "trace-loop";
  if (limits.maxToolCalls !== null && use.calls > limits.maxToolCalls) return "trace-tool-calls";
  return null;
}
