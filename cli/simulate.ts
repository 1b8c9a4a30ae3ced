import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Command } from "commander";
import { memoryBalance } from "../capacity/memory.ts";
import { cardOfRepository, MODELS, type ModelCard } from "../capacity/models.ts";
import { roofline } from "../capacity/roofline.ts";
import { seedFor } from "../capacity/seeds.ts";
import { batchedTokensFor, tokenRates } from "../capacity/sizing.ts";
import { ACCELERATOR_SPECS } from "../components/gpu/accelerators.ts";
import { ofType } from "../graph/graph.ts";
import { isRecord } from "../graph/values.ts";
import { planStack } from "../plan/stack-plan.ts";
import { replicaChart } from "../simulation/chart.ts";
import {
  fleetNames,
  burstFloor,
  runPeers,
  runScaledObject,
  smallestStatic,
  type FleetSetup,
} from "../simulation/experiment.ts";
import type { FleetResult } from "../simulation/fleet.ts";
import { serviceRate } from "../simulation/service-rate.ts";
import {
  isRates,
  meanWorkload,
  poissonTrace,
  readRates,
  readRequests,
  replicate,
  type Trace,
} from "../simulation/trace.ts";
import type { PlatformConfig } from "../stacks/schema/platform.ts";
import { readStack } from "../stacks/schema/stack-file.ts";
import { print, printJson, progress, STACKS_FOLDER } from "./context.ts";
import { positive } from "./number-options.ts";
import { plainTable } from "./table.ts";

type Model = PlatformConfig["models"][number];

interface SimulateOptions {
  readonly stack: string;
  readonly model?: string;
  readonly trace: string;
  readonly lengths?: string;
  readonly copies: number;
  readonly startSeconds: number;
  readonly sloTtftMs?: number;
  readonly sloTpotMs: number;
  readonly peers?: true;
  readonly svg?: string;
  readonly json?: true;
}

/** Something the simulation needs is not there. */
export class SimulationError extends Error {
  override readonly name = "SimulationError";
}

/** Jitter of repeated requests, seconds. */
const JITTER_SECONDS = 30;

function chosenModel({ models }: PlatformConfig, stack: string, name: string | undefined): Model {
  const names = models.map((model) => model.name);
  const model = name === undefined ? models[0] : models.find((candidate) => candidate.name === name);
  if (model === undefined)
    throw new SimulationError(
      name === undefined
        ? `stack ${stack} serves no model of its own`
        : `stack ${stack} has no model '${name}'; it has ${names.join(", ")}`,
    );
  return model;
}

function traceOf({ trace, lengths, copies }: SimulateOptions): Trace {
  if (isRates(trace)) {
    if (lengths === undefined)
      throw new SimulationError(`${trace} holds rates only: name a trace with token counts by --lengths`);
    return poissonTrace(readRates(trace), readRequests(lengths), 1);
  }
  const requests = readRequests(trace);
  return copies === 1 ? requests : replicate(requests, copies, JITTER_SECONDS, 1);
}

function cardOf(model: Model): readonly [string, ModelCard] {
  const { source } = model;
  const found = source.kind === "hub" ? cardOfRepository(source.repository) : undefined;
  if (found === undefined)
    throw new SimulationError(
      `models '${model.name}': its weights are none of the model table (${Object.keys(MODELS).join(", ")}), so nobody knows how fast it is`,
    );
  return found;
}

function row(name: string, result: FleetResult, reference: FleetResult): (string | number)[] {
  return [
    name,
    `${(100 * result.attainment).toFixed(2)} %`,
    result.gpuHours.toFixed(1),
    `${((100 * result.gpuHours) / reference.gpuHours).toFixed(0)} %`,
    result.peakReplicas,
    `${result.worstTtftSeconds.toFixed(1)} s`,
  ];
}

