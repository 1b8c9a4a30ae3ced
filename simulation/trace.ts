import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";

/** Requests in the order of their arrival. */
export interface Trace {
  readonly name: string;
  /** Arrival of each request, seconds from the start. */
  readonly arrivals: Float64Array;
  readonly inputTokens: Uint32Array;
  readonly outputTokens: Uint32Array;
  /** Tokens every prompt begins with alike, such as a system prompt: an engine computes them once. */
  readonly sharedPrefixTokens: number;
}

/** A trace file that cannot be read. */
export class TraceError extends Error {
  override readonly name = "TraceError";
}

/** Uniform numbers in [0, 1), the same for the same seed (mulberry32, public domain algorithm by Tommy Ettinger). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Builds a trace from rows in any order. */
function traceOf(name: string, rows: [at: number, input: number, output: number][]): Trace {
  rows.sort(([a], [b]) => a - b);
  return {
    name,
    arrivals: Float64Array.from(rows, ([at]) => at),
    inputTokens: Uint32Array.from(rows, ([, input]) => input),
    outputTokens: Uint32Array.from(rows, ([, , output]) => output),
    sharedPrefixTokens: 0,
  };
}

function textOf(file: string): string {
  try {
    const bytes = readFileSync(file);
    return (file.endsWith(".gz") ? gunzipSync(bytes) : bytes).toString("utf8");
  } catch (error) {
    throw new TraceError(`${file}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

const REQUEST_COLUMNS = "TIMESTAMP,ContextTokens,GeneratedTokens";
const RATE_COLUMNS = "window_start_s,requests_per_s";

function numberAt(file: string, line: number, column: string, text: string | undefined): number {
  const value = text === undefined || text.trim() === "" ? Number.NaN : Number(text);
  if (Number.isFinite(value) && value >= 0) return value;
  throw new TraceError(`${file}:${line}: ${column} = '${text ?? ""}' is not a number of at least 0`);
}

/**
 * Reads requests with times: columns TIMESTAMP, ContextTokens, GeneratedTokens, as the Azure traces have them.
 * Source of the format: https://github.com/Azure/AzurePublicDataset (AzureLLMInferenceDataset2023)
 * @throws TraceError naming the file, the line and the column.
 */
export function readRequests(file: string): Trace {
  const [header = "", ...lines] = textOf(file).trim().split(/\r?\n/);
  if (header !== REQUEST_COLUMNS)
    throw new TraceError(`${file}:1: columns are '${header}'; expected '${REQUEST_COLUMNS}'`);
  const rows = lines.map((line, index): [number, number, number] => {
    const [at = "", input, output] = line.split(",");
    // Dates carry seven decimals; Date keeps three.
    const [, whole = at, fraction = "0"] = /^(.*?)(\.\d+)?$/.exec(at) ?? [];
    const seconds = Date.parse(`${whole.replace(" ", "T")}Z`) / 1000 + Number(fraction);
    if (Number.isNaN(seconds))
      throw new TraceError(`${file}:${index + 2}: TIMESTAMP = '${at}' is not a date`);
    return [
      seconds,
      Math.max(1, numberAt(file, index + 2, "ContextTokens", input)),
      Math.max(1, numberAt(file, index + 2, "GeneratedTokens", output)),
    ];
  });
  const start = rows.reduce((least, [at]) => Math.min(least, at), Infinity);
  return traceOf(
    file,
    rows.map(([at, input, output]) => [at - start, input, output]),
  );
}

/** Repeats every request with its arrival moved a little, to get a busier trace of the same shape. */
export function replicate(trace: Trace, copies: number, jitterSeconds: number, seed: number): Trace {
  const random = seededRandom(seed);
  const rows: [number, number, number][] = [];
  trace.arrivals.forEach((at, index) => {
    for (let copy = 0; copy < copies; copy++) {
      const moved = copy === 0 ? at : at + (2 * random() - 1) * jitterSeconds;
      rows.push([Math.max(0, moved), trace.inputTokens[index] ?? 1, trace.outputTokens[index] ?? 1]);
    }
  });
  return { ...traceOf(`${trace.name} x${copies}`, rows), sharedPrefixTokens: trace.sharedPrefixTokens };
}

/** The requests of a trace for which a test holds, as a trace of their own. */
export function subset(trace: Trace, name: string, isKept: (request: number) => boolean): Trace {
  const kept = Uint32Array.from(trace.arrivals.keys()).filter(isKept);
  return {
    name,
    arrivals: Float64Array.from(kept, (request) => trace.arrivals[request] ?? 0),
    inputTokens: Uint32Array.from(kept, (request) => trace.inputTokens[request] ?? 1),
    outputTokens: Uint32Array.from(kept, (request) => trace.outputTokens[request] ?? 1),
    sharedPrefixTokens: trace.sharedPrefixTokens,
  };
}

/** First request at or after a time. */
function firstAt({ arrivals }: Trace, seconds: number): number {
  let low = 0;
  let high = arrivals.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((arrivals[middle] ?? Infinity) < seconds) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Requests of a stretch of time, beginning at second 0. */
export function stretch(trace: Trace, from: number, to: number): Trace {
  const [first, last] = [firstAt(trace, from), firstAt(trace, to)];
  return {
    ...trace,
    arrivals: trace.arrivals.slice(first, last).map((at) => at - from),
    inputTokens: trace.inputTokens.subarray(first, last),
    outputTokens: trace.outputTokens.subarray(first, last),
  };
}

/** Request rates in equal windows. */
export interface Rates {
  readonly name: string;
  readonly windowSeconds: number;
  /** Requests per second in each window. */
  readonly perSecond: readonly number[];
}

/**
 * Reads request rates: columns window_start_s, requests_per_s.
 * @throws TraceError naming the file, the line and the column.
 */
export function readRates(file: string): Rates {
  const [header = "", ...lines] = textOf(file).trim().split(/\r?\n/);
  if (header !== RATE_COLUMNS)
    throw new TraceError(`${file}:1: columns are '${header}'; expected '${RATE_COLUMNS}'`);
  const rows = lines.map((line, index) => {
    const [start, rate] = line.split(",");
    return [
      numberAt(file, index + 2, "window_start_s", start),
      numberAt(file, index + 2, "requests_per_s", rate),
    ] as const;
  });
  const windowSeconds = (rows[1]?.[0] ?? 0) - (rows[0]?.[0] ?? 0);
  if (!(windowSeconds > 0)) throw new TraceError(`${file}: needs at least two windows in ascending order`);
  return { name: file, windowSeconds, perSecond: rows.map(([, rate]) => rate) };
}

/** One day of rates, scaled to a mean. */
export function dayOf({ name, windowSeconds, perSecond }: Rates, day: number, meanPerSecond: number): Rates {
  const windows = Math.round(86_400 / windowSeconds);
  const slice = perSecond.slice(day * windows, (day + 1) * windows);
  if (slice.length < windows) throw new TraceError(`${name}: has no day ${day}`);
  const mean = slice.reduce((sum, rate) => sum + rate, 0) / slice.length;
  return {
    name: `${name} day ${day}`,
    windowSeconds,
    perSecond: slice.map((rate) => (rate * meanPerSecond) / mean),
  };
}

/** Requests that arrive at random (Poisson) at the given rates, with the lengths of another trace. */
export function poissonTrace(rates: Rates, lengths: Trace, seed: number): Trace {
  const random = seededRandom(seed);
  const expected = rates.perSecond.reduce((sum, rate) => sum + rate * rates.windowSeconds, 0);
  const room = Math.ceil(expected + 10 * Math.sqrt(expected) + 10);
  const arrivals = new Float64Array(room);
  const inputTokens = new Uint32Array(room);
  const outputTokens = new Uint32Array(room);
  const known = lengths.arrivals.length;
  let count = 0;
  rates.perSecond.forEach((rate, window) => {
    const end = (window + 1) * rates.windowSeconds;
    let at = window * rates.windowSeconds;
    while (rate > 0 && count < room) {
      at -= Math.log(1 - random()) / rate;
      if (at >= end) break;
      const pick = Math.floor(random() * known);
      arrivals[count] = at;
      inputTokens[count] = lengths.inputTokens[pick] ?? 1;
      outputTokens[count] = lengths.outputTokens[pick] ?? 1;
      count++;
    }
  });
  return {
    name: rates.name,
    arrivals: arrivals.subarray(0, count),
    inputTokens: inputTokens.subarray(0, count),
    outputTokens: outputTokens.subarray(0, count),
    sharedPrefixTokens: lengths.sharedPrefixTokens,
  };
}

/** Requests whose lengths scatter exponentially around their means: for sizing before there is a trace. */
export function exponentialLengths(
  { inputTokens, outputTokens }: { readonly inputTokens: number; readonly outputTokens: number },
  seed: number,
): Trace {
  const random = seededRandom(seed);
  const draw = (mean: number): number => Math.max(1, Math.round(-Math.log(1 - random()) * mean));
  return traceOf(
    "exponential lengths",
    Array.from({ length: 4096 }, (_, index): [number, number, number] => [
      index,
      draw(inputTokens),
      draw(outputTokens),
    ]),
  );
}

/** Whether a file holds rates rather than requests. */
export function isRates(file: string): boolean {
  return textOf(file).startsWith(RATE_COLUMNS);
}

/** Mean request of a trace. */
export function meanWorkload({ inputTokens, outputTokens }: Trace): {
  inputTokens: number;
  outputTokens: number;
} {
  const mean = (values: Uint32Array): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  return { inputTokens: mean(inputTokens), outputTokens: mean(outputTokens) };
}
