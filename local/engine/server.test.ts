import { Agent, request } from "node:http";
import { afterEach, describe, expect, it } from "vitest";
import type { TextVector } from "./generator.ts";
import { startEngine, type EngineOptions, type RunningEngine } from "./server.ts";
import { STAND_IN_NOTICE, standIn, type StandInOptions } from "./stand-in.ts";

const engines: RunningEngine[] = [];

afterEach(async () => {
  await Promise.all(engines.splice(0).map((engine) => engine.close()));
});

async function engine(generator: StandInOptions = {}, options: EngineOptions = {}): Promise<RunningEngine> {
  const started = await startEngine(standIn({ ttftMs: 0, msPerToken: 0, ...generator }), options);
  engines.push(started);
  return started;
}

const question = { model: "stand-in", messages: [{ role: "user", content: "Who reads the log?" }] };

function post(url: string, path: string, body: unknown, init: RequestInit = {}): Promise<Response> {
  return fetch(`${url}${path}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
    ...init,
  });
}

interface Whole {
  readonly choices: { readonly message: { readonly content: string }; readonly finish_reason: string }[];
  readonly usage: { readonly prompt_tokens: number; readonly completion_tokens: number };
}

async function events(response: Response): Promise<string[]> {
  return (await response.text()).split("\n\n").flatMap((event) => event.replace(/^data: /, "") || []);
}

async function metric(url: string, line: RegExp): Promise<number> {
  const page = await (await fetch(`${url}/metrics`)).text();
  return Number(line.exec(page)?.[1] ?? "NaN");
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 5));
}

describe("the local engine", () => {
  it("answers a chat with usage, the same for the same seed", async () => {
    const { url } = await engine();
    const ask = async (seed: number): Promise<Whole> =>
      (await (await post(url, "/v1/chat/completions", { ...question, seed })).json()) as Whole;
    const [first, again, other] = [await ask(1), await ask(1), await ask(2)];
    const text = first.choices[0]?.message.content ?? "";
    expect(text.startsWith(STAND_IN_NOTICE)).toBe(true);
    expect(first.choices[0]?.finish_reason).toBe("stop");
    expect(first.usage).toEqual({
      prompt_tokens: 4,
      completion_tokens: text.split(" ").length,
      total_tokens: 4 + text.split(" ").length,
    });
    expect(again.choices).toEqual(first.choices);
    expect(other.choices).not.toEqual(first.choices);
  });

  it("streams the same answer, usage when asked, and [DONE]", async () => {
    const { url } = await engine();
    const whole = (await (await post(url, "/v1/chat/completions", question)).json()) as Whole;
    const response = await post(url, "/v1/chat/completions", {
      ...question,
      stream: true,
      stream_options: { include_usage: true },
    });
    expect(response.headers.get("content-type")).toBe("text/event-stream");
    const data = await events(response);
    expect(data.at(-1)).toBe("[DONE]");
    const chunks = data.slice(0, -1).map(
      (event) =>
        JSON.parse(event) as {
          choices: { delta: { content?: string }; finish_reason: string | null }[];
          usage?: unknown;
        },
    );
    expect(chunks.map(({ choices }) => choices[0]?.delta.content ?? "").join("")).toBe(
      whole.choices[0]?.message.content,
    );
    expect(chunks.at(-2)?.choices[0]?.finish_reason).toBe("stop");
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: whole.usage });
  });

  it("ends at max_tokens and at a stop sequence that spans tokens", async () => {
    const { url } = await engine();
    const short = (await (
      await post(url, "/v1/chat/completions", { ...question, max_tokens: 3 })
    ).json()) as Whole;
    expect(short.choices).toMatchObject([
      { message: { content: "(stand-in, not a" }, finish_reason: "length" },
    ]);
    const stopped = (await (
      await post(url, "/v1/chat/completions", { ...question, stop: "a language" })
    ).json()) as Whole;
    expect(stopped.choices).toMatchObject([
      { message: { content: "(stand-in, not " }, finish_reason: "stop" },
    ]);
  });

  it("serves text completions, the model list and health", async () => {
    const { url } = await engine();
    const body = { model: "stand-in", prompt: "Hello", max_tokens: 1 };
    expect(await (await post(url, "/v1/completions", body)).json()).toMatchObject({
      object: "text_completion",
      choices: [{ text: "(stand-in,", finish_reason: "length" }],
    });
    expect(await (await fetch(`${url}/v1/models`)).json()).toMatchObject({ data: [{ id: "stand-in" }] });
    expect((await fetch(`${url}/health`)).status).toBe(200);
  });

  it("represents texts where its generator does", async () => {
    const embed = (text: string): Promise<TextVector> =>
      Promise.resolve({ vector: [text.length, 1], tokens: 2 });
    const started = await startEngine({ ...standIn(), embed });
    engines.push(started);
    const ask = async (body: object): Promise<[number, unknown]> => {
      const response = await post(started.url, "/v1/embeddings", { model: "stand-in", ...body });
      return [response.status, await response.json()];
    };
    expect(await ask({ input: ["one", "three"], encoding_format: "float" })).toEqual([
      200,
      {
        object: "list",
        model: "stand-in",
        data: [
          { object: "embedding", index: 0, embedding: [3, 1] },
          { object: "embedding", index: 1, embedding: [5, 1] },
        ],
        usage: { prompt_tokens: 4, total_tokens: 4 },
      },
    ]);
    expect(await ask({ input: "one" })).toMatchObject([200, { data: [{ embedding: [3, 1] }] }]);
    for (const [body, status, message] of [
      [{ input: [] }, 400, "input: "],
      [{ input: "x", encoding_format: "base64" }, 400, "encoding_format: this engine writes numbers"],
      [{ input: "x", model: "gpt" }, 404, "there is no model 'gpt'"],
    ] as const)
      expect(await ask(body)).toMatchObject([
        status,
        { error: { message: expect.stringContaining(message) as string } },
      ]);
  });

  it.each([
    [
      "/v1/chat/completions",
      { ...question, model: "gpt" },
      404,
      "there is no model 'gpt'; this engine serves 'stand-in'",
    ],
    ["/v1/chat/completions", { ...question, messages: [] }, 400, "messages: there is no message"],
    ["/v1/chat/completions", { ...question, n: 2 }, 400, "n: this engine gives one answer per request"],
    ["/v1/embeddings", {}, 404, "there is no /v1/embeddings"],
  ])("%s with %j is refused with %i", async (path, body, status, message) => {
    const { url } = await engine();
    const response = await post(url, path, body);
    expect([response.status, await response.json()]).toMatchObject([status, { error: { message } }]);
  });

  it("refuses the wrong method, type, size and syntax", async () => {
    const { url } = await engine({}, { maxBodyBytes: 64 });
    const path = `${url}/v1/chat/completions`;
    const json = { "content-type": "application/json" };
    const get = await fetch(path);
    expect([get.status, get.headers.get("allow")]).toEqual([405, "POST"]);
    expect((await fetch(path, { method: "POST", body: "{}" })).status).toBe(415);
    expect((await fetch(path, { method: "POST", headers: json, body: "x".repeat(65) })).status).toBe(413);
    expect((await fetch(path, { method: "POST", headers: json, body: "{" })).status).toBe(400);
  });

  it("stops generating when the client goes away, and frees its slot", async () => {
    const { url } = await engine({ ttftMs: 10_000 }, { maxRunning: 1 });
    const client = new AbortController();
    const pending = post(url, "/v1/chat/completions", question, { signal: client.signal });
    await until(async () => (await metric(url, /^vllm:num_requests_running\{.*\} (\d+)/m)) === 1);
    client.abort();
    await expect(pending).rejects.toThrow();
    await until(async () => (await metric(url, /^vllm:num_requests_running\{.*\} (\d+)/m)) === 0);
    expect(await metric(url, /^vllm:request_success_total\{finished_reason="abort".*\} (\d+)/m)).toBe(1);
  });

  it("runs as many requests as it has slots and lets the rest wait", async () => {
    const { url } = await engine({ ttftMs: 150 }, { maxRunning: 2 });
    const requests = Array.from({ length: 5 }, () => post(url, "/v1/chat/completions", question));
    await until(async () => (await metric(url, /^vllm:num_requests_waiting\{.*\} (\d+)/m)) === 3);
    expect(await metric(url, /^vllm:num_requests_running\{.*\} (\d+)/m)).toBe(2);
    const responses = await Promise.all(requests);
    expect(responses.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
    expect(await metric(url, /^vllm:time_to_first_token_seconds_count\{.*\} (\d+)/m)).toBe(5);
    // Every token but the first of each answer.
    const generated = await metric(url, /^vllm:generation_tokens_total\{.*\} (\d+)/m);
    expect(await metric(url, /^vllm:inter_token_latency_seconds_count\{.*\} (\d+)/m)).toBe(generated - 5);
  });

  it("finishes running answers before it stops", async () => {
    const started = await startEngine(standIn({ ttftMs: 100, msPerToken: 1 }));
    const pending = post(started.url, "/v1/chat/completions", question);
    await until(async () => (await metric(started.url, /^vllm:num_requests_running\{.*\} (\d+)/m)) === 1);
    await started.close();
    expect((await pending).status).toBe(200);
  });

  it("closes the connection after the last answer, so that no caller keeps sending to an engine that ends", async () => {
    const started = await startEngine(standIn({ ttftMs: 100, msPerToken: 1 }), { drainMs: 60_000 });
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const { port } = new URL(started.url);
    const send = (): Promise<number | undefined> =>
      new Promise((resolve, reject) => {
        const headers = { "content-type": "application/json" };
        request({ agent, port, path: "/v1/chat/completions", method: "POST", headers }, (response) => {
          response.resume().once("end", () => {
            resolve(response.statusCode);
          });
        })
          .once("error", reject)
          .end(JSON.stringify(question));
      });
    const running = send();
    await until(async () => (await metric(started.url, /^vllm:num_requests_running\{.*\} (\d+)/m)) === 1);
    const closed = started.close();
    expect(await running).toBe(200);
    await expect(send()).rejects.toThrow(/ECONNREFUSED/);
    await closed;
    agent.destroy();
  });
});
