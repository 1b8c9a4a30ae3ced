import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { format } from "prettier";
import {
  dayOf,
  poissonTrace,
  readRates,
  readRequests,
  replicate,
  type Rates,
} from "../../simulation/trace.ts";
import { gpuPrice, SLO } from "./fleets.ts";
import {
  ASSUMED,
  CHANGES_ANSWERS,
  LEVERS,
  pull,
  type Assumptions,
  type Lever,
  type LeverOutcome,
  type Workload,
} from "./levers.ts";
import { finopsPage, type FinopsResults, type SweepRow, type WorkloadRow } from "./page.ts";
import { LARGE, LARGE_QUANTISED, SMALL } from "./sizes.ts";

const ROOT = join(import.meta.dirname, "..", "..");
const DATA = process.argv[2] ?? join(ROOT, "..", "shared", "data");
const WANTED = process.argv.slice(3);
const RESULTS = join(ROOT, "bench", "results", "finops.json");

/** Mean of the days of rates, requests per second. */
const MEAN_PER_SECOND = 40;

const conversations = readRequests(join(DATA, "azure-llm-2023-conv.csv.gz"));

function day(file: string, index: number): Rates {
  return dayOf(readRates(join(DATA, file)), index, MEAN_PER_SECOND);
}

/** The same day with calls in office hours only: an internal application. */
function officeHours(rates: Rates): Rates {
  const hourOf = (window: number): number => (window * rates.windowSeconds) / 3600;
  return {
    ...rates,
    perSecond: rates.perSecond.map((rate, window) => (hourOf(window) >= 8 && hourOf(window) < 20 ? rate : 0)),
  };
}

const WORKLOADS: readonly (Pick<Workload, "name" | "hours"> & { readonly trace: () => Workload["trace"] })[] =
  [
    { name: "Azure 2023 conversation x8", trace: () => replicate(conversations, 8, 30, 1) },
    {
      name: "Azure 2023 code x12",
      trace: () => replicate(readRequests(join(DATA, "azure-llm-2023-code.csv.gz")), 12, 30, 1),
    },
    {
      name: "ServeGen m-small day 0",
      trace: () => poissonTrace(day("servegen-m-small-rates.csv", 0), conversations, 1),
    },
    {
      name: "ServeGen m-mid day 1",
      trace: () => poissonTrace(day("servegen-m-mid-rates.csv", 1), conversations, 1),
    },
    {
      name: "Office hours of m-small day 0",
      trace: () => poissonTrace(officeHours(day("servegen-m-small-rates.csv", 0)), conversations, 1),
      hours: {
        timezone: "UTC",
        windows: [{ days: ["mon", "tue", "wed", "thu", "fri"], from: "07:45", to: "20:15" }],
      },
    },
  ];

async function measured(
  levers: readonly Lever[],
  workload: Workload,
  assumed?: Assumptions,
): Promise<LeverOutcome> {
  const started = performance.now();
  const outcome = await pull(levers, workload, assumed);
  const seconds = ((performance.now() - started) / 1000).toFixed(0);
  console.log(
    `${workload.name}: ${levers.join(" + ") || "none"}: ${outcome.usd.toFixed(2)} USD, ${(100 * outcome.inTime).toFixed(2)} % in time, ${seconds} s`,
  );
  return outcome;
}

async function rowOf(workload: Workload): Promise<WorkloadRow> {
  const usable = LEVERS.filter((lever) => lever !== "off-hours" || workload.hours !== undefined);
  const others = usable.filter((lever) => lever !== "autoscaling");
  const alone: Record<string, LeverOutcome> = {};
  for (const lever of others) alone[lever] = await measured(["autoscaling", lever], workload);
  const without: Record<string, LeverOutcome> = {};
  for (const lever of usable)
    without[lever] = await measured(
      usable.filter((each) => each !== lever),
      workload,
    );
  return {
    name: workload.name,
    requests: workload.trace.arrivals.length,
    hours: (workload.trace.arrivals.at(-1) ?? 0) / 3600,
    baseline: await measured([], workload),
    autoscaling: await measured(["autoscaling"], workload),
    alone,
    without,
    all: await measured(usable, workload),
    sameAnswers: await measured(
      usable.filter((lever) => !CHANGES_ANSWERS.includes(lever)),
      workload,
    ),
  };
}

