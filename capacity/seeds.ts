import { readFileSync } from "node:fs";
import type { Accelerator } from "../components/gpu/accelerators.ts";
import { ACCELERATOR_SPECS } from "../components/gpu/accelerators.ts";
import {
  byWorkload,
  fitError,
  fitParameters,
  LEAST_MEASUREMENTS,
  leaveOneOutError,
  type FitError,
  type Measurement,
} from "./calibration.ts";
import { DEFAULT_BATCHED_TOKENS, memoryBalance } from "./memory.ts";
import { MODELS } from "./models.ts";
import type { ReplicaParameters } from "./replica-model.ts";

/** One measured configuration. */
export interface SeedKey {
  /** Name in the model table. */
  readonly model: string;
  readonly accelerator: Accelerator;
  readonly tensorParallel: number;
  readonly engine: "vllm" | "sglang" | "trtllm";
  /** Version of the engine that was measured. */
  readonly version: string;
  readonly precision: string;
}

/** Parameters fitted on every other published row of a configuration, checked on the rows between. */
export interface Seed extends SeedKey {
  readonly parameters: ReplicaParameters;
  /** Rows the parameters were fitted to. */
  readonly fittedRows: number;
  /** Errors on each of these rows of a fit without it: what decides whether the parameters are used. */
  readonly leftOut: FitError;
  /** Errors on the rows that were not fitted: reported, and chosen by nobody. */
  readonly heldOut: FitError;
}

/** Largest error of time per token and of throughput, on rows left out of the fit one at a time, with which a seed is used, %. */
export const LARGEST_ERROR = 6;

/** Fewest rows of a configuration: every other one less one must determine four parameters. */
const LEAST_ROWS = 2 * LEAST_MEASUREMENTS + 1;

const BYTES: Readonly<Record<string, number>> = { bf16: 2, fp8: 1, fp4: 0.53 };

interface Row extends SeedKey {
  readonly measurement: Measurement;
}

function rows(): Row[] {
  const text = readFileSync(new URL("./data/silicon.csv", import.meta.url), "utf8");
  return text
    .trim()
    .split("\n")
    .slice(1)
    .map((line) => {
      const [
        model = "",
        gpu = "",
        tp,
        engine = "",
        version = "",
        precision = "",
        input,
        output,
        concurrency,
        ttft,
        tpot,
      ] = line.split(",");
      return {
        model,
        accelerator: gpu as Accelerator,
        tensorParallel: Number(tp),
        engine: engine as SeedKey["engine"],
        version,
        precision,
        measurement: {
          inputTokens: Number(input),
          outputTokens: Number(output),
          concurrency: Number(concurrency),
          ttftMs: Number(ttft),
          tpotMs: Number(tpot),
        },
      };
    });
}

/**
 * Rows whose requests fit into the key-value cache at once: beyond that the engine preempts and queues, and its times say how
 * long the queue was rather than how fast a step is.
 */
function fitsCache({ model, accelerator, tensorParallel, precision, measurement }: Row): boolean {
  const known = MODELS[model];
  if (known === undefined) return false;
  const { cacheTokens } = memoryBalance(
    { ...known, bytesPerParameter: BYTES[precision] ?? known.bytesPerParameter },
    { tensorParallel, gpuMemoryGiB: ACCELERATOR_SPECS[accelerator].memoryGiB },
  );
  return measurement.concurrency * (measurement.inputTokens + measurement.outputTokens) <= cacheTokens;
}

function keyOf({ model, accelerator, tensorParallel, engine, version, precision }: SeedKey): string {
  return [model, accelerator, tensorParallel, engine, version, precision].join("/");
}

function seedOf(group: readonly Row[]): Seed | undefined {
  const [first] = group;
  if (first === undefined || group.length < LEAST_ROWS) return undefined;
  const { model, accelerator, tensorParallel, engine, version, precision } = first;
  const sorted = group.map(({ measurement }) => measurement).sort(byWorkload);
  const fitted = sorted.filter((_row, index) => index % 2 === 0);
  const parameters = fitParameters(fitted);
  const limits = { batchedTokens: DEFAULT_BATCHED_TOKENS };
  return {
    model,
    accelerator,
    tensorParallel,
    engine,
    version,
    precision,
    parameters,
    fittedRows: fitted.length,
    leftOut: leaveOneOutError(fitted, limits),
    heldOut: fitError(
      parameters,
      sorted.filter((_row, index) => index % 2 === 1),
      limits,
    ),
  };
}

/** Every configuration with enough rows, whether its parameters may be used or not. */
export function fittedSeeds(): Seed[] {
  return [...Map.groupBy(rows().filter(fitsCache), keyOf).values()]
    .map(seedOf)
    .filter((seed) => seed !== undefined);
}

/** True when the fitted rows, left out one at a time, confirm the parameters; the held-out ones have no say. */
export function isConfirmed({ leftOut }: Seed): boolean {
  return leftOut.tpot <= LARGEST_ERROR && leftOut.throughput <= LARGEST_ERROR;
}

/** Which measured configuration is looked for. */
export type SeedQuery = Pick<SeedKey, "model" | "accelerator" | "tensorParallel"> & {
  readonly engine?: SeedKey["engine"];
};

/** The confirmed seed with the smallest error on rows left out of the fit, or undefined when there is none. */
export function seedFor({
  model,
  accelerator,
  tensorParallel,
  engine = "vllm",
}: SeedQuery): Seed | undefined {
  return fittedSeeds()
    .filter(
      (seed) =>
        seed.model === model &&
        seed.accelerator === accelerator &&
        seed.tensorParallel === tensorParallel &&
        seed.engine === engine &&
        isConfirmed(seed),
    )
    .sort((a, b) => a.leftOut.tpot - b.leftOut.tpot)
    .at(0);
}
