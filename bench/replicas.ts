import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { connect, createServer as createTcpServer } from "node:net";
import type { AddressInfo } from "node:net";
import { cpus } from "node:os";
import { setTimeout } from "node:timers/promises";
import { Upstreams } from "../gateway/src/server/upstreams.ts";
import { checkConfig } from "../gateway/src/config/load.ts";
import { configFor } from "../gateway/src/testing/gateway-under-test.ts";

/**
 * Four replicas join two that are behind: the gateway's own choice among replicas beside one address that gives each new
 * connection to a replica at random, as kube-proxy does. Both get the same calls at the same time.
 */
const SLOTS = 8;
const CALL_MS = 1_000;
const PER_SECOND = 24;
const [BEHIND, JOINING] = [2, 4];
const [JOIN_AT, JUDGED_FROM, END] = [15, 25, 45];
const RESULTS = new URL("./results/replicas.json", import.meta.url);

/** Answers after a second, eight calls at a time; the others wait in order. */
async function engine(
  address: string,
  port: number,
): Promise<{ readonly server: Server; served: () => number }> {
  const waiting: (() => void)[] = [];
  let running = 0;
  let served = 0;
  const server = createServer((req, res) => {
    const run = (): void => {
      running += 1;
      void setTimeout(CALL_MS).then(() => {
        running -= 1;
        served += 1;
        res.end("{}");
        waiting.shift()?.();
      });
    };
    req.resume().once("end", () => {
      if (running < SLOTS) run();
      else waiting.push(run);
    });
  });
  server.listen(port, address);
  await once(server, "listening");
  return { server, served: () => served };
}

interface Side {
  readonly upstreams: Upstreams;
  readonly seconds: number[];
}

/** A call, and the seconds until its answer where it counts. */
async function call({ upstreams, seconds }: Side, isJudged: boolean): Promise<void> {
  const started = performance.now();
  const answer = await upstreams.send(
    {
      path: "/",
      headers: {},
      bodyFor: () => "{}",
      headMs: null,
      watch: () => ({ headers: {}, end: () => undefined }),
    },
    [{ upstream: "engine-0", model: "m" }],
    new AbortController().signal,
  );
  if (answer.kind === "none") throw new Error(answer.attempts.map(({ error }) => error).join(", "));
  await answer.response.body.dump();
  answer.settle("ok");
  if (isJudged) seconds.push((performance.now() - started) / 1000);
}

async function open(url: string, named: () => readonly string[] | "one"): Promise<Side> {
  const [upstream] = checkConfig(configFor("/nowhere", [url])).config.upstreams;
  if (upstream === undefined) throw new Error("no upstream");
  const addresses =
    named() === "one" ? ({ kind: "one" } as const) : ({ kind: "each", refreshMs: 2_000 } as const);
  const upstreams = await Upstreams.open(
    [{ ...upstream, addresses, connections: 512, firstByteMs: 300_000 }],
    () => undefined,
    () => {
      const hosts = named();
      return Promise.resolve(hosts === "one" ? [] : hosts);
    },
  );
  return { upstreams, seconds: [] };
}

function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return Number((sorted[Math.ceil(share * sorted.length) - 1] ?? NaN).toFixed(2));
}

const servers: Server[] = [];
/** The replicas of one side, the first ones from the start. */
async function fleet(
  prefix: string,
): Promise<{ readonly port: number; readonly hosts: string[]; served: () => number[] }> {
  const engines: { served: () => number }[] = [];
  let port = 0;
  const hosts: string[] = [];
  for (let at = 1; at <= BEHIND + JOINING; at += 1) {
    const host = `${prefix}.${at}`;
    const each = await engine(host, port);
    servers.push(each.server);
    ({ port } = each.server.address() as AddressInfo);
    engines.push(each);
    hosts.push(host);
  }
  return { port, hosts, served: () => engines.map(({ served }) => served()) };
}

const [shared, known] = [await fleet("127.0.8"), await fleet("127.0.9")];
let there = BEHIND;
const proxy = createTcpServer((client) => {
  const host = shared.hosts[Math.floor(Math.random() * there)] ?? "";
  const server = connect(shared.port, host);
  client.pipe(server).pipe(client);
  client.on("error", () => server.destroy());
  server.on("error", () => client.destroy());
}).listen(0, "127.0.0.1");
await once(proxy, "listening");

const one = await open(`http://127.0.0.1:${(proxy.address() as AddressInfo).port}`, () => "one");
const each = await open(`http://model.tenant.svc.cluster.local:${known.port}`, () =>
  known.hosts.slice(0, there),
);
const started = performance.now();
const calls: Promise<void>[] = [];
for (let at = 0; at < END; at -= Math.log(1 - Math.random()) / PER_SECOND) {
  await setTimeout(Math.max(0, at * 1000 - (performance.now() - started)));
  if (at >= JOIN_AT) there = BEHIND + JOINING;
  const isJudged = at >= JUDGED_FROM;
  calls.push(call(one, isJudged), call(each, isJudged));
}
await Promise.all(calls);
const side = (name: string, { seconds }: Side, served: readonly number[]): object => ({
  name,
  calls: seconds.length,
  p50Seconds: percentile(seconds, 0.5),
  p95Seconds: percentile(seconds, 0.95),
  served,
});
const result = {
  machine: `${cpus().length} x ${cpus()[0]?.model ?? "unknown"}`,
  perSecond: PER_SECOND,
  callSeconds: CALL_MS / 1000,
  slots: SLOTS,
  sides: [side("one address", one, shared.served()), side("each replica", each, known.served())],
  p95IsTimes: Number((percentile(one.seconds, 0.95) / percentile(each.seconds, 0.95)).toFixed(1)),
};
console.log(JSON.stringify(result, null, 2));
writeFileSync(RESULTS, `${JSON.stringify(result, null, 2)}\n`);
await Promise.all([one.upstreams.destroy(), each.upstreams.destroy()]);
for (const server of [...servers, proxy]) server.close();
