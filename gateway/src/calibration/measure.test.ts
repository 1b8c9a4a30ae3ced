import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout } from "node:timers/promises";
import { afterEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { formatEvent } from "../api/sse.ts";
import { measure, MeasurementError, randomPrompt } from "./measure.ts";

const asked = z.object({ prompt: z.string(), max_tokens: z.number(), ignore_eos: z.literal(true) });
let server: Server | undefined;

afterEach(async () => {
  await new Promise((resolve) => server?.close(resolve));
});

interface Behaviour {
  readonly firstMs: number;
  readonly tokenMs: number;
  /** Share of the asked tokens an answer has. */
  readonly share: number;
  readonly usage: "reported" | "missing";
  readonly status: number;
}

const HONEST: Behaviour = { firstMs: 20, tokenMs: 5, share: 1, usage: "reported", status: 200 };

/** An engine with known times; it notes the most requests it saw at once and every prompt. */
async function engine(
  behaviour: Behaviour,
): Promise<{ url: string; seen: { most: number; prompts: string[] } }> {
  const seen = { most: 0, prompts: [] as string[] };
  let running = 0;
  const answer = async (text: string, write: (event: string) => void): Promise<void> => {
    const body = asked.parse(JSON.parse(text));
    seen.prompts.push(body.prompt);
    const tokens = Math.floor(body.max_tokens * behaviour.share);
    await setTimeout(behaviour.firstMs);
    for (let token = 0; token < tokens; token += 1) {
      if (token > 0) await setTimeout(behaviour.tokenMs);
      write(formatEvent(null, JSON.stringify({ choices: [{ text: "a" }] })));
    }
    const usage = { prompt_tokens: body.prompt.split(" ").length + 1, completion_tokens: tokens };
    if (behaviour.usage === "reported") write(formatEvent(null, JSON.stringify({ choices: [], usage })));
    write(formatEvent(null, "[DONE]"));
  };
  server = createServer((incoming, response) => {
    running += 1;
    seen.most = Math.max(seen.most, running);
    let text = "";
    incoming.on("data", (block: Buffer) => (text += block.toString()));
    incoming.on("end", () => {
      response.writeHead(behaviour.status);
      void answer(text, (event) => response.write(event)).finally(() => {
        running -= 1;
        response.end();
      });
    });
  });
  await new Promise<void>((resolve) => server?.listen(0, "127.0.0.1", resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen };
}

describe("a measurement", () => {
  it("keeps its requests in flight, counts the engine's own tokens and sees its times", async () => {
    const { url, seen } = await engine(HONEST);
    const load = { inputTokens: 50, outputTokens: 10, concurrency: 3 };
    const measured = await measure({ url, model: "m" }, load, 2);
    expect(measured).toMatchObject({ inputTokens: 51, outputTokens: 10, concurrency: 3 });
    // A busy machine makes it slower, never faster; timers may fire a millisecond early.
    expect(measured.ttftMs).toBeGreaterThan(18);
    expect(measured.tpotMs).toBeGreaterThan(4);
    expect(seen.most).toBe(3);
    expect(new Set(seen.prompts).size).toBe(9);
  });

  it.each<[string, Partial<Behaviour>, string]>([
    ["ends answers early", { share: 0.5 }, "an answer has 5 of 10 tokens"],
    ["reports no usage", { usage: "missing" }, "reports no usage"],
    ["refuses", { status: 400 }, "answered 400"],
  ])("fails on an engine that %s", async (_what, behaviour, message) => {
    const { url } = await engine({ ...HONEST, ...behaviour, firstMs: 0, tokenMs: 0 });
    const running = measure({ url, model: "m" }, { inputTokens: 5, outputTokens: 10, concurrency: 1 }, 1);
    await expect(running).rejects.toThrow(MeasurementError);
    await expect(running).rejects.toThrow(message);
  });

  it("starts prompts with different words", () => {
    const starts = Array.from({ length: 20 }, () => randomPrompt(8).split(" ").slice(0, 4).join(" "));
    expect(new Set(starts).size).toBe(20);
  });
});
