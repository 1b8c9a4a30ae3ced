import { createServer, type Server, type ServerResponse } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { setTimeout } from "node:timers/promises";
import { afterEach, describe, expect, it } from "vitest";
import { checkConfig } from "../config/load.ts";
import type { UpstreamConfig } from "../config/schema.ts";
import { configFor } from "../testing/gateway-under-test.ts";
import { Upstreams, type UpstreamAnswer } from "./upstreams.ts";

const REFRESH_MS = 20;
const TARGET = { upstream: "engine-0", model: "engine-model" } as const;
const closing: (() => void | Promise<void>)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

/** A server on an address of its own that answers when told. */
class Engine {
  readonly address: string;
  readonly held: ServerResponse[] = [];
  calls = 0;
  answer: "at once" | "when told" | "500" = "at once";
  #server: Server | undefined;

  constructor(address: string) {
    this.address = address;
  }

  async start(port: number): Promise<number> {
    const server = createServer((_req, res) => {
      this.calls += 1;
      if (this.answer === "when told") {
        res.writeHead(200).write("begun");
        this.held.push(res);
      } else res.writeHead(this.answer === "500" ? 500 : 200).end("{}");
    });
    server.listen(port, this.address);
    await once(server, "listening");
    this.#server = server;
    closing.push(() => {
      this.stop();
    });
    return (server.address() as AddressInfo).port;
  }

  stop(): void {
    this.#server?.close();
    this.#server?.closeAllConnections();
  }

  finish(): void {
    for (const res of this.held.splice(0)) res.end();
  }
}

interface Fleet {
  readonly engines: readonly Engine[];
  readonly upstreams: Upstreams;
  readonly results: string[];
  /** What the name server says from now on; null fails. */
  name(addresses: readonly string[] | null): Promise<void>;
  call(): Promise<UpstreamAnswer>;
}

async function fleet(
  size: number,
  named: number,
  changes: (port: number) => Partial<UpstreamConfig> = () => ({}),
): Promise<Fleet> {
  const engines = Array.from({ length: size }, (_, at) => new Engine(`127.0.7.${at + 1}`));
  let port = 0;
  for (const engine of engines) port = await engine.start(port);
  let addresses: readonly string[] | null = engines.slice(0, named).map(({ address }) => address);
  const { config } = checkConfig(configFor("/nowhere", [`http://model.tenant.svc.cluster.local:${port}`]));
  const [upstream] = config.upstreams;
  if (upstream === undefined) throw new Error("no upstream");
  const results: string[] = [];
  const upstreams = await Upstreams.open(
    [{ ...upstream, addresses: { kind: "each", refreshMs: REFRESH_MS }, ...changes(port) }],
    (_name, result) => results.push(result),
    () => (addresses === null ? Promise.reject(new Error("SERVFAIL")) : Promise.resolve(addresses)),
  );
  closing.unshift(() => upstreams.destroy());
  return {
    engines,
    upstreams,
    results,
    name: async (next) => {
      addresses = next;
      await setTimeout(4 * REFRESH_MS);
    },
    call: () =>
      upstreams.send(
        {
          path: "/v1/chat/completions",
          headers: {},
          bodyFor: () => "{}",
          headMs: null,
          watch: () => ({ headers: {}, end: () => undefined }),
        },
        [TARGET],
        new AbortController().signal,
      ),
  };
}

/** The answer, read to its end. */
async function read(answer: UpstreamAnswer): Promise<number | string> {
  if (answer.kind === "none") return answer.attempts.map(({ error }) => error ?? "answered").join(", ");
  await answer.response.body.dump();
  answer.settle("ok");
  return answer.response.statusCode;
}

function calls({ engines }: Fleet): number[] {
  return engines.map((engine) => engine.calls);
}

