import { routesFor } from "../gateway/src/routing/complexity.ts";
import { AnswerCache } from "../gateway/src/routing/cache.ts";
import { StepHeap } from "./step-heap.ts";
import { seededRandom, subset, type Trace } from "./trace.ts";

/** How prompts repeat in a trace that holds no text: an assumption to be stated and swept. */
export interface RepeatModel {
  /** Share of requests that ask one of the frequent questions, 0 to 1. */
  readonly share: number;
  /** Frequent questions; the n-th is asked 1/n times as often as the first (Zipf). */
  readonly questions: number;
  /** Share of requests that ask for a stream; the gateway's cache never answers those. */
  readonly streamed: number;
  /** Clients that ask in equal parts; they share no answers. */
  readonly clients: number;
  readonly seed: number;
}

/** A trace whose requests carry what decides whether an answer is in the cache. */
export interface Asked {
  readonly trace: Trace;
  /** Cache key of each request; empty where it is unlike any other or a stream. */
  readonly keys: readonly string[];
}

function zipf(questions: number): (draw: number) => number {
  const sums = new Float64Array(questions);
  let total = 0;
  for (let rank = 0; rank < questions; rank++) sums[rank] = total += 1 / (rank + 1);
  return (draw) => {
    let low = 0;
    let high = questions - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((sums[middle] ?? 0) < draw * total) low = middle + 1;
      else high = middle;
    }
    return low;
  };
}

/** Gives requests their questions; a question asked again has the lengths it had the first time. */
export function asked(trace: Trace, model: RepeatModel): Asked {
  const random = seededRandom(model.seed);
  const pick = zipf(model.questions);
  const first = new Map<number, number>();
  const inputTokens = trace.inputTokens.slice();
  const outputTokens = trace.outputTokens.slice();
  const keys: string[] = [];
  for (let request = 0; request < trace.arrivals.length; request++) {
    const isRepeat = random() < model.share;
    const question = pick(random());
    const client = Math.floor(random() * model.clients);
    const isStream = random() < model.streamed;
    if (isRepeat) {
      const before = first.get(question) ?? request;
      first.set(question, before);
      inputTokens[request] = trace.inputTokens[before] ?? 1;
      outputTokens[request] = trace.outputTokens[before] ?? 1;
    }
    keys.push(isRepeat && !isStream ? `${client} ${question}` : "");
  }
  return { trace: { ...trace, inputTokens, outputTokens }, keys };
}

/** Replicas of the gateway, each with a cache of its own, and what the cache keeps. */
export interface CacheSetting {
  readonly gateways: number;
  readonly seconds: number;
  readonly entries: number;
  /** Time per output token until an answer can be kept, ms. */
  readonly tokenMs: number;
  readonly seed: number;
}

/** The requests that reach an engine, by the gateway's own cache. */
export function cacheMisses({ trace, keys }: Asked, setting: CacheSetting): Trace {
  let now = 0;
  const random = seededRandom(setting.seed);
  const caches = Array.from({ length: setting.gateways }, () => new AnswerCache(() => now));
  const at = new Uint8Array(keys.length);
  const answered = new StepHeap();
  return subset(trace, `${trace.name}, not cached`, (request) => {
    const arrival = (trace.arrivals[request] ?? 0) * 1000;
    while (answered.least <= arrival) {
      now = answered.least;
      const done = answered.pop();
      caches[at[done] ?? 0]?.put(keys[done] ?? "", "answer", setting.seconds, setting.entries);
    }
    now = arrival;
    const key = keys[request] ?? "";
    if (key === "") return true;
    at[request] = Math.floor(random() * setting.gateways);
    if (caches[at[request] ?? 0]?.get(key) !== null) return false;
    answered.push(arrival + setting.tokenMs * (trace.outputTokens[request] ?? 1), request);
    return true;
  });
}

const BYTES_PER_TOKEN = 4;

/** Splits a trace as the gateway routes by complexity; of messages and tools the trace says nothing: one and none. */
export function routed(
  trace: Trace,
  tier: { readonly maxInputTokens: number },
): { readonly simple: Trace; readonly rest: Trace } {
  const routes = (upstream: string): { upstream: string; model: string; weight: number }[] => [
    { upstream, model: upstream, weight: 1 },
  ];
  const model = {
    routes: routes("large"),
    tiers: [{ ...tier, maxMessages: 1, tools: "none" as const, routes: routes("small") }],
  };
  const isSimple = (request: number): boolean => {
    const bytes = (trace.inputTokens[request] ?? 1) * BYTES_PER_TOKEN;
    const size = { inputTokens: Math.ceil(bytes / BYTES_PER_TOKEN), messages: 1, tools: 0 };
    return routesFor(model, size)[0]?.upstream === "small";
  };
  return {
    simple: subset(trace, `${trace.name}, simple`, isSimple),
    rest: subset(trace, `${trace.name}, not simple`, (request) => !isSimple(request)),
  };
}