/** One assumption at a time, against the autoscaled fleet. */
const SWEEPS: readonly {
  readonly lever: Lever;
  readonly what: string;
  readonly steps: readonly (readonly [string, Partial<Assumptions>])[];
}[] = [
  {
    lever: "exact cache",
    what: "share of repeated questions, half of the calls streamed",
    steps: [0, 0.1, 0.2, 0.4].map((repeatShare) => [`${100 * repeatShare} %`, { repeatShare }]),
  },
  {
    lever: "exact cache",
    what: "share of repeated questions, no call streamed",
    steps: [0.1, 0.2, 0.4].map((repeatShare) => [`${100 * repeatShare} %`, { repeatShare, streamed: 0 }]),
  },
  {
    lever: "prefix cache",
    what: "shared system prompt, tokens",
    steps: [0, 128, 256, 512, 1024].map((prefixTokens) => [`${prefixTokens}`, { prefixTokens }]),
  },
  {
    lever: "routing",
    what: "longest simple prompt, tokens",
    steps: [128, 256, 512, 1024].map((simpleTokens) => [`${simpleTokens}`, { simpleTokens }]),
  },
  {
    lever: "spot",
    what: "mean time to an interruption, hours",
    steps: [1, 3, 12, 48].map((hoursToInterruption) => [
      `${hoursToInterruption}`,
      { spot: { ...ASSUMED.spot, hoursToInterruption } },
    ]),
  },
];

async function sweeps(workload: Workload): Promise<SweepRow[]> {
  const rows: SweepRow[] = [];
  for (const { lever, what, steps } of SWEEPS)
    for (const [step, changed] of steps) {
      const assumed = { ...ASSUMED, ...changed };
      const without = await pull(["autoscaling"], workload, assumed);
      const outcome = await measured(["autoscaling", lever], workload, assumed);
      rows.push({ lever, what, step, saving: 1 - outcome.usd / without.usd, outcome });
    }
  return rows;
}

const before: FinopsResults | undefined = existsSync(RESULTS)
  ? (JSON.parse(readFileSync(RESULTS, "utf8")) as FinopsResults)
  : undefined;
const rows = new Map<string, WorkloadRow>(before?.workloads.map((row) => [row.name, row]));
let swept: readonly SweepRow[] = before?.sweeps ?? [];
async function write(): Promise<void> {
  const results: FinopsResults = {
    command: "npm run bench:finops -- <folder with the traces> [part of a trace's name ...]",
    slo: SLO,
    usdPerGpuHour: { onDemand: gpuPrice("on-demand"), spot: gpuPrice("spot") },
    assumed: ASSUMED,
    sizes: [...LARGE, ...LARGE_QUANTISED, ...SMALL].map(({ name, source, parameters }) => ({
      name,
      source,
      parameters,
    })),
    workloads: WORKLOADS.flatMap(({ name }) => rows.get(name) ?? []),
    sweeps: swept,
    notRun: WORKLOADS.map(({ name }) => name).filter((name) => !rows.has(name)),
  };
  writeFileSync(RESULTS, `${JSON.stringify(results, null, 2)}\n`);
  writeFileSync(
    join(ROOT, "docs", "finops-bench.md"),
    await format(finopsPage(results), { parser: "markdown", printWidth: 110 }),
  );
}

for (const { trace, ...workload } of WORKLOADS) {
  if (WANTED.length > 0 && !WANTED.some((name) => workload.name.includes(name))) continue;
  const ready: Workload = { ...workload, trace: trace() };
  rows.set(workload.name, await rowOf(ready));
  if (workload.name.includes("conversation")) swept = await sweeps(ready);
  await write();
}
if (rows.size > 0) await write();
