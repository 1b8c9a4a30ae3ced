import { once } from "node:events";
import { connect } from "node:net";
import { setTimeout } from "node:timers/promises";
import type { RunningSubject } from "./subject.ts";
import { FORBIDDEN } from "./subject.ts";
import type { Upstream } from "./upstream.ts";
import { answer, chunks, streamed } from "./upstream.ts";

/** What a case found; `detail` says what was seen. */
export interface CaseResult {
  readonly result: "holds" | "fails";
  readonly detail: string;
}

/** What a case works with. */
export interface Bench {
  readonly subject: RunningSubject;
  readonly upstream: Upstream;
}

/** One promise a gateway in a regulated company must keep. */
export interface ContractCase {
  readonly group: "guards" | "evasion" | "opt-out" | "audit" | "upstream faults" | "hostile input" | "limits";
  readonly name: string;
  /** Ends the gateway; the runner starts a fresh one afterwards. */
  readonly ends?: "gateway";
  run(bench: Bench): Promise<CaseResult>;
}

interface Message {
  readonly role: string;
  readonly content: string;
  readonly [member: string]: unknown;
}

interface Reply {
  readonly status: number;
  readonly text: string;
  /** False when the connection broke before the answer ended. */
  readonly whole: boolean;
}

const user = (content: string): Message => ({ role: "user", content });

async function post(
  { url, headers }: RunningSubject,
  body: unknown,
  more: Readonly<Record<string, string>> = {},
  path = "/v1/chat/completions",
): Promise<Reply> {
  const response = await fetch(`${url}${path}`, {
    method: "POST",
    headers: { ...headers, ...more },
    body: typeof body === "string" || Buffer.isBuffer(body) ? body : JSON.stringify(body),
    signal: AbortSignal.timeout(15_000),
  });
  let text = "";
  const decoder = new TextDecoder();
  try {
    for await (const part of response.body ?? [])
      text += decoder.decode(part as Uint8Array, { stream: true });
  } catch {
    return { status: response.status, text, whole: false };
  }
  return { status: response.status, text, whole: true };
}

const ask = (messages: readonly Message[], more: object = {}): object => ({
  model: "small",
  messages,
  max_tokens: 16,
  ...more,
});

function verdict(holds: boolean, detail: string): CaseResult {
  return { result: holds ? "holds" : "fails", detail };
}

/** The forbidden text must not reach the engine, blocked or taken out. */
function inputCase(
  name: string,
  messages: readonly Message[],
  group: ContractCase["group"] = "guards",
  needle = FORBIDDEN,
): ContractCase {
  return {
    group,
    name,
    run: async ({ subject, upstream }) => {
      const { status } = await post(subject, ask(messages));
      const leaked = upstream.bodies.some((body) => body.includes(needle));
      return verdict(!leaked, leaked ? `the engine got it, status ${status}` : `status ${status}`);
    },
  };
}

/** The forbidden text must not reach the client. */
function outputCase(name: string, script: Upstream["script"], stream: boolean): ContractCase {
  return {
    group: "guards",
    name,
    run: async ({ subject, upstream }) => {
      upstream.script = script;
      const { status, text } = await post(subject, ask([user("hi")], { stream }));
      const said = stream ? contentOf(text) : text;
      const leaked = said.includes(FORBIDDEN);
      return verdict(!leaked, leaked ? `the client got it, status ${status}` : `status ${status}`);
    },
  };
}

/** Text of a chat stream as a client puts it together. */
function contentOf(sse: string): string {
  return sse
    .split("\n")
    .filter((line) => line.startsWith("data: {"))
    .map((line) => {
      const event = JSON.parse(line.slice(6)) as { choices?: { delta?: { content?: string | null } }[] };
      return event.choices?.[0]?.delta?.content ?? "";
    })
    .join("");
}

interface OptOut {
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: object;
}

function optOut(name: string, change: (upstream: Upstream) => OptOut): ContractCase {
  return {
    group: "opt-out",
    name,
    run: async ({ subject, upstream }) => {
      const { headers, body } = change(upstream);
      const { status } = await post(subject, ask([user(`deny ${FORBIDDEN}`)], body), headers);
      const leaked = upstream.bodies.some((body) => body.includes(FORBIDDEN));
      return verdict(
        !leaked,
        leaked ? `the guard was switched off by the caller, status ${status}` : `status ${status}`,
      );
    },
  };
}

async function raw(url: string, text: string, waitMs: number): Promise<string> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  let got = "";
  socket.on("data", (part) => (got += part.toString("latin1")));
  socket.on("error", () => undefined);
  await once(socket, "connect");
  socket.write(text);
  await Promise.race([once(socket, "close"), setTimeout(waitMs)]);
  socket.destroy();
  return got;
}

async function isAlive(subject: RunningSubject, upstream: Upstream): Promise<boolean> {
  upstream.reset();
  return post(subject, ask([user("hi")])).then(
    ({ status }) => status === 200,
    () => false,
  );
}