describe("replicas of an upstream", () => {
  it("share the calls that run, and a new one gets the next ones although older connections are free", async () => {
    const there = await fleet(3, 2);
    for (const engine of there.engines) engine.answer = "when told";
    for (let call = 0; call < 6; call += 1) await there.call();
    expect(calls(there)).toEqual([3, 3, 0]);
    await there.name(there.engines.map(({ address }) => address));
    for (let call = 0; call < 3; call += 1) await there.call();
    expect(calls(there)).toEqual([3, 3, 3]);
    there.engines[0]?.finish();
    await setTimeout(50);
    for (let call = 0; call < 3; call += 1) await there.call();
    expect(calls(there)).toEqual([6, 3, 3]);
  });

  it("are one server where the configuration says so, and its name is not followed", async () => {
    const there = await fleet(2, 0, (port) => ({
      addresses: { kind: "one" },
      baseUrl: `http://127.0.7.1:${port}`,
    }));
    expect(await read(await there.call())).toBe(200);
    expect(calls(there)).toEqual([1, 0]);
  });

  it("that left the name get no calls, and end those they have", async () => {
    const there = await fleet(2, 2);
    const [leaving, staying] = there.engines;
    if (leaving === undefined || staying === undefined) throw new Error("no engines");
    leaving.answer = "when told";
    staying.answer = "when told";
    const running = [await there.call(), await there.call()];
    expect(calls(there)).toEqual([1, 1]);
    await there.name([staying.address]);
    staying.answer = "at once";
    for (let call = 0; call < 5; call += 1) expect(await read(await there.call())).toBe(200);
    expect(calls(there)).toEqual([1, 6]);
    leaving.finish();
    staying.finish();
    expect(await Promise.all(running.map(read))).toEqual([200, 200]);
  });

  it("that cannot be reached leave the call to another one", async () => {
    const there = await fleet(2, 2);
    there.engines[0]?.stop();
    for (let call = 0; call < 20; call += 1) expect(await read(await there.call())).toBe(200);
    expect(calls(there)).toEqual([0, 20]);
  });

  it("that are all gone leave the call to those the name stands for by now", async () => {
    const there = await fleet(2, 1, () => ({ addresses: { kind: "each", refreshMs: 60_000 } }));
    there.engines[0]?.stop();
    await there.name([there.engines[1]?.address ?? ""]);
    expect(await read(await there.call())).toBe(200);
    expect(calls(there)).toEqual([0, 1]);
  });

  it("that fail are left out alone: the others' breaker stays closed", async () => {
    const there = await fleet(2, 2, () => ({ breaker: { failures: 2, openMs: 60_000 } }));
    const [broken] = there.engines;
    if (broken === undefined) throw new Error("no engine");
    broken.answer = "500";
    const answers = [];
    for (let call = 0; call < 40; call += 1) answers.push(await read(await there.call()));
    expect(answers.filter((status) => status === 500)).toHaveLength(2);
    expect(calls(there)).toEqual([2, 38]);
  });

  it("answer for no request that could not be written: the breaker stays closed", async () => {
    const there = await fleet(1, 1, () => ({ breaker: { failures: 2, openMs: 60_000 } }));
    const unwritable = {
      path: "/v1/chat/completions",
      headers: {},
      bodyFor: () => {
        throw new RangeError("Maximum call stack size exceeded");
      },
      headMs: null,
      watch: () => ({ headers: {}, end: () => undefined }),
    };
    for (let call = 0; call < 5; call += 1)
      await expect(there.upstreams.send(unwritable, [TARGET], new AbortController().signal)).rejects.toThrow(
        RangeError,
      );
    expect(await read(await there.call())).toBe(200);
  });

  it("of whom nobody is there are absent, which a call that may wait is told", async () => {
    const there = await fleet(1, 0);
    expect(await read(await there.call())).toBe("no-replica");
    expect(there.results).toEqual(["no-replica"]);
    await there.name(there.engines.map(({ address }) => address));
    expect(await read(await there.call())).toBe(200);
  });

  it("stay while the name server fails, and go when it says so", async () => {
    const there = await fleet(1, 1);
    await there.name(null);
    expect(await read(await there.call())).toBe(200);
    await there.name([]);
    expect(await read(await there.call())).toBe("no-replica");
  });

  it("are tried three at most for one call", async () => {
    const there = await fleet(5, 5);
    for (const engine of there.engines) engine.stop();
    expect(await read(await there.call())).toBe("ECONNREFUSED, ECONNREFUSED, ECONNREFUSED");
  });
});
