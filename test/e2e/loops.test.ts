import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { stringify } from "yaml";
import { rollbackTemplate } from "../../components/loops/templates.ts";
import { alertRoutes } from "../../components/observability/alerts.ts";
import { sha256Hex } from "../../gateway/src/audit/chain.ts";
import { startGateway, type RunningGateway } from "../../gateway/src/server/gateway.ts";
import { APP_KEY, configFor, recordsIn } from "../../gateway/src/testing/gateway-under-test.ts";
import { checkLoopsConfig, type LoopsConfigInput } from "../../loops/src/config.ts";
import { Controller } from "../../loops/src/controller.ts";
import { EvidenceLog, readEvidence, type LoopRecord } from "../../loops/src/evidence.ts";
import { createLoopsServer } from "../../loops/src/server.ts";
import { TOKEN_EDGES } from "../../gateway/src/metrics/edges.ts";
import { isAlert } from "../../monitoring/rule.ts";
import { LOOP_SAMPLES } from "../../stacks/loops.ts";
import { pipelineOf } from "../../stacks/pipeline.ts";
import { readStack } from "../../stacks/schema/stack-file.ts";
import { ensureDebianTool, PROMETHEUS } from "../../tools/debian-tool.ts";
import { alertmanagerFile, startAlertmanager } from "./cluster/alertmanager.ts";
import { freePort, Processes } from "./cluster/processes.ts";

const STACK = readStack(join(import.meta.dirname, "..", "..", "stacks"), "acme-prod");
const MODEL = "claims-assistant";
const TOKEN = "token-of-alertmanager-0123456789";
const GATEWAY_KEY = "key-of-alertmanager-0123456789";

/** A week becomes half a minute and an hour a few seconds; everything else about rules and routes stays as it is deployed. */
const COMPRESSED: Readonly<Record<string, string>> = {
  "7d": "25s",
  "1d": "20s",
  "6h": "8s",
  "4h": "3s",
  "1h": "6s",
  "30m": "2s",
  "15m": "2s",
  "10m": "2s",
  "5m": "1s",
  "2m": "1s",
  "1m": "1s",
  "30s": "0s",
};

function compressed(text: string): string {
  return text.replaceAll(/(?<![\w.])(\d+[smhd])(?!\w)/g, (duration) => COMPRESSED[duration] ?? duration);
}

interface Listening {
  readonly url: string;
  readonly server: Server;
}

async function listening(server: Server): Promise<Listening> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, server };
}

async function bodyOf(req: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of req as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString("utf8");
}