/** Bad input must get an error of the client's (4xx) and leave the gateway serving. */
function hostile(
  name: string,
  send: (subject: RunningSubject) => Promise<{ readonly status: number; readonly text: string }>,
): ContractCase {
  return {
    group: "hostile input",
    name,
    run: async ({ subject, upstream }) => {
      const { status, text } = await send(subject).catch((error: unknown) => ({
        status: 0,
        text: String(error),
      }));
      const told = status >= 400 && status < 500 && upstream.bodies.length === 0;
      const alive = await isAlive(subject, upstream);
      return verdict(
        told && alive,
        `status ${status}${alive ? "" : ", then it served no more"}${told ? "" : `: ${text.slice(0, 80).replaceAll("\n", " ")}`}`,
      );
    },
  };
}

const cyrillic = FORBIDDEN.replace("Z", "\u200bZ");
const base64 = Buffer.from(`my id is ${FORBIDDEN}`).toString("base64");

/** The whole contract. */
export const CASES: readonly ContractCase[] = [
  inputCase("forbidden text in the last message", [user(`my id is ${FORBIDDEN}`)]),
  inputCase("in the system message", [{ role: "system", content: `the id is ${FORBIDDEN}` }, user("go on")]),
  inputCase("in an earlier message", [
    user(`my id is ${FORBIDDEN}`),
    { role: "assistant", content: "ok" },
    user("go on"),
  ]),
  inputCase("in the result of a tool", [
    user("look it up"),
    {
      role: "assistant",
      content: "",
      tool_calls: [{ id: "t1", type: "function", function: { name: "lookup", arguments: "{}" } }],
    },
    { role: "tool", tool_call_id: "t1", content: `id ${FORBIDDEN}` },
  ]),
  inputCase(
    "split over the parts of one message",
    [
      {
        role: "user",
        content: [
          { type: "text", text: "my id is 1234" },
          { type: "text", text: "5678Z" },
        ] as unknown as string,
      },
    ],
    "evasion",
    "5678Z",
  ),
  inputCase(
    "with a zero-width character inside",
    [user(`my id is ${cyrillic}`)],
    "evasion",
    "12345678\u200bZ",
  ),
  inputCase("in full-width digits", [user("my id is １２３４５６７８Ｚ")], "evasion", "１２３４５６７８"),
  inputCase("in base64", [user(`decode ${base64}`)], "evasion", base64),
  outputCase("in the answer", answer(`your id is ${FORBIDDEN}`), false),
  outputCase("in a streamed answer", streamed(chunks(["your id is ", FORBIDDEN, " ok"])), true),
  outputCase(
    "split over the chunks of a streamed answer",
    streamed(chunks(["your id is 123", "456", "78Z", " ok"])),
    true,
  ),
  optOut("no-log and disabled guards in the body", () => ({
    body: {
      "no-log": true,
      guardrails: [],
      disable_global_guardrails: true,
      metadata: { disable_global_guardrails: true },
    },
  })),
  optOut("another configuration in a header", ({ url }) => ({
    headers: {
      "x-portkey-config": JSON.stringify({ provider: "openai", api_key: "x", custom_host: `${url}/v1` }),
      "x-litellm-disable-guardrails": "true",
      "cf-aig-skip-cache": "true",
    },
  })),
  {
    group: "audit",
    name: "a record is on disk before the engine is asked, and survives kill -9",
    ends: "gateway",
    run: async ({ subject, upstream }) => {
      const trace = "4bf92f3577b34da6a3ce929d0e0e4736";
      const asked = new Promise<void>((resolve) => {
        upstream.script = () => {
          subject.process.kill("SIGKILL");
          resolve();
        };
      });
      const call = post(subject, ask([user("hi")]), { traceparent: `00-${trace}-00f067aa0ba902b7-01` }).catch(
        () => undefined,
      );
      await asked;
      await call;
      return verdict(
        subject.written().includes(trace),
        "looked for the request's trace id in everything it had written",
      );
    },
  },
  {
    group: "upstream faults",
    name: "an engine that never answers ends in an error",
    run: async ({ subject, upstream }) => {
      upstream.script = () => undefined;
      const { status } = await post(subject, ask([user("hi")])).catch(() => ({ status: 0 }));
      return verdict(status >= 500 || status === 408, `status ${status}`);
    },
  },
  {
    group: "upstream faults",
    name: "a stream that breaks off does not look finished",
    run: async ({ subject, upstream }) => {
      upstream.script = streamed(chunks(["a", "b"]).slice(0, 1), { end: "reset" });
      const { text, whole } = await post(subject, ask([user("hi")], { stream: true })).catch(() => ({
        text: "",
        whole: false,
      }));
      const told = !whole || text.includes('"error"');
      return verdict(
        told && !text.includes("[DONE]"),
        told ? "an error or a broken connection" : "a clean end without [DONE]",
      );
    },
  },
  {
    group: "upstream faults",
    name: "a stream that stops without its end does not look finished",
    run: async ({ subject, upstream }) => {
      upstream.script = (res) => {
        res.writeHead(200, { "content-type": "text/event-stream" });
        res.end(chunks(["a", "b"])[0]);
      };
      const { text, whole } = await post(subject, ask([user("hi")], { stream: true })).catch(() => ({
        text: "",
        whole: false,
      }));
      const told = !whole || text.includes('"error"');
      return verdict(
        told,
        told
          ? "an error or a broken connection"
          : `a clean end${text.includes("[DONE]") ? " with [DONE]" : ""}`,
      );
    },
  },
  {
    group: "upstream faults",
    name: "garbage in a stream does not look finished",
    run: async ({ subject, upstream }) => {
      upstream.script = streamed(["data: {oops\n\n"]);
      const { status, text, whole } = await post(subject, ask([user("hi")], { stream: true })).catch(() => ({
        status: 0,
        text: "",
        whole: false,
      }));
      const told = !whole || status >= 500 || text.includes('"error"');
      return verdict(told, told ? `status ${status}` : `status ${status}, passed on`);
    },
  },
  {
    group: "upstream faults",
    name: "a stream in pieces of one byte arrives whole",
    run: async ({ subject, upstream }) => {
      upstream.script = streamed(chunks(["grün", " 🌱", " ok"]), { cut: 1 });
      const { text } = await post(subject, ask([user("hi")], { stream: true }));
      const said = contentOf(text);
      return verdict(said === "grün 🌱 ok" && text.includes("[DONE]"), JSON.stringify(said));
    },
  },
  {
    group: "upstream faults",
    name: "a caller that leaves ends the engine's work",
    run: async ({ subject, upstream }) => {
      upstream.script = streamed(chunks(["a ".repeat(400), "b"]).slice(0, 1), { end: "hang" });
      const gone = new AbortController();
      const call = fetch(`${subject.url}/v1/chat/completions`, {
        method: "POST",
        headers: subject.headers,
        body: JSON.stringify(ask([user("hi")], { stream: true })),
        signal: gone.signal,
      })
        .then((response) => response.text())
        .catch(() => undefined);
      for (let wait = 0; upstream.bodies.length === 0 && wait < 100; wait += 1) await setTimeout(20);
      await setTimeout(150);
      gone.abort();
      await call;
      for (let wait = 0; upstream.cancelled() === 0 && wait < 50; wait += 1) await setTimeout(20);
      return verdict(
        upstream.cancelled() > 0,
        upstream.cancelled() > 0 ? "cancelled" : "not cancelled after 1 s",
      );
    },
  },
  hostile("malformed JSON", (subject) => post(subject, '{"model": "small", "messages": [')),
  hostile("a body that is not UTF-8", (subject) =>
    post(
      subject,
      Buffer.concat([
        Buffer.from('{"model":"small","messages":[{"role":"user","content":"'),
        Buffer.from([0xff, 0xfe]),
        Buffer.from('"}]}'),
      ]),
    ),
  ),
  hostile("a body of 50 MB", (subject) => post(subject, ask([user("x".repeat(50 * 1024 * 1024))]))),
  hostile("two lengths in one request", async ({ url, headers }) => {
    const head = Object.entries(headers)
      .map(([name, value]) => `${name}: ${value}\r\n`)
      .join("");
    const body = JSON.stringify(ask([user("hi")]));
    const got = await raw(
      url,
      `POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\n${head}content-length: ${body.length}\r\ntransfer-encoding: chunked\r\n\r\n${body}`,
      2_000,
    );
    return { status: Number(/^HTTP\/1\.1 (\d{3})/.exec(got)?.[1] ?? 0), text: got };
  }),
  {
    group: "hostile input",
    name: "an unknown path below /v1 is not passed on",
    run: async ({ subject, upstream }) => {
      const { status } = await post(subject, ask([user("hi")]), {}, "/v1/fine_tuning/jobs").catch(() => ({
        status: 0,
      }));
      return verdict(
        status >= 400 && status < 500 && upstream.bodies.length === 0,
        `status ${status}, ${upstream.bodies.length} requests reached the engine`,
      );
    },
  },
  {
    group: "limits",
    name: "calls that race for the rest of a budget do not overrun it together",
    run: async ({ subject, upstream }) => {
      upstream.script = (res, req, body) => {
        void setTimeout(300).then(() => {
          answer("ok")(res, req, body);
        });
      };
      const replies = await Promise.all(
        Array.from({ length: 20 }, () =>
          post(subject, ask([user("hi")], { max_tokens: 1024 })).catch(() => ({ status: 0 })),
        ),
      );
      const served = replies.filter(({ status }) => status === 200).length;
      return verdict(served > 0 && served <= 3, `${served} of 20 served; the budget holds 3`);
    },
  },
];

/** Runs one case on a fresh upstream script. */
export async function runCase(contract: ContractCase, bench: Bench): Promise<CaseResult> {
  bench.upstream.reset();
  try {
    return await contract.run(bench);
  } catch (error) {
    return {
      result: "fails",
      detail: `the case broke off: ${error instanceof Error ? error.message : String(error)}`,
    };
  }
}