async function run(options: SimulateOptions): Promise<void> {
  const config = readStack(STACKS_FOLDER, options.stack);
  const model = chosenModel(config, options.stack, options.model);
  const [card, known] = cardOf(model);
  const pool = config.gpuPools.find(({ name }) => name === model.gpu.pool);
  if (pool === undefined)
    throw new SimulationError(`models '${model.name}': pool '${model.gpu.pool}' does not exist`);
  const { tensorParallel } = model.gpu;
  const seed = seedFor({ model: card, accelerator: pool.accelerator, tensorParallel });
  const parameters = seed?.parameters ?? roofline(known, pool.accelerator, tensorParallel);
  const slo = { ttftMs: options.sloTtftMs ?? model.slo.ttftP95Ms, tpotMs: options.sloTpotMs };
  const { cacheTokens } = memoryBalance(model.architecture, {
    tensorParallel,
    gpuMemoryGiB: ACCELERATOR_SPECS[pool.accelerator].memoryGiB,
  });
  const limits = {
    batchedTokens:
      "maxNumBatchedTokens" in model.engine && model.engine.maxNumBatchedTokens !== undefined
        ? model.engine.maxNumBatchedTokens
        : batchedTokensFor(parameters, slo),
    maxNumSeqs: model.engine.maxNumSeqs,
    cacheTokens,
  };
  progress(`planning stack ${options.stack}`);
  const { plan } = await planStack(options.stack, config);
  const scaler = ofType(plan.graph, "kubernetes:keda.sh/v1alpha1:ScaledObject").find(
    ({ inputs }) => isRecord(inputs["metadata"]) && inputs["metadata"]["name"] === model.name,
  );
  const spec = scaler?.inputs["spec"];
  if (!isRecord(spec))
    throw new SimulationError(`stack ${options.stack} has no ScaledObject '${model.name}'`);
  const trace = traceOf(options);
  progress(`simulating ${trace.arrivals.length} requests`);
  const setup: FleetSetup = {
    trace,
    parameters,
    limits,
    slo,
    names: fleetNames(model.name, model.tenant),
    gpus: tensorParallel,
    startSeconds: options.startSeconds,
  };
  const full = serviceRate(parameters, limits, slo, trace);
  if (full === undefined)
    throw new SimulationError(
      `no rate of these requests meets ${slo.ttftMs} ms to the first token and ${slo.tpotMs} ms per token`,
    );
  const figures = tokenRates(parameters, meanWorkload(trace), full);
  const reference = smallestStatic(setup);
  const least = Math.max(1, model.autoscaling.minReplicas);
  const ours = runScaledObject(setup, spec, reference, least);
  const floor = burstFloor(setup, spec, reference, least);
  const results: [string, FleetResult][] = [
    [`static, ${reference.replicas} replicas`, reference.result],
    [`this stack, minReplicas ${least}`, ours],
    ...(floor.minReplicas > least
      ? [[`this stack, minReplicas ${floor.minReplicas}`, floor.result] satisfies [string, FleetResult]]
      : []),
    ...(options.peers === true ? runPeers(setup, reference, least) : []),
  ];
  if (options.svg !== undefined) {
    mkdirSync(options.svg, { recursive: true });
    const file = join(options.svg, `${options.stack}-${model.name}.svg`);
    writeFileSync(
      file,
      replicaChart(
        trace.name,
        results.map(([label, { replicas }]) => ({ label, points: replicas })),
      ),
    );
    progress(`wrote ${file}`);
  }
  if (options.json === true) {
    printJson({
      trace: trace.name,
      requests: trace.arrivals.length,
      parameters: seed === undefined ? "estimated from data sheets" : "fitted to published measurements",
      slo,
      limits,
      capacity: figures,
      burstReplicas: floor.minReplicas,
      results: results.map(([policy, result]) => ({ policy, ...result })),
    });
    return;
  }
  const table = plainTable({
    head: ["scaling", "in time", "GPU-hours", "of static", "peak", "worst first token"],
  });
  for (const [name, result] of results) table.push(row(name, result, reference.result));
  print(
    `${model.name} on ${trace.name}: first token within ${slo.ttftMs} ms and ${slo.tpotMs} ms per token; a replica starts in ${options.startSeconds} s`,
  );
  print(table.toString());
  print(
    `Speed of a replica: ${seed === undefined ? "estimated from data sheets, expect +-30 % or more" : "fitted to published measurements"}`,
  );
  print(
    `Capacity on these lengths: ${figures.inputTokensPerSecond.toFixed(0)} input or ${figures.outputTokensPerSecond.toFixed(0)} output tokens/s, ${figures.concurrency} in flight, ${figures.tokenMs.toFixed(1)} ms per token (${figures.idleTokenMs.toFixed(1)} ms with a single request); burstReplicas: ${floor.minReplicas}`,
  );
  if (model.autoscaling.capacity === undefined)
    print(
      "This stack states no autoscaling.capacity, so it scales on engine signals only; the figures above are what it would take.",
    );
}

/** `llmops simulate`: replays a trace through a stack's own scaler. */
export function simulateCommand(): Command {
  return new Command("simulate")
    .description(
      "replay a trace through the ScaledObject a stack would deploy: requests in time, GPU-hours, replicas",
    )
    .requiredOption("-s, --stack <stack>", "stack whose scaler is simulated")
    .requiredOption(
      "--trace <file>",
      "requests (TIMESTAMP,ContextTokens,GeneratedTokens) or rates (window_start_s,requests_per_s), CSV or CSV.gz",
    )
    .option("--lengths <file>", "requests whose token counts a file of rates takes")
    .option("--model <name>", "model of the stack; default: its first")
    .option("--copies <count>", "repeat each request so often, moved by up to 30 s", positive, 1)
    .option("--start-seconds <seconds>", "from the decision to a new replica's first request", positive, 240)
    .option(
      "--slo-ttft-ms <ms>",
      "longest time to the first token; default: the model's slo.ttftP95Ms",
      positive,
    )
    .option("--slo-tpot-ms <ms>", "longest mean time per token of a request", positive, 100)
    .option("--peers", "also run the defaults other projects ship")
    .option("--svg <folder>", "write a chart of the replicas there")
    .option("--json", "print JSON")
    .action(run);
}
