import { Command, InvalidArgumentError, Option } from "commander";
import { isConfirmed, seedFor, fittedSeeds } from "../capacity/seeds.ts";
import { cheapestMachine } from "../capacity/machines.ts";
import { memoryBalance } from "../capacity/memory.ts";
import { MODELS, type ModelCard } from "../capacity/models.ts";
import { PEAK_SOURCE, roofline } from "../capacity/roofline.ts";
import type { ReplicaParameters } from "../capacity/replica-model.ts";
import { batchedTokensFor, cheapestFit, tokenRates } from "../capacity/sizing.ts";
import { serviceRate } from "../simulation/service-rate.ts";
import { exponentialLengths } from "../simulation/trace.ts";
import { ACCELERATORS, ACCELERATOR_SPECS, type Accelerator } from "../components/gpu/accelerators.ts";
import { EXIT, print, printJson, progress } from "./context.ts";
import { LARGEST_FIT_ERROR, measuredReplica } from "./measurements.ts";
import { positive } from "./number-options.ts";
import { plainTable } from "./table.ts";

interface CapacityOptions {
  readonly gpu: Accelerator;
  readonly tensorParallel: number;
  readonly engine: "vllm" | "sglang" | "trtllm";
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly sloTtftMs: number;
  readonly sloTpotMs: number;
  readonly maxNumSeqs: number;
  readonly maxModelLen: number;
  readonly cloud: "aws" | "gcp";
  readonly region: string;
  readonly measurements?: string;
  readonly json?: true;
}

interface Origin {
  readonly parameters: ReplicaParameters;
  /** Where the parameters come from, with what is known about their error. */
  readonly origin: string;
  /** Tokens of the key-value cache, where the engine was asked. @default as the memory balance says */
  readonly cacheTokens?: number;
}

function parametersOf(name: string, card: ModelCard, options: CapacityOptions): Origin {
  if (options.measurements !== undefined) {
    const { what, asOf, parameters, fittedRows, heldOut, cacheTokens } = measuredReplica(
      options.measurements,
      LARGEST_FIT_ERROR,
    );
    return {
      parameters,
      cacheTokens,
      origin:
        `measured: ${what}, ${asOf}, fitted on ${fittedRows} measurements; on ${heldOut.rows} held-out ones time per token is ` +
        `off by ${heldOut.tpot.toFixed(1)} %, throughput by ${heldOut.throughput.toFixed(1)} % (${options.measurements})`,
    };
  }
  const seed = seedFor({
    model: name,
    accelerator: options.gpu,
    tensorParallel: options.tensorParallel,
    engine: options.engine,
  });
  if (seed !== undefined)
    return {
      parameters: seed.parameters,
      origin:
        `fitted on ${seed.fittedRows} published rows of ${seed.engine} ${seed.version} ${seed.precision}; on ` +
        `${seed.heldOut.rows} held-out rows time per token is off by ${seed.heldOut.tpot.toFixed(1)} %, throughput by ` +
        `${seed.heldOut.throughput.toFixed(1)} % (capacity/data)`,
    };
  return {
    parameters: roofline(card, options.gpu, options.tensorParallel),
    origin: `estimated from data sheets (${PEAK_SOURCE}); nobody published enough measurements, expect +-30 % or more and run \`llmops calibrate\``,
  };
}

