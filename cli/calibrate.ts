import { readFileSync } from "node:fs";
import { Command, InvalidArgumentError } from "commander";
import { z } from "zod";
import { byWorkload, fitError, fitParameters, LEAST_MEASUREMENTS } from "../capacity/calibration.ts";
import { DEFAULT_BATCHED_TOKENS } from "../capacity/memory.ts";
import { batchedTokensFor, tokenRates } from "../capacity/sizing.ts";
import { serviceRate } from "../simulation/service-rate.ts";
import { exponentialLengths } from "../simulation/trace.ts";
import { EXIT, print, printJson, progress } from "./context.ts";
import { positive } from "./number-options.ts";

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

interface CalibrateOptions {
  readonly file: string;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly sloTtftMs: number;
  readonly sloTpotMs: number;
  readonly maxNumSeqs: number;
  readonly maxError: number;
  readonly json?: true;
}

/** Reads a JSON file. @throws InvalidArgumentError naming it. */
function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    throw new InvalidArgumentError(`${path}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function run(options: CalibrateOptions): void {
  const parsed = file.safeParse(readJson(options.file));
  if (!parsed.success) {
    for (const { path, message } of parsed.error.issues)
      progress(`error: ${options.file}: ${path.map(String).join(".") || "(file)"}: ${message}`);
    process.exitCode = EXIT.findings;
    return;
  }
  const { what, asOf, cacheTokens } = parsed.data;
  const measurements = parsed.data.measurements.sort(byWorkload);
  const fitted = measurements.filter((_, index) => index % 2 === 0);
  const heldOut = measurements.filter((_, index) => index % 2 === 1);
  const parameters = fitParameters(fitted);
  const error = fitError(parameters, heldOut, { batchedTokens: DEFAULT_BATCHED_TOKENS });
  if (error.tpot > options.maxError) {
    progress(
      `error: ${options.file}: on ${error.rows} held-out measurements time per token is off by ${error.tpot.toFixed(1)} % > ${options.maxError} %; measure again on an idle replica, over more lengths and concurrencies`,
    );
    process.exitCode = EXIT.findings;
    return;
  }
  const workload = { inputTokens: options.inputTokens, outputTokens: options.outputTokens };
  const slo = { ttftMs: options.sloTtftMs, tpotMs: options.sloTpotMs };
  const batchedTokens = batchedTokensFor(parameters, slo);
  const full = serviceRate(
    parameters,
    { batchedTokens, maxNumSeqs: options.maxNumSeqs, cacheTokens },
    slo,
    exponentialLengths(workload, 1),
  );
  if (full === undefined) {
    progress(`error: ${options.file}: no rate of requests meets the SLO; use a longer SLO or more GPUs`);
    process.exitCode = EXIT.findings;
    return;
  }
  const { inputTokensPerSecond, outputTokensPerSecond, concurrency, tokenMs } = tokenRates(
    parameters,
    workload,
    full,
  );
  const capacity = {
    inputTokensPerSecond: Math.round(inputTokensPerSecond),
    outputTokensPerSecond: Math.round(outputTokensPerSecond),
    concurrency,
    tokenMs: Number(tokenMs.toFixed(1)),
    source: what,
    asOf,
  };
  if (options.json === true) {
    printJson({ parameters, heldOut: error, batchedTokens, full, capacity });
    return;
  }
  print(
    `${what}, ${asOf}: fitted on ${fitted.length} measurements, held-out time per token off by ${error.tpot.toFixed(1)} %, throughput by ${error.throughput.toFixed(1)} %`,
  );
  print(`capacity: ${JSON.stringify(capacity)}`);
}

/** `llmops calibrate`: turns measurements of a real replica into the capacity of a stack file. */
export function calibrateCommand(): Command {
  return new Command("calibrate")
    .description("fit the capacity model to measurements of a real replica and check it on those left out")
    .requiredOption(
      "--file <json>",
      "measurements: {what, asOf, cacheTokens, measurements: [{inputTokens, outputTokens, concurrency, ttftMs, tpotMs}]}",
    )
    .option("--input-tokens <tokens>", "mean prompt", positive, 1024)
    .option("--output-tokens <tokens>", "mean answer", positive, 256)
    .option("--slo-ttft-ms <ms>", "longest time to the first token of 99 in 100 requests", positive, 1000)
    .option("--slo-tpot-ms <ms>", "longest time per token of 99 in 100 requests", positive, 50)
    .option("--max-num-seqs <sequences>", "most sequences in a batch", positive, 256)
    .option("--max-error <percent>", "largest held-out error that is accepted", positive, 10)
    .option("--json", "print JSON")
    .action(run);
}
