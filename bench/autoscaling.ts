import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { format } from "prettier";
import { autoscalingPage } from "./autoscaling-page.ts";
import { NAMES, scalerSpec } from "./scaler-spec.ts";
import { ACCELERATOR_SPECS } from "../components/gpu/accelerators.ts";
import { memoryBalance } from "../capacity/memory.ts";
import { MODELS } from "../capacity/models.ts";
import { seedFor } from "../capacity/seeds.ts";
import { batchedTokensFor, tokenRates, type CapacityFigures } from "../capacity/sizing.ts";
import { replicaChart } from "../simulation/chart.ts";
import {
  burstFloor,
  runPeers,
  runScaledObject,
  smallestStatic,
  type FleetSetup,
} from "../simulation/experiment.ts";
import { serviceRate } from "../simulation/service-rate.ts";
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
const DATA = process.argv[2] ?? join(ROOT, "..", "shared", "data");
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

/** One trace, the lengths its capacity is calibrated on, and whether other projects' defaults run on it as well. */
interface Case {
  readonly name: string;
  readonly kind: "smooth" | "bursty";
  readonly trace: () => Trace;
  readonly lengths: Trace;
  readonly peers: "run" | "skip";
}

function days(file: string, name: string, list: readonly number[], withPeers: readonly number[]): Case[] {
  const rates = readRates(join(DATA, file));
  return list.map((day) => ({
    name: `ServeGen ${name} day ${day}`,
    kind: "smooth",
    trace: () => poissonTrace(dayOf(rates, day, 80), conversations, 1),
    lengths: conversations,
    peers: withPeers.includes(day) ? "run" : "skip",
  }));
}

const cases: readonly Case[] = [
  {
    name: "Azure 2023 conversation x8",
    kind: "smooth",
    trace: () => replicate(conversations, 8, 30, 1),
    lengths: conversations,
    peers: "run",
  },
  {
    name: "Azure 2023 code x12",
    kind: "bursty",
    trace: () => replicate(code, 12, 30, 1),
    lengths: code,
    peers: "run",
  },
  ...days("servegen-m-small-rates.csv", "m-small", [0, 2, 3, 5], [0]),
  ...days("servegen-m-mid-rates.csv", "m-mid", [0, 1, 4], [1]),
];

function specOf(capacity: CapacityFigures): Promise<object> {
  return scalerSpec({ capacity, maxNumSeqs: limits.maxNumSeqs, minReplicas: LEAST });
}

function scaled(figures: CapacityFigures, factor: number): CapacityFigures {
  return {
    ...figures,
    inputTokensPerSecond: figures.inputTokensPerSecond * factor,
    outputTokensPerSecond: figures.outputTokensPerSecond * factor,
  };
}

const percent = (share: number): number => Math.round(1e4 * share) / 100;
const rows = [];
for (const { name, kind, trace: load, lengths, peers } of cases) {
  const started = performance.now();
  const trace = load();
  const full = serviceRate(parameters, limits, SLO, lengths);
  if (full === undefined) throw new Error(`${name}: no rate meets the SLO`);
  const figures = tokenRates(parameters, meanWorkload(lengths), full);
  const setup: FleetSetup = { trace, parameters, limits, slo: SLO, names: NAMES, gpus: GPUS };
  const reference = smallestStatic(setup);
  const simulated = performance.now();
  const ours = runScaledObject(setup, await specOf(figures), reference, LEAST);
  const seconds = (performance.now() - simulated) / 1000;
  const floor = burstFloor(setup, await specOf(figures), reference, LEAST);
  const wrong = [
    runScaledObject(setup, await specOf(scaled(figures, 1.2)), reference, LEAST),
    runScaledObject(setup, await specOf(scaled(figures, 0.8)), reference, LEAST),
  ];
  const others = peers === "run" ? runPeers(setup, reference, LEAST) : [];
  const share = (result: { gpuHours: number }): number =>
    percent(result.gpuHours / reference.result.gpuHours);
  const cheapest = others
    .filter(([, { attainment }]) => attainment >= 0.99)
    .sort(([, a], [, b]) => a.gpuHours - b.gpuHours)
    .at(0);
  const row = {
    trace: name,
    kind,
    requests: trace.arrivals.length,
    staticReplicas: reference.replicas,
    staticInTime: percent(reference.result.attainment),
    ours: { inTime: percent(ours.attainment), ofStatic: share(ours), scaleUps: ours.scaleUps },
    floor: {
      minReplicas: floor.minReplicas,
      inTime: percent(floor.result.attainment),
      ofStatic: share(floor.result),
    },
    capacityTooHigh20: { inTime: percent(wrong[0]?.attainment ?? 0), ofStatic: share(wrong[0] ?? ours) },
    capacityTooLow20: { inTime: percent(wrong[1]?.attainment ?? 0), ofStatic: share(wrong[1] ?? ours) },
    peers: Object.fromEntries(
      others.map(([peer, result]) => [peer, { inTime: percent(result.attainment), ofStatic: share(result) }]),
    ),
    cheapestPeerAt99: cheapest?.[0] ?? null,
    savingAgainstIt: cheapest === undefined ? null : percent(1 - ours.gpuHours / cheapest[1].gpuHours),
    secondsToSimulate: Math.round(10 * seconds) / 10,
  };
  rows.push(row);
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
writeFileSync(
  join(ROOT, "bench", "results", "autoscaling.json"),
  `${JSON.stringify({ command: "npm run bench:autoscaling -- <folder with the traces>", what: "Qwen3-32B on 2 x H100, first token within 2 s and 100 ms per token, replicas start in 240 s; share of requests in time and GPU-hours of the smallest static fleet that serves 99 % in time", parameters, limits, rows }, null, 2)}\n`,
);
writeFileSync(
  join(ROOT, "docs", "autoscaling-bench.md"),
  await format(autoscalingPage(rows), { parser: "markdown", printWidth: 110 }),
);
