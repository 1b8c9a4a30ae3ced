import { readFileSync } from "node:fs";
import { InvalidArgumentError } from "commander";
import { z } from "zod";
import {
  byWorkload,
  fitError,
  fitParameters,
  LEAST_MEASUREMENTS,
  type FitError,
} from "../capacity/calibration.ts";
import { DEFAULT_BATCHED_TOKENS } from "../capacity/memory.ts";
import type { ReplicaParameters } from "../capacity/replica-model.ts";

const measurement = z.strictObject({
  inputTokens: z.number().positive(),
  outputTokens: z.number().positive(),
  concurrency: z.number().positive(),
  ttftMs: z.number().positive(),
  tpotMs: z.number().positive(),
});

const file = z.strictObject({
  /** What was measured, for the reader. */
  what: z.string().min(1),
  asOf: z.iso.date(),
  /** Tokens of the key-value cache, as the engine prints them at start. */
  cacheTokens: z.number().positive(),
  measurements: z.array(measurement).min(2 * LEAST_MEASUREMENTS, {
    error: `needs at least ${2 * LEAST_MEASUREMENTS} measurements: half are fitted, half check the fit`,
  }),
});

/** Largest error on held-out measurements that is accepted unless told otherwise, %. */
export const LARGEST_FIT_ERROR = 10;

/** A replica as somebody measured it. */
export interface MeasuredReplica {
  readonly what: string;
  /** Day of the measurement, ISO. */
  readonly asOf: string;
  /** Tokens of the key-value cache. */
  readonly cacheTokens: number;
  readonly parameters: ReplicaParameters;
  /** Measurements the parameters were fitted to. */
  readonly fittedRows: number;
  /** How far they are off on the others. */
  readonly heldOut: FitError;
}

/** Measurements that cannot be used; each line names the file, the key and the fix. */
export class MeasurementsError extends Error {
  override readonly name = "MeasurementsError";
}

function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    throw new InvalidArgumentError(`${path}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/**
 * Fits every other measurement of a file and checks the fit on the rest.
 * @param maxError largest error of the time per token that is accepted, %
 * @throws InvalidArgumentError for a file that is no JSON
 * @throws MeasurementsError for one with wrong content, or that no parameters fit
 */
export function measuredReplica(path: string, maxError: number): MeasuredReplica {
  const parsed = file.safeParse(readJson(path));
  if (!parsed.success)
    throw new MeasurementsError(
      parsed.error.issues
        .map((issue) => `${path}: ${issue.path.map(String).join(".") || "(file)"}: ${issue.message}`)
        .join("\n"),
    );
  const { what, asOf, cacheTokens } = parsed.data;
  const rows = parsed.data.measurements.sort(byWorkload);
  const fitted = rows.filter((_, index) => index % 2 === 0);
  const parameters = fitParameters(fitted);
  const heldOut = fitError(
    parameters,
    rows.filter((_, index) => index % 2 === 1),
    { batchedTokens: DEFAULT_BATCHED_TOKENS },
  );
  if (heldOut.tpot > maxError)
    throw new MeasurementsError(
      `${path}: on ${heldOut.rows} held-out measurements time per token is off by ${heldOut.tpot.toFixed(1)} % > ${maxError} %; measure again on an idle replica, over more lengths and concurrencies`,
    );
  return { what, asOf, cacheTokens, parameters, fittedRows: fitted.length, heldOut };
}
