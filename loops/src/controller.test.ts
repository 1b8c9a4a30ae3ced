import { generateKeyPairSync } from "node:crypto";
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { abortRollout } from "./abort.ts";
import { checkLoopsConfig, LoopsConfigError, type LoopsConfigInput } from "./config.ts";
import { Controller, NotificationError } from "./controller.ts";
import { EvidenceLog, readEvidence } from "./evidence.ts";

const keys = generateKeyPairSync("ed25519");
const KEY = keys.privateKey.export({ type: "pkcs8", format: "pem" }).toString();
const PUBLIC = keys.publicKey.export({ type: "spki", format: "pem" }).toString();
const OTHER = generateKeyPairSync("ed25519").privateKey.export({ type: "pkcs8", format: "pem" }).toString();
const NOW = new Date("2026-11-25T12:00:00.000Z");

interface Call {
  readonly method: string;
  readonly path: string;
  readonly contentType: string;
  readonly body: unknown;
}

interface Cluster {
  readonly url: string;
  readonly calls: Call[];
  /** Status of the next answers to changes. */
  status: number;
}

/** Prometheus and Kubernetes at one address. */
async function cluster(answer: (path: string) => unknown): Promise<Cluster> {
  const calls: Call[] = [];
  const state = { status: 201 };
  const server = createServer((req, res) => {
    const chunks: Buffer[] = [];
    req.on("data", (chunk: Buffer) => chunks.push(chunk));
    req.on("end", () => {
      const path = req.url ?? "";
      const isRead = req.method === "GET";
      if (!isRead)
        calls.push({
          method: req.method ?? "",
          path,
          contentType: req.headers["content-type"] ?? "",
          body: JSON.parse(Buffer.concat(chunks).toString("utf8")),
        });
      res.writeHead(isRead ? 200 : state.status, { "content-type": "application/json" });
      res.end(JSON.stringify(isRead ? answer(path) : {}));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.close();
  });
  return Object.assign(state, {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
  });
}

const vector = (...values: string[]): unknown => ({
  status: "success",
  data: { resultType: "vector", result: values.map((value) => ({ metric: {}, value: [0, value] })) },
});

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), "llmops-loops-"));
  onTestFinished(() => {
    rmSync(path, { recursive: true, force: true });
  });
  writeFileSync(join(path, "token"), "account-token\n");
  return path;
}

function configFor(url: string, path: string, mode: "act" | "dry-run" = "act"): LoopsConfigInput {
  return {
    port: 0,
    mode,
    tokenFile: join(path, "token"),
    evidence: { file: join(path, "evidence.jsonl"), keyFile: join(path, "key") },
    prometheusUrl: url,
    kubernetes: { url, tokenFile: join(path, "token"), namespace: "loops" },
    loops: {
      rollback: {
        samplesQuery: 'sum(x{model="$model"})',
        minSamples: 10,
        cooldownMinutes: 60,
        template: "rollback",
        models: [{ name: "mistral", namespace: "claims" }],
      },
    },
  };
}

async function controlled(
  samples: readonly string[],
  mode: "act" | "dry-run" = "act",
): Promise<{ controller: Controller; log: EvidenceLog; at: Cluster; file: string; asked: string[] }> {
  const path = folder();
  const asked: string[] = [];
  const at = await cluster((url) => {
    asked.push(decodeURIComponent(url).replaceAll("+", " "));
    return vector(...samples);
  });
  const file = join(path, "evidence.jsonl");
  const log = new EvidenceLog(file, KEY);
  const config = checkLoopsConfig(configFor(at.url, path, mode));
  return { controller: new Controller(config, log, () => NOW), log, at, file, asked };
}

const alert = (change: object = {}, labels: object = {}): object => ({
  alerts: [
    {
      status: "firing",
      labels: { alertname: "LlmopsQualityDrop", action: "rollback", model: "mistral", ...labels },
      fingerprint: "f1",
      startsAt: "2026-11-25T11:55:00.000Z",
      ...change,
    },
  ],
});

const eventsOf = (records: readonly { readonly event: string }[]): string[] =>
  records.map(({ event }) => event);

