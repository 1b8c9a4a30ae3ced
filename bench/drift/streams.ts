import { METRICS } from "../../monitoring/metrics.ts";

/** Counters of streams by series name: a value at each step, from minute zero. */
export type Streams = ReadonlyMap<string, readonly number[]>;

/** What the prompts of one minute are like. */
export interface Prompts {
  readonly perHour: number;
  /** Move of the logarithm of the length, standard deviations. */
  readonly moved: number;
  /** Standard deviation, relative to that of the reference. */
  readonly spread: number;
  /** Share of prompts of another population, two standard deviations longer. */
  readonly others: number;
}

/** Prompts of the reference: lengths are log-normal (5.5, 0.8), 600 an hour. */
export const USUAL: Prompts = { perHour: 600, moved: 0, spread: 1, others: 0 };

const SEED = 20_261_125;

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

function lengthOf({ moved, spread, others }: Prompts, next: () => number): number {
  const place = others > 0 && next() < others ? 2 : moved;
  return Math.exp(5.5 + 0.8 * (spread * normal(next) + place));
}

/** Counters of the histogram of input tokens; arrivals are even. */
export function lengthStreams(
  count: number,
  { minutes, step }: { readonly minutes: number; readonly step: number },
  at: (minute: number) => Prompts,
): Streams {
  const { name, edges } = METRICS.requestInputTokens;
  const series = new Map<string, readonly number[]>();
  for (let index = 0; index < count; index++) {
    const next = uniform(SEED + index);
    const counts = [...edges, Infinity].map(() => 0);
    const courses = counts.map((): number[] => [0]);
    for (let minute = step; minute <= minutes; minute += step) {
      const prompts = at(minute);
      for (let each = 0; each < Math.round((prompts.perHour * step) / 60); each++) {
        const tokens = lengthOf(prompts, next);
        for (const [bin, edge] of [...edges, Infinity].entries())
          if (tokens <= edge) counts[bin] = (counts[bin] ?? 0) + 1;
      }
      for (const [bin, total] of counts.entries()) courses[bin]?.push(total);
    }
    for (const [bin, edge] of [...edges, "+Inf"].entries())
      series.set(`${name}_bucket{model="s${index}",le="${edge}"}`, courses[bin] ?? []);
    series.set(`${name}_count{model="s${index}"}`, courses.at(-1) ?? []);
  }
  return series;
}

/** Counters of one kind of event and its opposite, as often an hour as told; `share` of them are of the kind at a minute. */
function twoSided(
  count: number,
  seed: number,
  { minutes, step, perHour }: { readonly minutes: number; readonly step: number; readonly perHour: number },
  share: (minute: number) => number,
  named: (stream: string) => { readonly kind: string; readonly other: string },
): Streams {
  const series = new Map<string, readonly number[]>();
  for (let index = 0; index < count; index++) {
    const next = uniform(SEED + seed + index);
    const counts = { kind: 0, other: 0 };
    const courses = { kind: [0], other: [0] };
    for (let minute = step; minute <= minutes; minute += step) {
      for (let each = 0; each < (perHour * step) / 60; each++)
        counts[next() < share(minute) ? "kind" : "other"]++;
      courses.kind.push(counts.kind);
      courses.other.push(counts.other);
    }
    const names = named(`s${index}`);
    series.set(names.kind, courses.kind);
    series.set(names.other, courses.other);
  }
  return series;
}

/** Counters of a guard that redacts a share of the answers, 600 an hour. */
export function verdictStreams(
  count: number,
  { minutes, step }: { readonly minutes: number; readonly step: number },
  share: (minute: number) => number,
): Streams {
  const named = (guard: string, action: string): string =>
    `${METRICS.verdicts.name}{guard="${guard}",side="output",action="${action}"}`;
  return twoSided(count, 1_000_000, { minutes, step, perHour: 600 }, share, (guard) => ({
    kind: named(guard, "redact"),
    other: named(guard, "pass"),
  }));
}

/** Answers judged in a minute. */
export const JUDGED_PER_MINUTE = 50;

/** Counters of judged answers of which a share is hallucinated. */
export function judgedStreams(count: number, minutes: number, share: (minute: number) => number): Streams {
  const named = (model: string, verdict: string): string =>
    `${METRICS.judgedAnswers.name}{model="${model}",verdict="${verdict}"}`;
  return twoSided(
    count,
    2_000_000,
    { minutes, step: 1, perHour: 60 * JUDGED_PER_MINUTE },
    share,
    (model) => ({ kind: named(model, "hallucinated"), other: named(model, "supported") }),
  );
}
