import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { format } from "prettier";
import { autoscalingPage, type AutoscalingRow, type Outcome } from "./autoscaling-page.ts";
import { NAMES, scalerSpec } from "./scaler-spec.ts";
import { ACCELERATOR_SPECS } from "../components/gpu/accelerators.ts";
import { memoryBalance } from "../capacity/memory.ts";
import { MODELS } from "../capacity/models.ts";
import { seedFor } from "../capacity/seeds.ts";
import { batchedTokensFor, tokenRates, type CapacityFigures } from "../capacity/sizing.ts";
import { replicaChart } from "../simulation/chart.ts";
import {
  burstFloor,
  ceilingOf,
  FLOOR_OBJECTIVE,
  runPeers,
  runScaledObject,
  smallestStatic,
  type FleetSetup,
} from "../simulation/experiment.ts";
import type { FleetResult } from "../simulation/fleet.ts";
import { withForesight } from "../simulation/foresight.ts";
import { serviceRate } from "../simulation/service-rate.ts";
import { leastReplicaHours } from "../simulation/work.ts";
import {
  dayOf,
  meanWorkload,
  poissonTrace,
  readRates,
  readRequests,
  replicate,
  type Trace,
} from "../simulation/trace.ts";

const ROOT = join(import.meta.dirname, "..");
const RESULTS = join(ROOT, "bench", "results", "autoscaling.json");
const [, , DATA = join(ROOT, "..", "shared", "data"), ...NAMED] = process.argv;
const SLO = { ttftMs: 2000, tpotMs: 100 };
const GPUS = 2;
const LEAST = 2;

const card = MODELS["qwen3-32b"];
const seed = seedFor({ model: "qwen3-32b", accelerator: "H100", tensorParallel: GPUS });
if (card === undefined || seed === undefined)
  throw new Error("no confirmed parameters of qwen3-32b on 2 x H100");
const { parameters } = seed;
const limits = {
  batchedTokens: batchedTokensFor(parameters, SLO),
  maxNumSeqs: 256,
  cacheTokens: memoryBalance(card, { tensorParallel: GPUS, gpuMemoryGiB: ACCELERATOR_SPECS.H100.memoryGiB })
    .cacheTokens,
};

const conversations = readRequests(join(DATA, "azure-llm-2023-conv.csv.gz"));
const code = readRequests(join(DATA, "azure-llm-2023-code.csv.gz"));

/** One trace, the lengths its capacity is calibrated on, and what runs on it beside our scaler. */
interface Case {
  readonly name: string;
  readonly kind: "smooth" | "bursty";
  readonly trace: () => Trace;
  readonly lengths: Trace;
  /** Defaults of other projects. */
  readonly peers: "run" | "skip";
  /** The plan with foresight, which takes as long as everything else. */
  readonly foresight: "plan" | "skip";
}

function days(
  file: string,
  name: string,
  list: readonly number[],
  beside: { readonly peers: readonly number[]; readonly foresight: readonly number[] },
): Case[] {
  const rates = readRates(join(DATA, file));
  return list.map((day) => ({
    name: `ServeGen ${name} day ${day}`,
    kind: "smooth",
    trace: () => poissonTrace(dayOf(rates, day, 80), conversations, 1),
    lengths: conversations,
    peers: beside.peers.includes(day) ? "run" : "skip",
    foresight: beside.foresight.includes(day) ? "plan" : "skip",
  }));
}

const cases: readonly Case[] = [
  {
    name: "Azure 2023 conversation x8",
    kind: "smooth",
    trace: () => replicate(conversations, 8, 30, 1),
    lengths: conversations,
    peers: "run",
    foresight: "plan",
  },
  {
    name: "Azure 2023 code x12",
    kind: "bursty",
    trace: () => replicate(code, 12, 30, 1),
    lengths: code,
    peers: "run",
    foresight: "plan",
  },
  ...days("servegen-m-small-rates.csv", "m-small", [0, 2, 3, 5], { peers: [0], foresight: [0, 2, 3] }),
  ...days("servegen-m-mid-rates.csv", "m-mid", [0, 1, 4], { peers: [1], foresight: [0] }),
];

function specOf(capacity: CapacityFigures): Promise<object> {
  return scalerSpec({ capacity, maxNumSeqs: limits.maxNumSeqs, minReplicas: LEAST });
}

/** Figures of somebody who takes a replica for so much faster than it is; the time per token stays, requests are more. */
function scaled(figures: CapacityFigures, factor: number): CapacityFigures {
  return {
    ...withRates(figures, factor),
    concurrency: Math.floor(figures.concurrency * factor),
  };
}

/** Figures whose rates alone are off, and whose concurrency is as measured. */
function withRates(figures: CapacityFigures, factor: number): CapacityFigures {
  return {
    ...figures,
    inputTokensPerSecond: figures.inputTokensPerSecond * factor,
    outputTokensPerSecond: figures.outputTokensPerSecond * factor,
  };
}

/** Which scaler a row is about: rows of another one are not kept beside it. */
const SCALER = createHash("sha256")
  .update(
    JSON.stringify(
      await specOf({
        inputTokensPerSecond: 1,
        outputTokensPerSecond: 1,
        concurrency: 1,
        tokenMs: 2,
        idleTokenMs: 1,
      }),
    ),
  )
  .digest("hex")
  .slice(0, 12);

