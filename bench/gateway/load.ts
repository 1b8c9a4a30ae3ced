import { finished } from "node:stream/promises";
import { Pool } from "undici";

/** One measured distribution in milliseconds. */
export interface Quantiles {
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly samples: number;
  readonly errors: number;
}

/** Where a load goes. */
export interface Target {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

function quantiles(values: number[], errors: number): Quantiles {
  values.sort((a, b) => a - b);
  const at = (share: number): number =>
    Math.round((values[Math.min(values.length - 1, Math.floor(share * values.length))] ?? NaN) * 100) / 100;
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99), samples: values.length, errors };
}

const PATH = "/v1/chat/completions";

function bodyOf(content: string, stream: boolean): string {
  const system =
    "You are a helpful assistant that answers questions about insurance claims in short sentences.";
  const messages = [
    { role: "system", content: system },
    { role: "user", content },
  ];
  return JSON.stringify({ model: "small", max_tokens: 64, messages, ...(stream ? { stream: true } : {}) });
}

const QUESTION =
  "When will somebody look at my claim, and do I have to send the invoice of the workshop as well? ".repeat(
    8,
  );

/** Body of one ordinary request, about 1 KiB. */
export const REQUEST = bodyOf(QUESTION, false);

/** Times to the response head and to the first event of a stream, one request after the other. */
export async function firstBytes(
  target: Target,
  requests: number,
): Promise<{ readonly head: Quantiles; readonly event: Quantiles }> {
  const pool = new Pool(target.url, { connections: 1 });
  const [heads, events]: [number[], number[]] = [[], []];
  let errors = 0;
  for (let call = 0; call < requests; call += 1) {
    const started = performance.now();
    const { statusCode, body } = await pool.request({
      path: PATH,
      method: "POST",
      headers: { "content-type": "application/json", ...target.headers },
      body: bodyOf("stream 40 1", true),
    });
    heads.push(performance.now() - started);
    let first: number | null = null as number | null;
    body.once("data", () => {
      first = performance.now() - started;
    });
    await finished(body);
    if (statusCode !== 200 || first === null) errors += 1;
    else events.push(first);
  }
  await pool.destroy();
  return { head: quantiles(heads, errors), event: quantiles(events, errors) };
}

/** Holds many slow streams at once; returns how many ended whole, and calls `atPeak` while all are open. */
export async function slowStreams(
  target: Target,
  streams: number,
  atPeak: () => Promise<void>,
): Promise<{ readonly whole: number; readonly failed: number }> {
  const pool = new Pool(target.url, { connections: streams, bodyTimeout: 0, headersTimeout: 0 });
  let [whole, failed, begun] = [0, 0, 0];
  const one = async (): Promise<void> => {
    try {
      const { statusCode, body } = await pool.request({
        path: PATH,
        method: "POST",
        headers: { "content-type": "application/json", ...target.headers },
        body: bodyOf("stream 60 1000", true),
      });
      begun += 1;
      let tail = "";
      for await (const part of body) tail = (tail + String(part)).slice(-64);
      if (statusCode === 200 && tail.includes("[DONE]")) whole += 1;
      else failed += 1;
    } catch {
      failed += 1;
    }
  };
  const all: Promise<void>[] = [];
  for (let sent = 0; sent < streams; sent += 1) {
    all.push(one());
    if (sent % 100 === 99) await new Promise((resolve) => setTimeout(resolve, 50));
  }
  while (begun + failed < streams) await new Promise((resolve) => setTimeout(resolve, 200));
  await atPeak();
  await Promise.all(all);
  await pool.destroy();
  return { whole, failed };
}
