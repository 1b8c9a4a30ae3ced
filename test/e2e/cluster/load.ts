import { setTimeout } from "node:timers/promises";
import { Agent, fetch } from "undici";
import type { GatewayProcess } from "./gateway-process.ts";

/** What became of the calls of one model. */
export interface LoadResult {
  readonly sent: number;
  readonly answered: number;
  /** Status or error of each call that was not answered. */
  readonly failures: readonly string[];
}

/** Calls on the way. */
export interface RunningLoad {
  /** Sends no more calls. */
  stop(): void;
  /** Ends when the last call has ended. */
  readonly done: Promise<LoadResult>;
}

/** As many words as the answer will have: the simulated engines say what they hear. */
function prompt(tokens: number): string {
  return Array.from({ length: tokens }, () => "word").join(" ");
}

/** Sends one call at each of the given times, whatever became of the earlier ones. */
export function sendAt(
  gateway: GatewayProcess,
  model: string,
  timesMs: readonly number[],
  tokens: number,
): RunningLoad {
  const dispatcher = new Agent({ headersTimeout: 0, bodyTimeout: 0 });
  const abort = new AbortController();
  const failures: string[] = [];
  let answered = 0;
  const body = JSON.stringify({
    model,
    max_tokens: 1024,
    messages: [{ role: "user", content: prompt(tokens) }],
  });
  const call = async (): Promise<void> => {
    try {
      const response = await fetch(`${gateway.url}/v1/chat/completions`, {
        method: "POST",
        dispatcher,
        headers: gateway.headers,
        body,
      });
      const text = await response.text();
      if (response.status === 200) answered += 1;
      else failures.push(`${response.status} ${text.slice(0, 200)}`);
    } catch (error) {
      const cause = error instanceof Error ? error.cause : undefined;
      failures.push(`${String(error)} ${cause instanceof Error ? cause.message : ""}`);
    }
  };
  const run = async (): Promise<LoadResult> => {
    const started = performance.now();
    const calls: Promise<void>[] = [];
    for (const at of timesMs) {
      const wait = at - (performance.now() - started);
      if (wait > 0) await setTimeout(wait, undefined, { signal: abort.signal }).catch(() => undefined);
      if (abort.signal.aborted) break;
      calls.push(call());
    }
    await Promise.all(calls);
    await dispatcher.close();
    return { sent: calls.length, answered, failures };
  };
  return {
    stop: () => {
      abort.abort();
    },
    done: run(),
  };
}