describe("a controller", () => {
  it("records before it acts, and starts the template with nothing but parameters", async () => {
    const { controller, at, asked } = await controlled(["1000"]);
    expect(eventsOf(await controller.take(alert()))).toEqual(["act", "submitted"]);
    expect(asked[0]).toContain('query=sum(x{model="mistral"})');
    expect(at.calls).toHaveLength(1);
    expect(Object.keys((at.calls[0]?.body as { spec: object }).spec).sort()).toEqual([
      "arguments",
      "workflowTemplateRef",
    ]);
  });

  it.each<[string, readonly string[], object, object, readonly string[]]>([
    ["too few samples", ["9"], {}, {}, ["too-few-samples"]],
    ["no sample", [], {}, {}, ["samples-unknown"]],
    ["two answers", ["100", "100"], {}, {}, ["samples-unknown"]],
    ["a number that is none", ["NaN"], {}, {}, ["samples-unknown"]],
    ["a model nobody named", ["100"], {}, { model: "other" }, ["not-covered"]],
    ["another action", ["100"], {}, { action: "throttle" }, []],
    ["a loop that is off", ["100"], {}, { action: "retrain" }, []],
    ["an alert that is over", ["100"], { status: "resolved" }, {}, ["resolved"]],
  ])("does nothing about %s", async (_what, samples, change, labels, expected) => {
    const { controller, at } = await controlled(samples);
    expect(eventsOf(await controller.take(alert(change, labels)))).toEqual(expected);
    expect(at.calls).toEqual([]);
  });

  it("changes nothing in a dry run", async () => {
    const { controller, at } = await controlled(["1000"], "dry-run");
    expect(eventsOf(await controller.take(alert()))).toEqual(["dry-run"]);
    expect(at.calls).toEqual([]);
  });

  it("takes an alert without a model for every model of the loop", async () => {
    const { controller, at } = await controlled(["1000"]);
    const [body] = (alert() as { alerts: { labels: Record<string, string> }[] }).alerts;
    const labels = { alertname: "LlmopsQualityDrop", action: "rollback" };
    await controller.take({ alerts: [{ ...body, labels }] });
    expect(JSON.stringify(at.calls)).toContain('"value":"mistral"');
  });

  it("acts once on two notifications at the same time", async () => {
    const { controller, at } = await controlled(["1000"]);
    const [first, second] = await Promise.all([controller.take(alert()), controller.take(alert())]);
    expect([eventsOf(first), eventsOf(second)]).toEqual([["act", "submitted"], ["already-acted"]]);
    expect(at.calls).toHaveLength(1);
  });

  it("tries again after a refusal, and counts none of it as an action", async () => {
    const { controller, at } = await controlled(["1000"]);
    at.status = 403;
    expect(eventsOf(await controller.take(alert()))).toEqual(["act", "failed"]);
    at.status = 409;
    // The workflow is there already: its name is fixed by the alert.
    expect(eventsOf(await controller.take(alert()))).toEqual(["act", "submitted"]);
    expect(eventsOf(await controller.take(alert()))).toEqual(["already-acted"]);
  });

  it("ends the workflow of an alert that is over", async () => {
    const { controller, at } = await controlled(["1000"]);
    await controller.take(alert());
    at.status = 200;
    expect(eventsOf(await controller.take(alert({ status: "resolved" })))).toEqual(["resolved", "stopped"]);
    expect(at.calls.at(-1)).toMatchObject({
      method: "PATCH",
      contentType: "application/merge-patch+json",
      body: { spec: { shutdown: "Terminate" } },
    });
  });

  it("remembers across a restart, from signed records", async () => {
    const { controller, file, log } = await controlled(["1000"]);
    await controller.take(alert());
    expect(eventsOf(readEvidence(file, PUBLIC))).toEqual(["act", "submitted"]);
    expect(new EvidenceLog(file, KEY).actions).toEqual(log.actions);
  });

  it("refuses what is no notification", async () => {
    const { controller } = await controlled(["1000"]);
    await expect(controller.take({ alerts: [] })).rejects.toThrow(NotificationError);
  });
});

describe("the record", () => {
  it.each<[string, (lines: string[]) => string]>([
    [
      "a changed line",
      ([first = "", ...rest]) => [first.replace('"payload":"e', '"payload":"f'), ...rest, ""].join("\n"),
    ],
    ["a missing line", ([, ...rest]) => [...rest, ""].join("\n")],
    ["a torn line", (lines) => lines.join("\n")],
  ])("with %s stops the controller", async (_what, break_) => {
    const { controller, file } = await controlled(["1000"]);
    await controller.take(alert());
    writeFileSync(file, break_(readFileSync(file, "utf8").trimEnd().split("\n")));
    expect(() => new EvidenceLog(file, KEY)).toThrow();
  });

  it("of another key stops it too, and a foreign line", async () => {
    const { controller, file } = await controlled(["1000"]);
    await controller.take(alert());
    expect(() => new EvidenceLog(file, OTHER)).toThrow(/no signature/);
    appendFileSync(file, "{}\n");
    expect(() => new EvidenceLog(file, KEY)).toThrow(/not a signed/);
  });
});

describe("an abort", () => {
  it.each<[string, object, object, readonly string[]]>([
    [
      "a delivery in progress",
      { stableRS: "old", currentPodHash: "new" },
      { kind: "aborted", from: "new", to: "old" },
      ["PATCH /apis/argoproj.io/v1alpha1/namespaces/claims/rollouts/mistral/status"],
    ],
    ["one version", { stableRS: "a", currentPodHash: "a" }, { kind: "nothing-in-progress" }, []],
    ["a first version", { currentPodHash: "a" }, { kind: "nothing-in-progress" }, []],
  ])("of %s", async (_what, status, expected, calls) => {
    const path = folder();
    const at = await cluster(() => ({ status }));
    at.status = 200;
    const access = { url: at.url, tokenFile: join(path, "token") };
    expect(await abortRollout(access, { namespace: "claims", name: "mistral" })).toEqual(expected);
    expect(at.calls.map((call) => `${call.method} ${call.path}`)).toEqual(calls);
    for (const { body } of at.calls) expect(body).toEqual({ status: { abort: true } });
  });
});

describe("the configuration", () => {
  it("is refused with what is wrong", () => {
    const config = { ...configFor("http://127.0.0.1:1", "/x"), mode: "yolo" };
    expect(() => checkLoopsConfig(config)).toThrow(LoopsConfigError);
  });
});
