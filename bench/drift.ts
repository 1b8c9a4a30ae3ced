/**
 * False alarms and delay of the drift detectors. The rules are those `llmops pipeline compile` gives, evaluated by the real Prometheus
 * rule engine over seeded streams. Most references are a day instead of a week, so that the run ends; the part `week` has the shipped one. Writes
 * bench/results/drift.json and the tables of docs/drift.md.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Pipeline } from "../monitoring/schema.ts";
import { engineVersion, firing, groupOf } from "./drift/engine.ts";
import { change, quiet, tables, type Row, type Subject } from "./drift/rows.ts";
import {
  judgedStreams,
  JUDGED_PER_MINUTE,
  lengthStreams,
  USUAL,
  verdictStreams,
  type Prompts,
  type Streams,
} from "./drift/streams.ts";

const HOUR = 60;
const DAY = 24 * HOUR;
const WEEK = 7 * DAY;

/** How streams of one kind are compared. */
interface Comparison {
  /** Streams in which nothing changes, many because false alarms are rare, and streams that change. */
  readonly streams: { readonly stays: number; readonly changes: number };
  /** Minutes between samples and evaluations. */
  readonly step: number;
  readonly reference: Pipeline["drift"]["reference"];
  /** Minute from which there is a whole reference and an hour between it and now. */
  readonly ready: number;
}

const WITH_DAY: Comparison = {
  streams: { stays: 60, changes: 30 },
  step: 10,
  reference: { range: "1d", offset: "1h" },
  ready: DAY + HOUR,
};
/** The shipped reference, the week before. */
const WITH_WEEK: Comparison = {
  streams: { stays: 20, changes: 20 },
  step: 10,
  reference: { range: "7d", offset: "1h" },
  ready: WEEK + HOUR,
};
/** The same hour of the week before. */
const WITH_SAME_HOUR: Comparison = {
  ...WITH_WEEK,
  reference: { range: "1h", offset: "7d" },
};

/** A stream and how long it is watched after its reference. */
interface Watch<Minute> {
  readonly stream: string;
  readonly hours: number;
  readonly at: (minute: number) => Minute;
}

type Ask<Minute> = (watch: Watch<Minute>) => Row;

/** Judges streams of one kind by one detector: `stays` for those in which nothing changes, `changes` for the others. */
function judging<Minute>(
  detector: string,
  { streams, step, ready }: Comparison,
  group: ReturnType<typeof groupOf>,
  make: (count: number, minutes: number, at: (minute: number) => Minute) => Streams,
): { readonly stays: Ask<Minute>; readonly changes: Ask<Minute> } {
  const ask = (count: number, { stream, hours, at }: Watch<Minute>): [Subject, ReturnType<typeof firing>] => {
    const to = ready + hours * HOUR;
    const fired = firing({ group, step, streams: make(count, to, at), from: ready + step, to });
    return [{ detector, stream, streams: count, hours: Number(hours.toFixed(2)) }, fired];
  };
  return {
    stays: (watch) => quiet(...ask(streams.stays, watch)),
    changes: (watch) => change(...ask(streams.changes, watch), ready),
  };
}

/** Judges lengths of prompts by one detector. */
function judgingLengths(
  detector: "ks" | "psi",
  threshold: number,
  comparison: Comparison,
  than: string,
): ReturnType<typeof judging<Partial<Prompts>>> {
  const group = groupOf("input_tokens", {
    reference: comparison.reference,
    signals: { input_tokens: { detector, threshold } },
  });
  return judging<Partial<Prompts>>(
    `${detector} > ${threshold}, input tokens against ${than}`,
    comparison,
    group,
    (count, minutes, at) =>
      lengthStreams(count, { minutes, step: comparison.step }, (minute) => ({
        ...USUAL,
        ...at(minute),
      })),
  );
}

/** A move that comes and goes with the hour of the day. */
const wave = (strength: number, minute: number): number => strength * Math.sin((2 * Math.PI * minute) / DAY);

/** Share of a change that has come about by a minute, when it takes some hours from a beginning. */
const ramp = (minute: number, began: number, hours: number): number =>
  Math.min(1, Math.max(0, (minute - began) / (hours * HOUR)));

/** Windows over the length of prompts, against the day before. */
function lengths(detector: "ks" | "psi", threshold: number): Row[] {
  const { ready } = WITH_DAY;
  const { stays, changes } = judgingLengths(detector, threshold, WITH_DAY, "the day before");
  const after = (changed: Partial<Prompts>) => (minute: number) => (minute > ready ? changed : {});
  return [
    stays({ stream: "nothing changes", hours: 24, at: () => ({}) }),
    ...[0.2, 0.3, 0.5].map((strength) =>
      stays({
        stream: `a daily wave of ${strength} standard deviations`,
        hours: 24,
        at: (minute) => ({ moved: wave(strength, minute) }),
      }),
    ),
    ...[0.3, 0.4, 0.5].map((moved) =>
      changes({ stream: `moved by ${moved} standard deviations`, hours: 6, at: after({ moved }) }),
    ),
    ...[6, 24].map((hours) =>
      changes({
        stream: `moved by 0.5 standard deviations within ${hours} hours`,
        hours: 24,
        at: (minute) => ({ moved: 0.5 * ramp(minute, ready, hours) }),
      }),
    ),
    ...[0.1, 0.2, 0.3].map((others) =>
      changes({
        stream: `${others * 100} % of the prompts are of another kind`,
        hours: 6,
        at: after({ others }),
      }),
    ),
    ...[1.5, 2].map((spread) =>
      changes({ stream: `spread ${spread} times as wide, same middle`, hours: 6, at: after({ spread }) }),
    ),
  ];
}