async function until<T>(what: string, look: () => T | undefined | Promise<T | undefined>): Promise<T> {
  const end = Date.now() + 90_000;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (Date.now() > end) throw new Error(`waited 90 s for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
}

/** A request that somebody recorded. */
interface Seen {
  readonly method: string;
  readonly path: string;
  readonly authorization: string;
  readonly body: Record<string, unknown>;
}

/** Takes every request and remembers it: the API server of Kubernetes, or a pager. */
async function recorder(): Promise<Listening & { readonly seen: Seen[] }> {
  const seen: Seen[] = [];
  const server = createServer((req, res) => {
    void bodyOf(req).then((text) => {
      seen.push({
        method: req.method ?? "",
        path: req.url ?? "",
        authorization: req.headers.authorization ?? "",
        body: JSON.parse(text) as Record<string, unknown>,
      });
      res.writeHead(200, { "content-type": "application/json" }).end("{}");
    });
  });
  return { ...(await listening(server)), seen };
}

/** Counters as a gateway exports them; the rates are what a test turns. */
class Exporter {
  interventionsPerSecond = 0.1;
  usdPerSecond = 0.0001;
  /** Output tokens of an answer. */
  answerTokens = 100;
  readonly #start = Date.now();
  #last = Date.now();
  readonly #totals = { passed: 0, intervened: 0, usd: 0 };
  readonly #buckets = new Map<number, number>();
  #answers = 0;

  /** Current text; a hundred answers a second since the last look. */
  text(): string {
    const now = Date.now();
    const seconds = (now - this.#last) / 1000;
    this.#last = now;
    const answers = 100 * seconds;
    this.#totals.passed += answers - this.interventionsPerSecond * seconds;
    this.#totals.intervened += this.interventionsPerSecond * seconds;
    this.#totals.usd += this.usdPerSecond * seconds;
    this.#answers += answers;
    for (const edge of TOKEN_EDGES)
      if (this.answerTokens <= edge) this.#buckets.set(edge, (this.#buckets.get(edge) ?? 0) + answers);
    const verdict = (action: string): string =>
      `llmops_gateway_guard_verdicts_total{guard="pii",side="output",action="${action}"}`;
    const histogram = "llmops_gateway_request_output_tokens";
    return [
      `${verdict("pass")} ${this.#totals.passed}`,
      `${verdict("redact")} ${this.#totals.intervened}`,
      `llmops_gateway_requests_total{client="c",model="${MODEL}",endpoint="/v1/chat/completions",result="completed"} ${this.#answers}`,
      `llmops_gateway_cost_total{client="c",model="${MODEL}",endpoint="/v1/chat/completions",currency="USD"} ${this.#totals.usd}`,
      ...TOKEN_EDGES.map(
        (edge) => `${histogram}_bucket{model="${MODEL}",le="${edge}"} ${this.#buckets.get(edge) ?? 0}`,
      ),
      `${histogram}_bucket{model="${MODEL}",le="+Inf"} ${this.#answers}`,
      `${histogram}_count{model="${MODEL}"} ${this.#answers}`,
      `${histogram}_sum{model="${MODEL}"} ${this.#answers * this.answerTokens}`,
      "llmops_gateway_audit_ready 1",
      "",
    ].join("\n");
  }

  /** Seconds since the first sample. */
  get age(): number {
    return (Date.now() - this.#start) / 1000;
  }
}

const { privateKey, publicKey } = generateKeyPairSync("ed25519");
const KEY_PEM = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
const PUBLIC_PEM = publicKey.export({ type: "spki", format: "pem" }).toString();

/** A controller that takes every notification, with its own settings. */
interface Instance {
  readonly controller: Listening;
  readonly evidenceFile: string;
  /** Its records, checked from the file. */
  readonly records: () => LoopRecord[];
}

describe("from a metric to its effect, through the real Prometheus and the real Alertmanager", () => {
  const exporter = new Exporter();
  const processes = new Processes();
  const servers: Server[] = [];
  let folder: string;
  let kubernetes: Awaited<ReturnType<typeof recorder>>;
  let people: Awaited<ReturnType<typeof recorder>>;
  let gateway: RunningGateway;
  let prometheusUrl: string;
  let acting: Instance;
  let dry: Instance;
  let sparse: Instance;

  async function instance(
    name: string,
    change: (config: LoopsConfigInput) => LoopsConfigInput,
  ): Promise<Instance> {
    const evidenceFile = join(folder, `${name}.jsonl`);
    const file = (what: string, text: string): string => {
      const path = join(folder, `${name}-${what}`);
      writeFileSync(path, text);
      return path;
    };
    const rule = {
      minSamples: 100,
      cooldownMinutes: 60,
      models: [{ name: MODEL, namespace: "claims" }],
    };
    const config = checkLoopsConfig(
      change({
        port: 0,
        mode: "act",
        tokenFile: file("token", TOKEN),
        evidence: { file: evidenceFile, keyFile: file("key", KEY_PEM) },
        prometheusUrl,
        kubernetes: { url: kubernetes.url, tokenFile: file("account", "account-token"), namespace: "loops" },
        loops: {
          rollback: { ...rule, template: "rollback", samplesQuery: compressed(LOOP_SAMPLES.rollback) },
          retrain: { ...rule, template: "retrain", samplesQuery: compressed(LOOP_SAMPLES.retrain) },
        },
      }),
    );
    const controller = await listening(
      createLoopsServer(new Controller(config, new EvidenceLog(evidenceFile, KEY_PEM)), TOKEN),
    );
    servers.push(controller.server);
    return { controller, evidenceFile, records: () => readEvidence(evidenceFile, PUBLIC_PEM) };
  }

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "llmops-loops-"));
    const metrics = await listening(
      createServer((_req, res) => {
        res.writeHead(200, { "content-type": "text/plain; version=0.0.4" }).end(exporter.text());
      }),
    );
    kubernetes = await recorder();
    people = await recorder();
    const engine = await listening(
      createServer((req, res) => {
        void bodyOf(req).then(() => {
          const message = { role: "assistant", content: "fine" };
          res.writeHead(200, { "content-type": "application/json" }).end(
            JSON.stringify({
              id: "c",
              object: "chat.completion",
              model: "engine-model",
              choices: [{ index: 0, message, finish_reason: "stop" }],
              usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
            }),
          );
        });
      }),
    );
    servers.push(metrics.server, kubernetes.server, people.server, engine.server);
    const base = configFor(folder, [engine.url]);
    gateway = await startGateway({
      ...base,
      clients: base.clients.map((client) => ({ ...client, requestsPerMinute: 40 })),
      admin: {
        port: 0,
        throttle: { share: 0.05, minutes: 5 },
        keys: [{ id: "alertmanager", key: sha256Hex(GATEWAY_KEY), roles: ["throttle"] }],
      },
    });
    const prometheusPort = await freePort();
    prometheusUrl = `http://127.0.0.1:${prometheusPort}`;
    acting = await instance("act", (config) => config);
    dry = await instance("dry", (config) => ({ ...config, mode: "dry-run" }));
    sparse = await instance("sparse", (config) => ({
      ...config,
      loops: Object.fromEntries(
        Object.entries(config.loops).map(([name, rule]) => [name, { ...rule, minSamples: 1_000_000_000 }]),
      ),
    }));
    // One route reaches every controller, so that all decide about the same notifications.
    const fanOut = await listening(
      createServer((req, res) => {
        void bodyOf(req).then(async (body) => {
          const headers = { authorization: req.headers.authorization ?? "" };
          const answers = await Promise.all(
            [acting, dry, sparse].map(({ controller }) =>
              fetch(`${controller.url}/alerts`, { method: "POST", headers, body }),
            ),
          );
          res.writeHead(Math.max(...answers.map(({ status }) => status))).end();
        });
      }),
    );
    servers.push(fanOut.server);

    const routes = alertRoutes({
      receivers: [{ kind: "webhook", url: `${people.url}/people` }],
      throttle: { url: `${gateway.adminUrl ?? ""}/admin/alerts`, key: { name: "alerting", key: "gateway" } },
      loops: { url: `${fanOut.url}/alerts`, key: { name: "loops-token", key: "token" } },
    });
    const file = alertmanagerFile(routes, { "alerting/gateway": GATEWAY_KEY, "loops-token/token": TOKEN });
    const alertmanagerUrl = await startAlertmanager(processes, folder, compressed(stringify(file)));
    const groups = pipelineOf(STACK).groups.map((group) => ({ ...group, interval: "1s" }));
    writeFileSync(join(folder, "rules.yaml"), compressed(stringify({ groups }, { lineWidth: 0 })));
    writeFileSync(
      join(folder, "prometheus.yaml"),
      stringify({
        global: { scrape_interval: "1s", evaluation_interval: "1s" },
        rule_files: [join(folder, "rules.yaml")],
        alerting: {
          alertmanagers: [{ static_configs: [{ targets: [new URL(alertmanagerUrl).host] }] }],
        },
        scrape_configs: [
          {
            job_name: "gateway",
            static_configs: [{ targets: [new URL(metrics.url).host], labels: { namespace: "llm-gateway" } }],
          },
        ],
      }),
    );
    const { binary, env } = ensureDebianTool(PROMETHEUS);
    processes.start("prometheus", {
      command: binary,
      args: [
        `--config.file=${join(folder, "prometheus.yaml")}`,
        `--storage.tsdb.path=${join(folder, "prometheus")}`,
        `--web.listen-address=127.0.0.1:${prometheusPort}`,
      ],
      env,
    });
    await processes.ready("prometheus", async () => (await fetch(`${prometheusUrl}/-/ready`)).status === 200);
    // A past to compare with: the reference of the rules, half a minute.
    await until("a past", () => (exporter.age > 40 ? true : undefined));
  }, 900_000);

  afterAll(async () => {
    await processes.stopAll();
    for (const server of servers) server.close();
    await gateway.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const events = ({ records }: Instance, loop: string): string[] =>
    records()
      .filter((record) => record.loop === loop)
      .map(({ event }) => event);
  const workflows = (loop: string): Seen[] =>
    kubernetes.seen.filter(
      ({ body, method }) => method === "POST" && JSON.stringify(body).includes(`"${loop}"`),
    );
  const call = async (): Promise<number> =>
    (
      await fetch(`${gateway.url}/v1/chat/completions`, {
        method: "POST",
        headers: { authorization: `Bearer ${APP_KEY}`, "content-type": "application/json" },
        body: JSON.stringify({ model: "small", messages: [{ role: "user", content: "hello" }] }),
      })
    ).status;

  it("are the rules and alerts that are deployed", () => {
    const names = pipelineOf(STACK).groups.flatMap(({ rules }) =>
      rules.filter(isAlert).map(({ alert, labels }) => `${alert} ${labels.action ?? ""}`),
    );
    expect(names).toEqual(
      expect.arrayContaining([
        "LlmopsQualityDrop rollback",
        "LlmopsOutputTokensDrift retrain",
        "LlmopsCostSpike throttle",
      ]),
    );
  });

  it("nothing happens while everything is as always", async () => {
    expect(kubernetes.seen).toEqual([]);
    expect(acting.records()).toEqual([]);
    expect(await call()).toBe(200);
  });

  it("longer answers start a retraining", async () => {
    exporter.answerTokens = 2_000;
    const [started] = await until("a retraining", () => {
      const found = workflows("retrain");
      return found.length > 0 ? found : undefined;
    });
    exporter.answerTokens = 100;
    expect(started?.body).toMatchObject({
      spec: {
        workflowTemplateRef: { name: "retrain" },
        arguments: {
          parameters: [
            { name: "model", value: MODEL },
            { name: "namespace", value: "claims" },
            { name: "alert", value: "LlmopsOutputTokensDrift" },
          ],
        },
      },
    });
    expect(workflows("rollback")).toEqual([]);
  });

  it("a fall of quality starts one rollback, whatever is repeated, and its end stops it", async () => {
    exporter.interventionsPerSecond = 30;
    const [started] = await until("a rollback", () => {
      const found = workflows("rollback");
      return found.length > 0 ? found : undefined;
    });
    expect(started).toMatchObject({
      path: "/apis/argoproj.io/v1alpha1/namespaces/loops/workflows",
      authorization: "Bearer account-token",
      body: {
        kind: "Workflow",
        spec: {
          workflowTemplateRef: { name: "rollback" },
          arguments: {
            parameters: [
              { name: "model", value: MODEL },
              { name: "namespace", value: "claims" },
              { name: "alert", value: "LlmopsQualityDrop" },
            ],
          },
        },
      },
    });
    await until("a repetition", () =>
      events(acting, "rollback").some((event) => event === "already-acted") ? true : undefined,
    );
    expect(workflows("rollback")).toHaveLength(1);
    expect(events(acting, "rollback").slice(0, 2)).toEqual(["act", "submitted"]);

    exporter.interventionsPerSecond = 0.1;
    const stopped = await until("the end", () =>
      kubernetes.seen.find(({ method, path }) => method === "PATCH" && path.includes("/rollback-")),
    );
    expect(stopped).toMatchObject({
      path: `${started?.path ?? ""}/${(started?.body["metadata"] as { name: string }).name}`,
      body: { spec: { shutdown: "Terminate" } },
    });
    // The record follows the answer to the request.
    await until("the record of the end", () =>
      events(acting, "rollback").includes("stopped") ? true : undefined,
    );
    expect(events(acting, "rollback").slice(-2)).toEqual(["resolved", "stopped"]);
  });

  it("the next fall within the cooldown starts nothing", async () => {
    exporter.interventionsPerSecond = 60;
    await until("a decision", () =>
      events(acting, "rollback").some((event) => event === "cooling-down") ? true : undefined,
    );
    exporter.interventionsPerSecond = 0.1;
    expect(workflows("rollback")).toHaveLength(1);
  });

  it("the same notifications change nothing in a dry run or with too few samples, and are recorded", () => {
    for (const loop of ["rollback", "retrain"]) {
      expect(events(dry, loop)).toContain("dry-run");
      expect(events(dry, loop)).not.toContain("act");
      expect(events(sparse, loop)).toContain("too-few-samples");
      expect(events(sparse, loop)).not.toContain("act");
    }
    const [few] = sparse.records().filter(({ event }) => event === "too-few-samples");
    expect(few?.detail).toMatchObject({ needed: 1_000_000_000 });
    expect(Number(few?.detail["samples"])).toBeGreaterThan(100);
  });

  it("with approval, the workflow waits for a person before the abort", () => {
    const { templates = [] } = rollbackTemplate({
      image: `loops@sha256:${"0".repeat(64)}`,
      approval: "required",
      proposals: { url: "https://git.example", token: { name: "git", key: "token" } },
    });
    expect(templates.find(({ name }) => name === "main")?.dag?.tasks).toMatchObject([
      { name: "approve", dependencies: [] },
      { name: "abort", dependencies: ["approve"] },
      { name: "propose", dependencies: ["abort"] },
    ]);
    expect(templates.find(({ name }) => name === "approve")).toEqual({ name: "approve", suspend: {} });
  });

  it("a spike of cost throttles calls at the gateway until it is over", async () => {
    expect(await call()).toBe(200);
    exporter.usdPerSecond = 5;
    await until("a refused call", async () => ((await call()) === 429 ? true : undefined));
    exporter.usdPerSecond = 0.0001;
    await until("an answered call", async () => ((await call()) === 200 ? true : undefined));
    const brakes = (await recordsIn(join(folder, "audit"))).filter(({ kind }) => kind === "brake");
    expect(brakes[0]).toMatchObject({ action: "throttle", by: sha256Hex(GATEWAY_KEY).slice(0, 12) });
    expect(brakes.some((record) => "action" in record && record.action === "release")).toBe(true);
  });

  it("tells people too, and takes nothing without the token", async () => {
    const told = JSON.stringify(people.seen.map(({ body }) => body));
    for (const alert of ["LlmopsQualityDrop", "LlmopsOutputTokensDrift", "LlmopsCostSpike"])
      expect(told).toContain(alert);
    const before = acting.records().length;
    const refused = await fetch(`${acting.controller.url}/alerts`, { method: "POST", body: "{}" });
    expect([refused.status, acting.records().length]).toEqual([401, before]);
  });
});
