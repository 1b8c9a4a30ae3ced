import { Command } from "commander";
import { batchedTokensFor, tokenRates } from "../capacity/sizing.ts";
import { serviceRate } from "../simulation/service-rate.ts";
import { exponentialLengths } from "../simulation/trace.ts";
import { LARGEST_FIT_ERROR, measuredReplica } from "./measurements.ts";
import { EXIT, print, printJson, progress } from "./context.ts";
import { positive } from "./number-options.ts";

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

function run(options: CalibrateOptions): void {
  const { what, asOf, cacheTokens, parameters, fittedRows, heldOut } = measuredReplica(
    options.file,
    options.maxError,
  );
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
  const { inputTokensPerSecond, outputTokensPerSecond, concurrency, tokenMs, idleTokenMs } = tokenRates(
    parameters,
    workload,
    full,
  );
  const capacity = {
    inputTokensPerSecond: Math.round(inputTokensPerSecond),
    outputTokensPerSecond: Math.round(outputTokensPerSecond),
    concurrency,
    tokenMs: Number(tokenMs.toFixed(1)),
    idleTokenMs: Number(idleTokenMs.toFixed(1)),
    source: what,
    asOf,
  };
  if (options.json === true) {
    printJson({ parameters, heldOut, batchedTokens, full, capacity });
    return;
  }
  print(
    `${what}, ${asOf}: fitted on ${fittedRows} measurements, held-out time per token off by ${heldOut.tpot.toFixed(1)} %, throughput by ${heldOut.throughput.toFixed(1)} %`,
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
    .option("--max-error <percent>", "largest held-out error that is accepted", positive, LARGEST_FIT_ERROR)
    .option("--json", "print JSON")
    .action(run);
}