/** The shipped reference of a week, over a second week with its weekend. */
function weeks(): Row[] {
  const shipped = judgingLengths("ks", 0.15, WITH_WEEK, "the week before");
  const sameHour = judgingLengths("ks", 0.15, WITH_SAME_HOUR, "the same hour a week before");
  const isWeekend = (minute: number): boolean => minute % WEEK >= 5 * DAY;
  const weekend = (minute: number): Partial<Prompts> => (isWeekend(minute) ? { moved: 0.5 } : {});
  const waving = (minute: number): Partial<Prompts> => ({ moved: wave(0.5, minute) });
  const both = (minute: number): Partial<Prompts> => ({
    moved: wave(0.5, minute) + (isWeekend(minute) ? 0.5 : 0),
  });
  const { ready } = WITH_WEEK;
  return [
    shipped.stays({ stream: "nothing changes", hours: 168, at: () => ({}) }),
    shipped.stays({ stream: "weekends 0.5 standard deviations off", hours: 168, at: weekend }),
    shipped.stays({ stream: "a daily wave of 0.5 standard deviations", hours: 48, at: waving }),
    sameHour.stays({ stream: "that wave, and those weekends", hours: 168, at: both }),
    shipped.changes({
      stream: "moved by 0.5 standard deviations within a week",
      hours: 168,
      at: (minute) => ({ moved: 0.5 * ramp(minute, ready, 168) }),
    }),
    sameHour.changes({
      stream: "that wave, and moved by 0.5 standard deviations",
      hours: 24,
      at: (minute) => ({ moved: wave(0.5, minute) + (minute > ready ? 0.5 : 0) }),
    }),
  ];
}

/** The index over verdicts of a guard. */
function verdicts(): Row[] {
  const { ready, step } = WITH_DAY;
  const group = groupOf("guard_verdicts", { reference: WITH_DAY.reference });
  const { stays, changes } = judging<number>(
    "psi > 0.2, guard verdicts against the day before",
    WITH_DAY,
    group,
    (count, minutes, at) => verdictStreams(count, { minutes, step }, at),
  );
  return [
    stays({ stream: "5 % redacted", hours: 24, at: () => 0.05 }),
    ...[0.1, 0.15, 0.2].map((after) =>
      changes({
        stream: `from 5 to ${Math.round(after * 100)} % redacted`,
        hours: 6,
        at: (minute) => (minute > ready ? after : 0.05),
      }),
    ),
  ];
}

/** Sequential detectors over judged answers; watched for 10,000 answers, 200 minutes. */
function failures(settings: NonNullable<Pipeline["drift"]["signals"]["eval_failures"]>, name: string): Row[] {
  const comparison: Comparison = {
    streams: { stays: 200, changes: 50 },
    step: 1,
    reference: { range: "3h", offset: "1h" },
    ready: 210,
  };
  const group = groupOf("eval_failures", {
    reference: comparison.reference,
    signals: { eval_failures: settings },
  });
  const hours = 10_000 / JUDGED_PER_MINUTE / HOUR;
  const { stays, changes } = judging<number>(name, comparison, group, judgedStreams);
  return [
    stays({ stream: "2 % failures, 10,000 answers", hours, at: () => 0.02 }),
    ...[0.04, 0.06, 0.1].map((after) =>
      changes({
        stream: `from 2 to ${after * 100} % failures`,
        hours: 1.5,
        at: (minute) => (minute > comparison.ready ? after : 0.02),
      }),
    ),
  ];
}

/** Parts of the bench; named on the command line they run alone, else all of them. */
const PARTS: Readonly<Record<string, () => Row[]>> = {
  ks: () => lengths("ks", 0.15),
  psi: () => lengths("psi", 0.2),
  week: weeks,
  verdicts,
  cusum: () => failures({ detector: "cusum", from: "2 %", to: "5 %", limit: 9 }, "cusum 2 % to 5 %, limit 9"),
  "page-hinkley": () =>
    failures({ detector: "page-hinkley", delta: 0.005, limit: 15 }, "page-hinkley delta 0.005, limit 15"),
};

/** What was measured so far. */
interface Results {
  readonly engine: string;
  readonly parts: Readonly<Record<string, readonly Row[]>>;
}

const root = join(import.meta.dirname, "..");
const file = join(root, "bench", "results", "drift.json");

function earlier(): Results["parts"] {
  return existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as Results).parts : {};
}

/** Writes the rows of a part, and the tables of every part measured. */
function keep(part: string, rows: readonly Row[]): void {
  const known = { ...earlier(), [part]: rows };
  const parts = Object.fromEntries(
    Object.keys(PARTS).flatMap((name) => (known[name] === undefined ? [] : [[name, known[name]]])),
  );
  const results: Results = { engine: engineVersion(), parts };
  writeFileSync(file, `${JSON.stringify(results, null, 2)}\n`);
  const page = join(root, "docs", "drift.md");
  writeFileSync(
    page,
    readFileSync(page, "utf8").replace(
      /<!-- results -->[\s\S]*<!-- end -->/,
      `<!-- results -->\n\n${tables(Object.values(parts).flat())}\n\n<!-- end -->`,
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