type Row = AutoscalingRow & { readonly scaler: string };

/** Rows of this scaler that are there already. */
function keptRows(): Row[] {
  const { rows } = JSON.parse(readFileSync(RESULTS, "utf8")) as { rows: Row[] };
  return rows.filter(({ scaler }) => scaler === SCALER);
}

const order = cases.map(({ name }) => name);

/** Puts a row among those of the same scaler, after every trace: a day of seven million requests takes minutes. */
async function write(row: Row): Promise<void> {
  const rows = [...keptRows().filter(({ trace }) => trace !== row.trace), row];
  const sorted = rows.toSorted((a, b) => order.indexOf(a.trace) - order.indexOf(b.trace));
  const what =
    "Qwen3-32B on 2 x H100, first token within 2 s and 100 ms per token, replicas start in 240 s; share of requests in time and GPU-hours of the smallest static fleet that serves 99 % in time";
  const command = "npm run bench:autoscaling -- <folder with the traces> [trace ...]";
  writeFileSync(RESULTS, `${JSON.stringify({ command, what, parameters, limits, rows: sorted }, null, 2)}\n`);
  writeFileSync(
    join(ROOT, "docs", "autoscaling-bench.md"),
    await format(autoscalingPage(sorted, order), { parser: "markdown", printWidth: 110 }),
  );
}

const percent = (share: number): number => Math.round(1e4 * share) / 100;
const chosen = cases.filter(({ name }) => NAMED.length === 0 || NAMED.includes(name));
for (const { name, kind, trace: load, lengths, peers, foresight } of chosen) {
  const started = performance.now();
  const trace = load();
  const full = serviceRate(parameters, limits, SLO, lengths);
  if (full === undefined) throw new Error(`${name}: no rate meets the SLO`);
  const figures = tokenRates(parameters, meanWorkload(lengths), full);
  const setup: FleetSetup = { trace, parameters, limits, slo: SLO, names: NAMES, gpus: GPUS };
  const reference = smallestStatic(setup);
  const spec = await specOf(figures);
  const simulated = process.cpuUsage();
  const ours = runScaledObject(setup, spec, reference, LEAST);
  const { user, system } = process.cpuUsage(simulated);
  const floor =
    ours.attainment >= FLOOR_OBJECTIVE
      ? { minReplicas: LEAST, result: ours }
      : burstFloor(setup, spec, reference, LEAST);
  const plan =
    foresight === "skip"
      ? null
      : withForesight(setup, {
          least: LEAST,
          most: ceilingOf(reference, LEAST),
          objective: FLOOR_OBJECTIVE,
        });
  const least = leastReplicaHours(parameters, limits, trace) * GPUS;
  const stated = async (wrong: CapacityFigures): Promise<FleetResult> =>
    runScaledObject(setup, await specOf(wrong), reference, floor.minReplicas);
  const others = peers === "run" ? runPeers(setup, reference, LEAST) : [];
  const share = (result: FleetResult): number => percent(result.gpuHours / reference.result.gpuHours);
  const outcome = (result: FleetResult): Outcome => ({
    inTime: percent(result.attainment),
    ofStatic: share(result),
  });
  const cheapest = others
    .filter(([, { attainment }]) => attainment >= 0.99)
    .sort(([, a], [, b]) => a.gpuHours - b.gpuHours)
    .at(0);
  const row: Row = {
    scaler: SCALER,
    trace: name,
    kind,
    requests: trace.arrivals.length,
    staticReplicas: reference.replicas,
    staticInTime: percent(reference.result.attainment),
    work: percent(least / reference.result.gpuHours),
    foresight: plan === null ? null : outcome(plan),
    ours: { ...outcome(ours), scaleUps: ours.scaleUps },
    floor: { ...outcome(floor.result), minReplicas: floor.minReplicas },
    ratesTooHigh20: outcome(await stated(withRates(figures, 1.2))),
    capacityTooHigh20: outcome(await stated(scaled(figures, 1.2))),
    capacityTooLow20: outcome(await stated(scaled(figures, 0.8))),
    peers: Object.fromEntries(others.map(([peer, result]) => [peer, outcome(result)])),
    cheapestPeerAt99: cheapest?.[0] ?? null,
    savingAgainstIt: cheapest === undefined ? null : percent(1 - ours.gpuHours / cheapest[1].gpuHours),
    secondsToSimulate: Math.round((user + system) / 1e5) / 10,
  };
  await write(row);
  console.log(JSON.stringify(row), `${((performance.now() - started) / 1000).toFixed(0)} s`);
  if (peers === "run") {
    const folder = join(ROOT, "docs", "images");
    mkdirSync(folder, { recursive: true });
    const lines = [
      { label: "static", points: reference.result.replicas },
      { label: "ours", points: ours.replicas },
      ...others
        .filter(([peer]) => peer.startsWith("llm-d") || peer.includes("summed"))
        .map(([label, { replicas }]) => ({ label, points: replicas })),
    ];
    writeFileSync(
      join(folder, `autoscaling-${name.toLowerCase().replaceAll(" ", "-")}.svg`),
      replicaChart(name, lines),
    );
  }
}
