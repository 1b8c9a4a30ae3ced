import type { AuditRecord } from "../audit/record.ts";

/** Requests an engine says it finished, by model name. */
export type EngineCounts = ReadonlyMap<string, number>;

const SAMPLE = /^vllm:request_success_total\{([^}]*)\} ([0-9.e+]+)/;
const MODEL_LABEL = /(?:^|,)\s*model_name="((?:[^"\\]|\\.)*)"/;

/**
 * Sums `vllm:request_success_total` by model in a Prometheus text page (the counter vLLM increments for every finished
 * request, with labels `model_name` and `finished_reason`; vllm/v1/metrics/loggers.py, read 2026-11).
 */
export function engineCounts(page: string): EngineCounts {
  const counts = new Map<string, number>();
  for (const line of page.split("\n")) {
    const sample = SAMPLE.exec(line);
    const model = MODEL_LABEL.exec(sample?.[1] ?? "")?.[1];
    if (sample?.[2] === undefined || model === undefined) continue;
    counts.set(model, (counts.get(model) ?? 0) + Number(sample[2]));
  }
  return counts;
}

/** Comparison for one model. */
export interface Reconciled {
  readonly model: string;
  /** Requests the engine finished in the period. */
  readonly engine: number;
  /** Requests the log proves to be finished. */
  readonly least: number;
  /** Requests the log allows for, with those that were cut off or whose end is unknown. */
  readonly most: number;
  readonly result: "agrees" | "unrecorded-requests" | "missing-requests";
}

/** Counts what the log says about the engine's requests. */
export class Reconciliation {
  readonly #least = new Map<string, number>();
  readonly #most = new Map<string, number>();
  readonly #open = new Map<string, readonly string[]>();

  /** Takes the next record. */
  add({ body }: AuditRecord): void {
    if (body.kind === "intent") {
      this.#open.set(
        body.id,
        body.plan.map(({ model }) => model),
      );
      return;
    }
    if (body.kind !== "outcome") return;
    const planned = this.#open.get(body.id) ?? [];
    this.#open.delete(body.id);
    if (body.result === "unknown") this.#allow(planned);
    for (const { model, status } of body.attempts) {
      if (status === null || status < 300) this.#raise(this.#most, model);
      if (status !== null && status < 300 && body.result === "completed") this.#raise(this.#least, model);
    }
  }

  #allow(models: readonly string[]): void {
    for (const model of models) this.#raise(this.#most, model);
  }

  #raise(counts: Map<string, number>, model: string): void {
    counts.set(model, (counts.get(model) ?? 0) + 1);
  }

  /** Compares with the engine; a model that only one side knows is compared with zero. */
  compare(before: EngineCounts, after: EngineCounts): Reconciled[] {
    for (const planned of this.#open.values()) this.#allow(planned);
    this.#open.clear();
    const models = new Set([...after.keys(), ...this.#most.keys()]);
    return [...models].sort().map((model) => {
      const engine = (after.get(model) ?? 0) - (before.get(model) ?? 0);
      const least = this.#least.get(model) ?? 0;
      const most = this.#most.get(model) ?? 0;
      const result = engine > most ? "unrecorded-requests" : engine < least ? "missing-requests" : "agrees";
      return { model, engine, least, most, result };
    });
  }
}
