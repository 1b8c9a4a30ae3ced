/**
 * False alarms and delay of the drift detectors. The rules are those `llmops pipeline compile` gives, evaluated by the real Prometheus
 * rule engine over seeded streams; only the reference is a day instead of a week, so that the run ends. Writes
 * bench/results/drift.json and the tables of docs/drift.md.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stringify } from "yaml";
import { compilePipeline } from "../monitoring/compile.ts";
import { METRICS } from "../monitoring/metrics.ts";
import type { RuleGroup } from "../monitoring/rule.ts";
import type { Pipeline } from "../monitoring/schema.ts";
import { DEFAULT_PIPELINE, readPipeline } from "../stacks/schema/pipeline-file.ts";
import { ensureDebianTool, PROMTOOL } from "../tools/debian-tool.ts";

const SEED = 20_261_125;
/** Streams of each row of the windows and of the sequential detectors. */
const STREAMS = { window: 20, sequential: 50 } as const;
type Kind = keyof typeof STREAMS;
const PROMTOOL_BINARY = ensureDebianTool(PROMTOOL).binary;

/** Seeded uniform numbers in [0, 1) (mulberry32). */
function uniform(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

function normal(next: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
}

function shippedWith(drift: Partial<Pipeline["drift"]>): Pipeline {
  const result = readPipeline(DEFAULT_PIPELINE);
  if (result.kind === "invalid") throw new Error(JSON.stringify(result.problems));
  return { ...result.pipeline, drift: { ...result.pipeline.drift, ...drift } };
}

/** The group of one detector, as compiled. */
function groupOf(signal: string, drift: Partial<Pipeline["drift"]>): RuleGroup {
  const { groups } = compilePipeline(shippedWith(drift), { budgetUsd: 1, pools: [], models: [] });
  const group = groups.find(({ name }) => name === `llmops-drift-${signal.replaceAll("_", "-")}`);
  if (group === undefined) throw new Error(`the shipped file has no detector for ${signal}`);
  return group;
}

interface Scenario {
  readonly group: RuleGroup;
  readonly alert: string;
  /** Minutes between samples, and between evaluations. */
  readonly step: number;
  /** Series of every stream: name and value at each step. */
  readonly series: ReadonlyMap<string, readonly number[]>;
  /** Minutes at which it is asked which streams fire. */
  readonly asked: readonly number[];
}

/** Streams that fire at each asked minute, in the real rule engine. */
function firing({ group, alert, step, series, asked }: Scenario): Map<number, Set<string>> {
  const folder = mkdtempSync(join(tmpdir(), "llmops-drift-"));
  try {
    writeFileSync(join(folder, "rules.yaml"), stringify({ groups: [group] }));
    writeFileSync(
      join(folder, "test.yaml"),
      stringify(
        {
          rule_files: ["rules.yaml"],
          evaluation_interval: `${step}m`,
          tests: [
            {
              interval: `${step}m`,
              input_series: [...series].map(([name, values]) => ({ series: name, values: values.join(" ") })),
              // Expecting nothing makes promtool print what there is.
              promql_expr_test: asked.map((minute) => ({
                expr: `count by (model, guard) (ALERTS{alertname="${alert}",alertstate="firing"})`,
                eval_time: `${minute}m`,
                exp_samples: [],
              })),
            },
          ],
        },
        { lineWidth: 0 },
      ),
    );
    const { error, stdout, stderr } = spawnSync(
      PROMTOOL_BINARY,
      ["test", "rules", join(folder, "test.yaml")],
      {
        encoding: "utf8",
        maxBuffer: 2 ** 30,
      },
    );
    if (error !== undefined) throw error;
    const found = new Map(asked.map((minute) => [minute, new Set<string>()]));
    const text = `${stdout}${stderr}`;
    if (!/FAILED|SUCCESS/.test(text)) throw new Error(`promtool: ${text.slice(0, 500)}`);
    for (const [, time = "", got = ""] of text.matchAll(/time: (\S+),\n\s+exp: nil\n\s+got: (.*)/g)) {
      const minute = minutesOf(time);
      for (const [, stream = ""] of got.matchAll(/(?:model|guard)="(s\d+)"/g)) found.get(minute)?.add(stream);
    }
    return found;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Minutes of a Prometheus duration such as `1d2h5m`. */
function minutesOf(text: string): number {
  const unit: Readonly<Record<string, number>> = { w: 10_080, d: 1_440, h: 60, m: 1 };
  return [...text.matchAll(/(\d+)([wdhm])/g)].reduce(
    (sum, [, amount, name]) => sum + Number(amount) * (unit[name ?? ""] ?? 0),
    0,
  );
}

/** A measured row. */
interface Row {
  readonly detector: string;
  readonly stream: string;
  readonly streams: number;
  /** Share of stream-hours in which the alert fires although nothing changed. */
  readonly falseAlarmsPerHour?: number;
  /** Share of the streams found, and when after the change. */
  readonly found?: number;
  readonly medianDelayMinutes?: number;
  readonly p95DelayMinutes?: number;
}

function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}

/** Delays of the streams that were found, minutes, ascending. */
function delays(fired: ReadonlyMap<number, ReadonlySet<string>>, change: number): number[] {
  const first = new Map<string, number>();
  for (const [minute, streams] of [...fired].sort(([a], [b]) => a - b))
    for (const stream of streams)
      if (minute > change && !first.has(stream)) first.set(stream, minute - change);
  return [...first.values()].sort((a, b) => a - b);
}

function falseAlarms(
  detector: string,
  stream: string,
  fired: ReadonlyMap<number, ReadonlySet<string>>,
  hours: number,
): Row {
  const alarmed = new Set(
    [...fired].flatMap(([minute, streams]) =>
      [...streams].map((name) => `${name} ${Math.floor(minute / 60)}`),
    ),
  );
  return {
    detector,
    stream,
    streams: STREAMS.window,
    falseAlarmsPerHour: Number((alarmed.size / (STREAMS.window * hours)).toFixed(4)),
  };
}

function detection(
  detector: string,
  stream: string,
  fired: ReadonlyMap<number, ReadonlySet<string>>,
  change: number,
  kind: Kind,
): Row {
  const found = delays(fired, change);
  return {
    detector,
    stream,
    streams: STREAMS[kind],
    found: found.length / STREAMS[kind],
    ...(found.length === 0
      ? {}
      : { medianDelayMinutes: quantile(found, 0.5), p95DelayMinutes: quantile(found, 0.95) }),
  };
}

const STEP = 5;
/** A day of reference, an hour between it and now. */
const REFERENCE_MINUTES = 25 * 60;
const DAY_REFERENCE = { reference: { range: "1d", offset: "1h" } };

function steps(from: number, to: number, by: number): number[] {
  return Array.from({ length: Math.floor((to - from) / by) + 1 }, (_, index) => from + index * by);
}

/** Counters of token histograms: logarithms of lengths are normal (5.5, 0.8), moved by `shift` standard deviations. */
function lengthStreams(
  perHour: number,
  minutes: number,
  shift: (minute: number) => number,
): Map<string, readonly number[]> {
  const { name, edges } = METRICS.requestInputTokens;
  const series = new Map<string, readonly number[]>();
  for (let index = 0; index < STREAMS.window; index++) {
    const next = uniform(SEED + index);
    const counts = [...edges, Infinity].map(() => 0);
    const courses = counts.map((): number[] => [0]);
    for (let minute = STEP; minute <= minutes; minute += STEP) {
      for (let each = 0; each < (perHour * STEP) / 60; each++) {
        const tokens = Math.exp(5.5 + 0.8 * (normal(next) + shift(minute)));
        for (const [bin, edge] of [...edges, Infinity].entries())
          if (tokens <= edge) counts[bin] = (counts[bin] ?? 0) + 1;
      }
      for (const [bin, count] of counts.entries()) courses[bin]?.push(count);
    }
    for (const [bin, edge] of [...edges, "+Inf"].entries())
      series.set(`${name}_bucket{model="s${index}",le="${edge}"}`, courses[bin] ?? []);
    series.set(`${name}_count{model="s${index}"}`, courses.at(-1) ?? []);
  }
  return series;
}

/** Counters of a guard that redacts a share of the answers. */
function verdictStreams(
  perHour: number,
  minutes: number,
  share: (minute: number) => number,
): Map<string, readonly number[]> {
  const series = new Map<string, readonly number[]>();
  for (let index = 0; index < STREAMS.window; index++) {
    const next = uniform(SEED + 1_000 + index);
    const counts = { pass: 0, redact: 0 };
    const courses = { pass: [0], redact: [0] };
    for (let minute = STEP; minute <= minutes; minute += STEP) {
      for (let each = 0; each < (perHour * STEP) / 60; each++)
        counts[next() < share(minute) ? "redact" : "pass"]++;
      courses.pass.push(counts.pass);
      courses.redact.push(counts.redact);
    }
    for (const action of ["pass", "redact"] as const)
      series.set(
        `${METRICS.verdicts.name}{guard="s${index}",side="output",action="${action}"}`,
        courses[action],
      );
  }
  return series;
}

/** Judged answers, 50 a minute. */
const JUDGED_PER_MINUTE = 50;

function judgedStreams(minutes: number, rate: (minute: number) => number): Map<string, readonly number[]> {
  const series = new Map<string, readonly number[]>();
  for (let index = 0; index < STREAMS.sequential; index++) {
    const next = uniform(SEED + 2_000 + index);
    const counts = { supported: 0, hallucinated: 0 };
    const courses = { supported: [0], hallucinated: [0] };
    for (let minute = 1; minute <= minutes; minute++) {
      for (let each = 0; each < JUDGED_PER_MINUTE; each++)
        counts[next() < rate(minute) ? "hallucinated" : "supported"]++;
      courses.supported.push(counts.supported);
      courses.hallucinated.push(counts.hallucinated);
    }
    for (const verdict of ["supported", "hallucinated"] as const)
      series.set(`${METRICS.judgedAnswers.name}{model="s${index}",verdict="${verdict}"}`, courses[verdict]);
  }
  return series;
}

/** Windows over the length of prompts. */
function lengths(detector: "ks" | "psi", threshold: number): Row[] {
  const group = groupOf("input_tokens", {
    ...DAY_REFERENCE,
    signals: { input_tokens: { detector, threshold } },
  });
  const name = `${detector} > ${threshold}, input tokens`;
  const alert = "LlmopsInputTokensDrift";
  const hours = 4;
  const quietEnd = REFERENCE_MINUTES + hours * 60;
  const changeEnd = REFERENCE_MINUTES + 3 * 60;
  const run = (end: number, shift: (minute: number) => number): Map<number, Set<string>> =>
    firing({
      group,
      alert,
      step: STEP,
      series: lengthStreams(600, end, shift),
      asked: steps(REFERENCE_MINUTES + STEP, end, STEP),
    });
  return [
    falseAlarms(
      name,
      "600/h, nothing changes",
      run(quietEnd, () => 0),
      hours,
    ),
    ...[0.3, 0.5].map((shift) =>
      detection(
        name,
        `600/h, moved by ${shift} standard deviations`,
        run(changeEnd, (minute) => (minute > REFERENCE_MINUTES ? shift : 0)),
        REFERENCE_MINUTES,
        "window",
      ),
    ),
    falseAlarms(
      name,
      "600/h, a daily wave of 0.3 standard deviations",
      run(quietEnd, (minute) => 0.3 * Math.sin((2 * Math.PI * minute) / 1_440)),
      hours,
    ),
  ];
}

/** The index over verdicts of a guard. */
function verdicts(): Row[] {
  const group = groupOf("guard_verdicts", DAY_REFERENCE);
  const name = "psi > 0.2, guard verdicts";
  const run = (minutes: number, after: number): Map<number, Set<string>> =>
    firing({
      group,
      alert: "LlmopsGuardVerdictDrift",
      step: STEP,
      series: verdictStreams(600, minutes, (minute) => (minute > REFERENCE_MINUTES ? after : 0.05)),
      asked: steps(REFERENCE_MINUTES + STEP, minutes, STEP),
    });
  return [
    falseAlarms(name, "600/h, 5 % redacted", run(REFERENCE_MINUTES + 240, 0.05), 4),
    ...[0.1, 0.2].map((after) =>
      detection(
        name,
        `600/h, from 5 to ${after * 100} % redacted`,
        run(REFERENCE_MINUTES + 180, after),
        REFERENCE_MINUTES,
        "window",
      ),
    ),
  ];
}

/** Sequential detectors over judged answers; the false alarms are per 10,000 answers. */
function failures(settings: NonNullable<Pipeline["drift"]["signals"]["eval_failures"]>, name: string): Row[] {
  const calm = 210;
  const group = groupOf("eval_failures", {
    reference: { range: "3h", offset: "1h" },
    signals: { eval_failures: settings },
  });
  const alert = "LlmopsEvalFailuresDrift";
  const minutes = calm + 10_000 / JUDGED_PER_MINUTE;
  const run = (end: number, after: number): Map<number, Set<string>> =>
    firing({
      group,
      alert,
      step: 1,
      series: judgedStreams(end, (minute) => (minute > calm ? after : 0.02)),
      asked: steps(calm + 1, end, 1),
    });
  const quiet = run(minutes, 0.02);
  const alarmed = new Set([...quiet.values()].flatMap((streams) => [...streams]));
  return [
    {
      detector: name,
      stream: "2 % failures, 10,000 answers",
      streams: STREAMS.sequential,
      falseAlarmsPerHour: Number((alarmed.size / STREAMS.sequential / ((minutes - calm) / 60)).toFixed(4)),
    },
    ...[0.06, 0.1].map((after) =>
      detection(name, `from 2 to ${after * 100} % failures`, run(calm + 90, after), calm, "sequential"),
    ),
  ];
}

function table(rows: readonly Row[]): string {
  const percent = (value: number | undefined): string =>
    value === undefined ? "" : `${(value * 100).toFixed(1)} %`;
  return [
    "| Detector | Stream | Streams | False alarms per hour | Found | Median delay, min | 95th percentile, min |",
    "|---|---|---|---|---|---|---|",
    ...rows.map(
      ({ detector, stream, streams, falseAlarmsPerHour, found, medianDelayMinutes, p95DelayMinutes }) =>
        `| ${detector} | ${stream} | ${streams} | ${percent(falseAlarmsPerHour)} | ${percent(found)} | ${medianDelayMinutes ?? ""} | ${p95DelayMinutes ?? ""} |`,
    ),
  ].join("\n");
}

/** Parts of the bench; named on the command line they run alone, else all of them. */
const PARTS: Readonly<Record<string, () => Row[]>> = {
  ks: () => lengths("ks", 0.15),
  psi: () => lengths("psi", 0.2),
  verdicts,
  cusum: () => [
    ...failures({ detector: "cusum", from: "2 %", to: "5 %", limit: 7 }, "cusum 2 % to 5 %, limit 7"),
    ...failures({ detector: "cusum", from: "2 %", to: "5 %", limit: 9 }, "cusum 2 % to 5 %, limit 9"),
  ],
  "page-hinkley": () =>
    failures({ detector: "page-hinkley", delta: 0.005, limit: 15 }, "page-hinkley delta 0.005, limit 15"),
};

/** What was measured so far. */
interface Results {
  readonly seed: number;
  readonly engine: string;
  readonly parts: Readonly<Record<string, readonly Row[]>>;
}

const root = join(import.meta.dirname, "..");
const file = join(root, "bench", "results", "drift.json");

function earlier(): Results["parts"] {
  return existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as Results).parts : {};
}

/** Writes the rows of a part, and the table of every part measured. */
function keep(part: string, rows: readonly Row[]): void {
  const { stdout, stderr } = spawnSync(PROMTOOL_BINARY, ["--version"], { encoding: "utf8" });
  const engine = /version ([\d.+~a-z-]+)/.exec(`${stdout}${stderr}`)?.[1] ?? "unknown";
  const known = { ...earlier(), [part]: rows };
  const parts = Object.fromEntries(
    Object.keys(PARTS).flatMap((name) => (known[name] === undefined ? [] : [[name, known[name]]])),
  );
  const results: Results = { seed: SEED, engine: `promtool ${engine}`, parts };
  writeFileSync(file, `${JSON.stringify(results, null, 2)}\n`);
  const page = join(root, "docs", "drift.md");
  writeFileSync(
    page,
    readFileSync(page, "utf8").replace(
      /<!-- results -->[\s\S]*<!-- end -->/,
      `<!-- results -->\n\n${table(Object.values(parts).flat())}\n\n<!-- end -->`,
    ),
  );
}

const wanted = process.argv.slice(2);
for (const [part, measure] of Object.entries(PARTS)) {
  if (wanted.length > 0 && !wanted.includes(part)) continue;
  const started = performance.now();
  keep(part, measure());
  process.stderr.write(`${part}: ${Math.round((performance.now() - started) / 1000)} s\n`);
}
