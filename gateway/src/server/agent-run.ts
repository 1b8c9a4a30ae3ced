import { canonicalJson } from "../audit/canonical-json.ts";
import type { ToolCall } from "../api/tools.ts";
import type { ClientConfig } from "../config/schema.ts";
import type { VerdictBook } from "../guards/inspect.ts";
import { LimitsUnavailableError } from "../routing/limits.ts";
import type { Demand } from "../routing/limits.ts";
import type { StepRefusal, ToolRefusal } from "../routing/traces.ts";
import type { AnswerVerdict } from "./answer.ts";
import type { Runtime } from "./runtime.ts";

/** Name of the guard that keeps back answers which a run may not have. */
const GUARD = "agent-run";

/** Label of a tool that the client's configuration does not name. */
const OTHER_TOOL = "other";

/** A call's place in its agent run: the run's limits, the tool calls it gets, and the counters of both. */
export class AgentRun {
  readonly #runtime: Runtime;
  readonly #client: ClientConfig;
  readonly #trace: string | null;
  #step: number | null = null;

  constructor(runtime: Runtime, client: ClientConfig, trace: string | null) {
    this.#runtime = runtime;
    this.#client = client;
    this.#trace = trace;
  }

  /** Number of this step in its run, from 1; null outside of a run. */
  get step(): number | null {
    return this.#step;
  }

  /**
   * Counts the call as a step; says why when the run is over.
   * @throws LimitsUnavailableError when the counts cannot be read.
   */
  async begin(): Promise<StepRefusal | null> {
    const { traces, metrics } = this.#runtime;
    const step = await traces.step(this.#client, this.#trace);
    const client = this.#client.id;
    switch (step.kind) {
      case "no-run":
        return null;
      case "refused":
        this.#limited(step.reason);
        return step.reason;
      case "step":
        this.#step = step.number;
        if (step.number === 1) metrics.agentRuns.inc({ client });
        metrics.agentStep.observe({ client }, step.number);
        return null;
    }
  }

  /** Counts the tool calls of an answer that passed the guards; keeps the answer back when the run may not have them. */
  async admitTools(calls: readonly ToolCall[], book: VerdictBook): Promise<AnswerVerdict> {
    if (calls.length === 0) return { kind: "passed" };
    const refusal = await this.#refusal(calls);
    this.countTools(calls, refusal === null ? "passed" : "refused");
    if (refusal === null) return { kind: "passed" };
    book.note(GUARD, "1", refusal === "unknown" ? "error" : "block", { [refusal]: 1 });
    if (refusal !== "unknown") this.#limited(refusal);
    return { kind: "blocked", guard: GUARD };
  }

  /** Counts tool calls by what became of them. */
  countTools(calls: readonly ToolCall[], result: "passed" | "refused"): void {
    const { id: client, tools } = this.#client;
    for (const { name } of calls) {
      const tool = Array.isArray(tools) && tools.includes(name) ? name : OTHER_TOOL;
      this.#runtime.metrics.agentToolCalls.inc({ client, tool, result });
    }
  }

  /** Adds what the step used to its run. */
  async end(used: Demand, currency: string | null): Promise<void> {
    if (this.#step === null) return;
    const { traces, metrics } = this.#runtime;
    const client = this.#client.id;
    metrics.agentTokens.inc({ client }, used.tokens);
    if (used.cost !== null && currency !== null)
      metrics.agentCost.inc({ client, currency }, Number(used.cost) / 1e9);
    await traces.used(this.#client, this.#trace, used).catch(() => undefined);
  }

  /** Arguments may be personal data, so the counts are kept under keyed digests. */
  async #refusal(calls: readonly ToolCall[]): Promise<ToolRefusal | "unknown" | null> {
    const { traces, digests } = this.#runtime;
    const digester = digests(this.#client.tenant);
    const digested = calls.map(({ name, args }) =>
      digester.digest("tool-call", canonicalJson([name, args ?? null])),
    );
    try {
      return await traces.toolCalls(this.#client, this.#trace, digested);
    } catch (error) {
      if (error instanceof LimitsUnavailableError) return "unknown";
      throw error;
    }
  }

  #limited(reason: StepRefusal | ToolRefusal): void {
    this.#runtime.metrics.agentLimits.inc({
      client: this.#client.id,
      limit: reason.replace(/^trace-/, "").replaceAll("-", "_"),
    });
  }
}
