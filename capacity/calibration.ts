import { nonNegativeLeastSquares } from "./least-squares.ts";
import {
  predict,
  stepFactors,
  type EngineLimits,
  type ReplicaParameters,
  type Workload,
} from "./replica-model.ts";

/** One measured closed loop. */
export interface Measurement extends Workload {
  /** Requests kept in flight. */
  readonly concurrency: number;
  /** Mean time to the first token, ms. */
  readonly ttftMs: number;
  /** Mean time per further token, ms. */
  readonly tpotMs: number;
}

/** Order in which every other measurement is left out: neighbours differ in concurrency, so each half covers every length. */
export function byWorkload(a: Measurement, b: Measurement): number {
  return a.inputTokens - b.inputTokens || a.outputTokens - b.outputTokens || a.concurrency - b.concurrency;
}

/** Fewest measurements four parameters can be fitted to. */
export const LEAST_MEASUREMENTS = 4;

/** Parameters that give the smallest squared relative error of the measured times per token. */
export function fitParameters(measurements: readonly Measurement[]): ReplicaParameters {
  if (measurements.length < LEAST_MEASUREMENTS)
    throw new RangeError(
      `${measurements.length} measurements: four parameters need at least ${LEAST_MEASUREMENTS}`,
    );
  const [fixedMs = 0, context = 0, prefill = 0, sequence = 0] = nonNegativeLeastSquares(
    measurements.map((row) => stepFactors(row, row.concurrency).map((factor) => factor / row.tpotMs)),
  );
  return { fixedMs, contextNs: context * 1e6, prefillUs: prefill * 1e3, sequenceUs: sequence * 1e3 };
}

/** Mean absolute percentage errors of predictions against measurements, %. */
export interface FitError {
  readonly rows: number;
  readonly ttft: number;
  readonly tpot: number;
  readonly throughput: number;
}

/** Output tokens per second that a measurement implies. */
export function measuredThroughput({ concurrency, outputTokens, ttftMs, tpotMs }: Measurement): number {
  return (1000 * concurrency * outputTokens) / (ttftMs + (outputTokens - 1) * tpotMs);
}

/** How far parameters are off on measurements they were not fitted to. */
export function fitError(
  parameters: ReplicaParameters,
  measurements: readonly Measurement[],
  limits: Pick<EngineLimits, "batchedTokens">,
): FitError {
  const mean = (error: (row: Measurement) => number): number =>
    (100 * measurements.reduce((sum, row) => sum + Math.abs(error(row)), 0)) / measurements.length;
  const at = (row: Measurement): ReturnType<typeof predict> =>
    predict(parameters, row, row.concurrency, limits);
  return {
    rows: measurements.length,
    ttft: mean((row) => at(row).ttftMs / row.ttftMs - 1),
    tpot: mean((row) => at(row).tpotMs / row.tpotMs - 1),
    throughput: mean((row) => at(row).outputTokensPerSecond / measuredThroughput(row) - 1),
  };
}

/**
 * How far fits are off on the one measurement left out of each: an error that needs no rows besides those fitted.
 * @throws RangeError for too few measurements to leave one out
 */
export function leaveOneOutError(
  measurements: readonly Measurement[],
  limits: Pick<EngineLimits, "batchedTokens">,
): FitError {
  const errors = measurements.map((row, left) =>
    fitError(fitParameters(measurements.filter((_row, index) => index !== left)), [row], limits),
  );
  const mean = (key: "ttft" | "tpot" | "throughput"): number =>
    errors.reduce((sum, error) => sum + error[key], 0) / errors.length;
  return { rows: errors.length, ttft: mean("ttft"), tpot: mean("tpot"), throughput: mean("throughput") };
}
