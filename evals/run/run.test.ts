import { mkdtempSync, readFileSync, rmSync, truncateSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readDataSets } from "../data-sets.ts";
import { readRun, type RunHead } from "./journal.ts";
import { CostCapError, estimate, run, type RunOrder } from "./runner.ts";
import { ask } from "./target.ts";

/** An OpenAI-compatible server that answers what it is told and counts who asked. */
let server: Server;
let baseUrl = "";
let asked: string[] = [];
let answer: (body: { messages: { role: string; content: string }[] }) => { status: number; body: unknown };
let folder = "";

const usage = { prompt_tokens: 100, completion_tokens: 10 };
const says = (content: string): { status: number; body: unknown } => ({
  status: 200,
  body: { choices: [{ message: { content } }], usage },
});

beforeEach(async () => {
  asked = [];
  answer = () => says("The answer is Paris.");
  folder = mkdtempSync(join(tmpdir(), "llmops-eval-"));
  server = createServer((req, res) => {
    const blocks: Buffer[] = [];
    req.on("data", (block: Buffer) => blocks.push(block));
    req.on("end", () => {
      const body = JSON.parse(Buffer.concat(blocks).toString()) as Parameters<typeof answer>[0];
      asked.push(body.messages[0]?.content ?? "");
      const { status, body: reply } = answer(body);
      res.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(reply));
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterEach(() => {
  server.close();
  rmSync(folder, { recursive: true });
});

const sets = readDataSets(["factuality"]);
const cases = sets.cases.slice(0, 12);
const zero = `sha256:${"0".repeat(64)}` as const;
const HEAD: RunHead = {
  schema: "llmops.evaluation-run/v1",
  run: "run-1",
  stack: "local",
  environment: "local",
  model: "m",
  evaluated: { model: zero, prompt: "none", guardrails: zero, dataSets: sets.digest },
  engine: "model",
  maxTokens: 16,
  repeats: 1,
  cases: cases.length,
  startedAt: "2026-11-25T10:00:00.000Z",
};

function order(change: Partial<RunOrder> = {}): RunOrder {
  return {
    head: HEAD,
    cases,
    target: { baseUrl, apiKey: "k", model: "m", maxTokens: 16 },
    folder,
    price: { inputUsdPerMillion: 1, outputUsdPerMillion: 10, usdPerHour: 0 },
    maxUsd: 1,
    limits: { promptBytes: 300, maxCaseMs: 10_000 },
    concurrency: 2,
    onProgress: () => undefined,
    signal: new AbortController().signal,
    ...change,
  };
}

describe("a run", () => {
  it("goes on where it was killed and asks nothing twice, not even after a torn line", async () => {
    const stop = new AbortController();
    const halfway = order({
      concurrency: 1,
      signal: stop.signal,
      onProgress: (done) => {
        if (done === 5) stop.abort(new Error("killed"));
      },
    });
    await expect(run(halfway)).rejects.toThrow("killed");
    const first = readRun(folder).lines.length;
    const path = join(folder, "answers.jsonl");
    truncateSync(path, readFileSync(path).length - 7);
    const { lines, failures } = await run(order());
    expect([first, lines.length, failures]).toEqual([5, 12, []]);
    const counts = Map.groupBy(asked, (question) => question);
    // The torn line is asked once more; nothing else is.
    expect([...counts.values()].map(({ length }) => length).sort()).toEqual([
      ...Array<number>(11).fill(1),
      2,
    ]);
    asked = [];
    await run(order());
    expect(asked).toEqual([]);
  });

  it("does not mix answers of another model, prompt, guardrail, data set or setting", async () => {
    await run(order());
    const other = `sha256:${"1".repeat(64)}` as const;
    const heads: RunHead[] = [
      ...(["model", "prompt", "guardrails", "dataSets"] as const).map((key) => ({
        ...HEAD,
        evaluated: { ...HEAD.evaluated, [key]: other },
      })),
      { ...HEAD, maxTokens: 17 },
    ];
    for (const head of heads)
      await expect(run(order({ head }))).rejects.toThrow("there is a run of something else");
  });

  it.each([1, 4])(
    "stops before its cap with %i questions at a time, and keeps what it paid for",
    async (concurrency) => {
      // Each answer is 100 input and 10 output tokens, 0.0002 USD, and may be 0.0006: the cap has room for one after four are paid.
      await expect(run(order({ maxUsd: 0.0015, concurrency }))).rejects.toThrow(CostCapError);
      const spent = readRun(folder).lines.length * 0.0002;
      expect(spent).toBeLessThanOrEqual(0.0015);
      expect(spent + 0.0006).toBeGreaterThan(0.0015);
      expect(asked).toHaveLength(readRun(folder).lines.length);
    },
  );

  it("charges the hour of the machine, breaks off what takes too long, and charges that too", async () => {
    const slow = server.listeners("request")[0] as (...args: unknown[]) => void;
    server.removeAllListeners("request");
    server.on("request", (...args) => {
      setTimeout(() => {
        slow(...args);
      }, 150);
    });
    const hourly = { inputUsdPerMillion: 0, outputUsdPerMillion: 0, usdPerHour: 3_600 };
    const limits = { promptBytes: 0, maxCaseMs: 5_000 };
    // A USD a second: room for a case that may take 6 s, and after the first, which took some time, for no other.
    await expect(run(order({ price: hourly, maxUsd: 6.1, limits, concurrency: 1 }))).rejects.toThrow(
      /^0\.\d+ of at most 6\.1 USD are spent, and the next answer may cost 6\.0000; 1 of 12 answers are kept/,
    );
    rmSync(folder, { recursive: true });
    const brokenOff = order({
      price: hourly,
      maxUsd: 1.2,
      limits: { ...limits, maxCaseMs: 50 },
      concurrency: 1,
    });
    await expect(run(brokenOff)).rejects.toThrow(/; 0 of 12 answers are kept/);
  });

  it("estimates more than it then uses", () => {
    const expected = estimate(cases, { maxTokens: 16, repeats: 1, promptCharacters: 300 }, order().price);
    expect(expected.questions).toBe(12);
    expect(expected.inputTokens).toBeGreaterThan(12 * usage.prompt_tokens);
    expect(expected.outputTokens).toBe(12 * 16);
  });

  it("leaves open what could not be asked, and gives up on a dead target", async () => {
    answer = ({ messages }) =>
      messages[0]?.content.includes("Spain") === true ? { status: 503, body: {} } : says("Paris");
    const { lines, failures } = await run(order());
    expect([lines.length, failures.length]).toEqual([11, 1]);
    expect(failures[0]).toMatch(/^factuality-2: .* answered 503/);
    answer = () => ({ status: 500, body: {} });
    rmSync(folder, { recursive: true });
    await expect(run(order())).rejects.toThrow("answered 500");
  });
});

describe("a conversation with tools", () => {
  const [tools] = readDataSets(["tool-use"]).cases.map((each) => each.tools);

  it("gives the model each tool's answer and records the calls in order", async () => {
    answer = ({ messages }) =>
      messages.length === 1
        ? {
            status: 200,
            body: {
              choices: [
                {
                  message: {
                    content: null,
                    tool_calls: [
                      { id: "1", function: { name: "get_weather", arguments: '{"city":"Bilbao"}' } },
                    ],
                  },
                },
              ],
              usage,
            },
          }
        : says(`The tool said: ${messages.at(-1)?.content ?? ""}`);
    const target = { baseUrl, apiKey: "k", model: "m", maxTokens: 16 };
    const { answer: got, inputTokens } = await ask(
      target,
      "Weather?",
      tools ?? [],
      0,
      new AbortController().signal,
    );
    expect(got).toEqual({
      kind: "answered",
      text: "The tool said: sunny, 21 degrees",
      calls: [{ tool: "get_weather", arguments: { city: "Bilbao" } }],
    });
    expect(inputTokens).toBe(200);
  });

  it("takes a guard's refusal for an answer and any other error for none", async () => {
    const target = { baseUrl, apiKey: "k", model: "m", maxTokens: 16 };
    const signal = new AbortController().signal;
    answer = () => ({ status: 403, body: { error: { code: "guardrail_blocked", message: "no" } } });
    expect((await ask(target, "q", [], 0, signal)).answer).toEqual({
      kind: "refused",
      reason: "guardrail_blocked",
    });
    answer = () => ({ status: 429, body: { error: { code: "rate_limited", message: "slow down" } } });
    await expect(ask(target, "q", [], 0, signal)).rejects.toThrow("slow down");
  });
});
