import { performance } from "node:perf_hooks";
import { request } from "undici";
import { z } from "zod";
import { readEvents } from "../api/sse.ts";

/** One workload that is kept in flight at one concurrency. */
export interface Load {
  /** Tokens of the prompt, about: words are counted, the engine's own count is reported. */
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** Requests kept in flight. */
  readonly concurrency: number;
}

/** What a closed loop showed. */
export interface Measured extends Load {
  /** Mean time to the first token, ms. */
  readonly ttftMs: number;
  /** Mean time per further token, ms. */
  readonly tpotMs: number;
}

/** The replica that is measured. */
export interface Target {
  /** Address of the API without path, for example `http://claims-assistant.claims`. */
  readonly url: string;
  readonly model: string;
}

/** The engine did not do what the measurement needs; the message says what. */
export class MeasurementError extends Error {
  override readonly name = "MeasurementError";
}

const STREAM_LIMIT_BYTES = 64 * 1024 * 1024;

/** Share of the asked tokens an answer must have; a shorter one was not decoded under the load that is stated. */
const LEAST_SHARE = 0.9;

const chunk = z.object({
  choices: z.array(z.object({ text: z.string().optional() })),
  usage: z.object({ prompt_tokens: z.number(), completion_tokens: z.number() }).nullish(),
});

/** Words in random order, so that no prefix of one prompt is in the cache of another. */
export function randomPrompt(words: number, random: () => number = Math.random): string {
  return Array.from(
    { length: words },
    () => (random() * 2 ** 32).toString(36).replace(/\D/g, "").slice(0, 3) || "a",
  ).join(" ");
}

interface Answer {
  readonly promptTokens: number;
  readonly outputTokens: number;
  readonly ttftMs: number;
  readonly tpotMs: number;
}

async function answerOf({ url, model }: Target, load: Load): Promise<Answer> {
  const started = performance.now();
  const { statusCode, body } = await request(`${url}/v1/completions`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      model,
      prompt: randomPrompt(load.inputTokens),
      max_tokens: load.outputTokens,
      // vLLM and SGLang: an answer that ends early would hold its place in the batch for less than is stated.
      ignore_eos: true,
      temperature: 0,
      stream: true,
      stream_options: { include_usage: true },
    }),
  });
  if (statusCode !== 200)
    throw new MeasurementError(`${url} answered ${statusCode}: ${(await body.text()).slice(0, 300)}`);
  let [first, last] = [0, 0];
  let usage: { readonly prompt_tokens: number; readonly completion_tokens: number } | undefined;
  for await (const { data } of readEvents(body, STREAM_LIMIT_BYTES)) {
    if (data === "[DONE]") break;
    const event = chunk.parse(JSON.parse(data));
    usage = event.usage ?? usage;
    if (event.choices.length === 0) continue;
    last = performance.now();
    if (first === 0) first = last;
  }
  if (usage === undefined || first === 0) throw new MeasurementError(`${url} reports no usage of its tokens`);
  const { prompt_tokens: promptTokens, completion_tokens: outputTokens } = usage;
  if (outputTokens < 2 || outputTokens < LEAST_SHARE * load.outputTokens)
    throw new MeasurementError(
      `an answer has ${outputTokens} of ${load.outputTokens} tokens: the engine ends answers early and cannot be measured so`,
    );
  return { promptTokens, outputTokens, ttftMs: first - started, tpotMs: (last - first) / (outputTokens - 1) };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/**
 * Keeps a number of requests in flight; the first of each is not counted, because the batch is still filling.
 * @param rounds counted requests of each place in flight
 * @throws MeasurementError when the engine refuses, ends answers early or counts no tokens
 */
export async function measure(target: Target, load: Load, rounds: number): Promise<Measured> {
  const places = Array.from({ length: load.concurrency }, async () => {
    const answers: Answer[] = [];
    for (let round = 0; round <= rounds; round += 1) answers.push(await answerOf(target, load));
    return answers.slice(1);
  });
  const answers = (await Promise.all(places)).flat();
  return {
    inputTokens: Math.round(mean(answers.map(({ promptTokens }) => promptTokens))),
    outputTokens: Math.round(mean(answers.map(({ outputTokens }) => outputTokens))),
    concurrency: load.concurrency,
    ttftMs: mean(answers.map(({ ttftMs }) => ttftMs)),
    tpotMs: mean(answers.map(({ tpotMs }) => tpotMs)),
  };
}