function run(name: string, options: CapacityOptions): void {
  const card = MODELS[name];
  if (card === undefined)
    throw new InvalidArgumentError(
      `there is no model '${name}'; use one of ${Object.keys(MODELS).join(", ")}`,
    );
  const memory = memoryBalance(card, {
    tensorParallel: options.tensorParallel,
    gpuMemoryGiB: ACCELERATOR_SPECS[options.gpu].memoryGiB,
  });
  const fit = cheapestFit(card, options.maxModelLen, options);
  const advice =
    fit === undefined
      ? `no machine with a list price in ${options.region} holds it`
      : `cheapest that holds it in ${options.region}: ${fit.tensorParallel} x ${fit.accelerator} of ${fit.machine}, ${fit.usdPerHour.toFixed(2)} USD/h`;
  if (memory.cacheTokens < options.maxModelLen) {
    progress(
      `error: --gpu ${options.gpu} x ${options.tensorParallel}: weights ${memory.weightsGiB.toFixed(1)} GiB + activations ${memory.activationGiB.toFixed(1)} GiB leave ${memory.cacheGiB.toFixed(1)} GiB of ${memory.usableGiB.toFixed(1)} GiB per GPU: ${memory.cacheTokens} tokens of cache < ${options.maxModelLen} of one context; ${advice}`,
    );
    process.exitCode = EXIT.findings;
    return;
  }
  const workload = { inputTokens: options.inputTokens, outputTokens: options.outputTokens };
  const slo = { ttftMs: options.sloTtftMs, tpotMs: options.sloTpotMs };
  const { parameters, origin, cacheTokens = memory.cacheTokens } = parametersOf(name, card, options);
  const batchedTokens = batchedTokensFor(parameters, slo);
  const limits = { batchedTokens, maxNumSeqs: options.maxNumSeqs, cacheTokens };
  const full = serviceRate(parameters, limits, slo, exponentialLengths(workload, 1));
  if (full === undefined) {
    progress(
      `error: no rate of requests meets the SLO of ${slo.ttftMs} ms to the first token and ${slo.tpotMs} ms per token on ${options.tensorParallel} x ${options.gpu} (${origin}); use a faster GPU, more of them, or a longer SLO`,
    );
    process.exitCode = EXIT.findings;
    return;
  }
  const machine = cheapestMachine(options, options.gpu, options.tensorParallel);
  const perMillion =
    machine === undefined
      ? undefined
      : machine.usdPerHour /
        ((full.requestsPerSecond * (workload.inputTokens + workload.outputTokens) * 3600) / 1e6);
  const figures = tokenRates(parameters, workload, full);
  if (options.json === true) {
    printJson({
      model: name,
      card,
      memory,
      parameters,
      origin,
      batchedTokens,
      full,
      figures,
      machine,
      usdPerMillionTokens: perMillion ?? null,
      cheapest: fit ?? null,
    });
    return;
  }
  const table = plainTable();
  table.push(
    { "weights per GPU": `${memory.weightsGiB.toFixed(1)} of ${memory.usableGiB.toFixed(1)} GiB usable` },
    { "key-value cache": `${memory.cacheTokens} tokens (${memory.cacheGiB.toFixed(1)} GiB per GPU)` },
    { "random arrivals at the SLO": `${full.requestsPerSecond.toFixed(2)} requests/s, 99 of 100 in time` },
    { "in flight then": `${full.concurrency.toFixed(0)} requests` },
    { "time per token then, mean": `${full.tokenMs.toFixed(1)} ms` },
    { throughput: `${(full.requestsPerSecond * workload.outputTokens).toFixed(0)} output tokens/s` },
    { "--max-num-batched-tokens": `${batchedTokens}` },
    {
      "cost per million tokens":
        perMillion === undefined
          ? `unknown: no list price of ${options.tensorParallel} x ${options.gpu} in ${options.region}`
          : `${perMillion.toFixed(3)} USD at full load on ${machine?.machine ?? ""} (${machine?.usdPerHour.toFixed(2) ?? ""} USD/h)`,
    },
  );
  print(
    `${name} on ${options.tensorParallel} x ${options.gpu}: ${workload.inputTokens} tokens in, ${workload.outputTokens} out`,
  );
  print(table.toString());
  print(`Parameters: ${origin}`);
  print(advice);
  print(
    `\nFor the stack file:\n  autoscaling:\n    capacity: { inputTokensPerSecond: ${figures.inputTokensPerSecond.toFixed(0)}, outputTokensPerSecond: ${figures.outputTokensPerSecond.toFixed(0)}, concurrency: ${figures.concurrency}, tokenMs: ${figures.tokenMs.toFixed(1)}, idleTokenMs: ${figures.idleTokenMs.toFixed(1)}, source: "llmops capacity ${name}", asOf: ... }`,
  );
}

/** `llmops capacity`: what a replica of a model sustains, and what that costs. */
export function capacityCommand(): Command {
  return new Command("capacity")
    .description("size one replica of an open model: memory, concurrency at the SLO, cost per million tokens")
    .argument("[model]", "name in the model table")
    .addOption(new Option("--gpu <accelerator>", "GPU model").choices(ACCELERATORS).default("H100"))
    .option("--tensor-parallel <gpus>", "GPUs of a replica", positive, 1)
    .addOption(
      new Option("--engine <engine>", "engine measured")
        .choices(["vllm", "sglang", "trtllm"])
        .default("vllm"),
    )
    .option("--input-tokens <tokens>", "mean prompt", positive, 1024)
    .option("--output-tokens <tokens>", "mean answer", positive, 256)
    .option("--slo-ttft-ms <ms>", "longest time to the first token of 99 in 100 requests", positive, 1000)
    .option("--slo-tpot-ms <ms>", "longest time per token of 99 in 100 requests", positive, 50)
    .option("--max-num-seqs <sequences>", "most sequences in a batch", positive, 256)
    .option("--max-model-len <tokens>", "longest context", positive, 8192)
    .addOption(new Option("--cloud <cloud>", "price list").choices(["aws", "gcp"]).default("aws"))
    .option("--region <region>", "region of the price list", "eu-north-1")
    .option(
      "--measurements <json>",
      "your own measurements, as `llmops calibrate` takes them, instead of published ones",
    )
    .option("--json", "print JSON")
    .action((name: string | undefined, options: CapacityOptions) => {
      if (name !== undefined) {
        run(name, options);
        return;
      }
      if (options.json === true) {
        printJson({ models: MODELS, seeds: fittedSeeds() });
        return;
      }
      const confirmed = fittedSeeds().filter(isConfirmed);
      const table = plainTable({
        head: ["model", "weights", "context", "licence", "chat template", "EU notes", "measured"],
      });
      for (const [model, { parametersBillion, bytesPerParameter, contextTokens, ...card }] of Object.entries(
        MODELS,
      ))
        table.push([
          model,
          `${((parametersBillion * 1e9 * bytesPerParameter) / 2 ** 30).toFixed(0)} GiB`,
          contextTokens,
          card.licence,
          card.chatTemplate,
          card.euNotes,
          confirmed
            .filter((seed) => seed.model === model)
            .map(
              ({ tensorParallel, accelerator, engine, precision }) =>
                `${tensorParallel} x ${accelerator} ${engine} ${precision}`,
            )
            .join("\n"),
        ]);
      print(table.toString());
    });
}
