import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { sha256Hex } from "../audit/chain.ts";
import { nodeFiles } from "../audit/file-layer.ts";
import { verifyDirectory } from "../audit/verify.ts";
import { auditCommand } from "../cli/audit-command.ts";
import type { GatewayConfigInput } from "../config/schema.ts";
import { Brakes } from "../oversight/brakes.ts";
import { FileBrakes } from "../oversight/file-brakes.ts";
import { LimitsUnavailableError } from "../routing/limits.ts";
import { chatEvents, fakeEngine, stream } from "../testing/fake-engine.ts";
import { gatewayUnderTest } from "../testing/gateway-under-test.ts";
import type { GatewayUnderTest } from "../testing/gateway-under-test.ts";

const CHAT = "/v1/chat/completions";
const STOP_KEY = "stop-key-0123456789";
const ALERT_KEY = "alert-key-0123456789";
const question = { model: "small", messages: [{ role: "user", content: "hello" }] };

const administered = (config: GatewayConfigInput): GatewayConfigInput => ({
  ...config,
  clients: config.clients.map((client) => ({ ...client, requestsPerMinute: 4 })),
  admin: {
    port: 0,
    throttle: { share: 0.25, minutes: 5 },
    keys: [
      { id: "duty", key: sha256Hex(STOP_KEY), roles: ["stop"] },
      { id: "alertmanager", key: sha256Hex(ALERT_KEY), roles: ["throttle"] },
    ],
  },
});

async function post(
  under: GatewayUnderTest,
  path: string,
  body: unknown,
  key = STOP_KEY,
): Promise<{ readonly status: number; readonly body: Record<string, unknown> }> {
  const response = await fetch(`${under.gateway.adminUrl ?? ""}${path}`, {
    method: "POST",
    headers: { authorization: `Bearer ${key}` },
    body: JSON.stringify(body),
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

const notification = (status: "firing" | "resolved", action = "throttle"): object => ({
  version: "4",
  status,
  alerts: [{ status, labels: { alertname: "LlmopsCostSpike", action }, annotations: {} }],
});

describe("the stop switch", () => {
  it("refuses new calls of a stopped model, records who stopped it and why, and lets go again", async () => {
    const engine = await fakeEngine();
    const under = await gatewayUnderTest([engine], administered);
    expect((await post(under, "/admin/stops", { model: "small", reason: "wrong answers" })).status).toBe(200);
    const refused = await under.post(CHAT, question);
    expect([refused.status, ((await refused.json()) as { error: { code: string } }).error.code]).toEqual([
      503,
      "stopped_by_operator",
    ]);
    const metrics = await (await fetch(`${under.gateway.url}/metrics`)).text();
    expect(metrics).toContain("llmops_gateway_stops_in_force 1");
    expect((await post(under, "/admin/releases", { model: "small", reason: "checked" })).body).toEqual({
      brakes: [],
    });
    expect((await under.post(CHAT, question)).status).toBe(200);
    const records = await under.records();
    expect(records.filter(({ kind }) => kind === "brake")).toMatchObject([
      { action: "stop", scope: "small", reason: "wrong answers", by: sha256Hex(STOP_KEY).slice(0, 12) },
      { action: "release", scope: "small", reason: "checked" },
    ]);
    expect(records.find(({ kind }) => kind === "decision")).toMatchObject({
      result: "denied",
      reason: "stopped_by_operator",
    });
    await under.gateway.close();
    const { publicKeyPem } = under.gateway;
    const { verdict } = await verifyDirectory(join(under.directory, "audit"), { publicKeys: [publicKeyPem] });
    expect(verdict).toBe("intact");
  });

  it("ends a stream that runs", async () => {
    const slow = stream(chatEvents(["one ", "two "], false), "hang");
    const under = await gatewayUnderTest([await fakeEngine(slow)], administered);
    const running = await under.post(CHAT, { ...question, stream: true });
    await post(under, "/admin/stops", { model: "all", reason: "drill" });
    const began = performance.now();
    const text = await running.text();
    expect(text).toContain("stopped_by_operator");
    expect(performance.now() - began).toBeLessThan(5_000);
    expect((await under.records()).at(-1)).toMatchObject({ kind: "outcome", reason: "stopped-by-operator" });
  });

  it("holds across a restart", async () => {
    const first = await gatewayUnderTest([await fakeEngine()], administered);
    await post(first, "/admin/stops", { model: "all", reason: "incident 7" });
    await first.gateway.close();
    const engine = await fakeEngine();
    const second = await gatewayUnderTest([engine], (config) => ({
      ...administered(config),
      audit: { ...config.audit, directory: first.config.audit.directory },
    }));
    expect([(await second.post(CHAT, question)).status, engine.seen.length]).toEqual([503, 0]);
  });

  it("fails closed when nobody can read what is stopped", async () => {
    const under = await gatewayUnderTest([await fakeEngine()], administered);
    const path = join(under.directory, "unreadable.json");
    await writeFile(path, "{");
    await expect(new Brakes(new FileBrakes(path, nodeFiles)).inForce()).rejects.toThrow(
      LimitsUnavailableError,
    );
  });

  it.each([
    ["a stop without a reason", "/admin/stops", { model: "small" }, STOP_KEY, 400],
    ["a stop by a key that may only throttle", "/admin/stops", { reason: "mine" }, ALERT_KEY, 403],
    ["an alert by a key that may only stop", "/admin/alerts", notification("firing"), STOP_KEY, 403],
    ["a notification that is none", "/admin/alerts", { alerts: [] }, ALERT_KEY, 400],
  ])("refuses %s", async (_what, path, body, key, status) => {
    const under = await gatewayUnderTest([await fakeEngine()], administered);
    expect((await post(under, path, body, key)).status).toBe(status);
    expect((await under.records()).filter(({ kind }) => kind === "brake")).toEqual([]);
  });

  it("works from the command line", async () => {
    const under = await gatewayUnderTest([await fakeEngine()], administered);
    const keyFile = join(under.directory, "stop-key");
    await writeFile(keyFile, STOP_KEY);
    let out = "";
    const run = (command: string): Promise<number> =>
      auditCommand(
        [
          command,
          ...["--url", under.gateway.adminUrl ?? "", "--admin-key", keyFile],
          ...["--model", "all", "--reason", "drill of November"],
        ],
        (text) => (out += text),
        (text) => (out += text),
      );
    expect(await run("stop")).toBe(0);
    expect((await under.post(CHAT, question)).status).toBe(503);
    expect(await run("release")).toBe(0);
    expect(out).toBe("stopped: all\nnothing is stopped\n");
  });
});

describe("an alert that asks for throttling", () => {
  it("leaves each client a share of its rate until it is resolved", async () => {
    const under = await gatewayUnderTest([await fakeEngine()], administered);
    expect((await post(under, "/admin/alerts", notification("firing"), ALERT_KEY)).body).toMatchObject({
      brakes: [{ kind: "throttle", share: 0.25 }],
    });
    const statuses = [];
    for (const call of [1, 2]) statuses.push((await under.post(CHAT, { ...question, seed: call })).status);
    expect(statuses).toEqual([200, 429]);
    await post(under, "/admin/alerts", notification("resolved"), ALERT_KEY);
    const records = await under.records();
    expect(records.filter(({ kind }) => kind === "brake")).toMatchObject([
      { action: "throttle", reason: "LlmopsCostSpike" },
      { action: "release", scope: "throttle" },
    ]);
  });

  it("changes nothing for alerts that ask for something else", async () => {
    const under = await gatewayUnderTest([await fakeEngine()], administered);
    expect((await post(under, "/admin/alerts", notification("firing", "page"), ALERT_KEY)).body).toEqual({
      brakes: [],
    });
  });

  it("ends by itself", async () => {
    let now = Date.parse("2026-11-24T12:00:00Z");
    const brakes = new Brakes(
      {
        read: () =>
          Promise.resolve([{ kind: "throttle", share: 0.5, until: "2026-11-24T12:05:00Z" }] as const),
        put: () => Promise.resolve(),
        release: () => Promise.resolve(),
      },
      () => now,
    );
    expect(await brakes.inForce()).toHaveLength(1);
    now += 300_001;
    expect(await brakes.inForce()).toEqual([]);
  });
});

describe("transparency", () => {
  const notice = {
    disclosure: { kind: "notice", text: "Hablas con un asistente automático.", language: "es" },
  } as const;

  it.each([false, true])("marks answers and carries the notice (stream: %s)", async (streamed) => {
    const engine = streamed ? await fakeEngine(stream(chatEvents(["a"]))) : await fakeEngine();
    const under = await gatewayUnderTest([engine], (config) => ({ ...config, transparency: notice }));
    const { headers } = await under.post(CHAT, { ...question, stream: streamed });
    expect(headers.get("ai-disclosure")).toBe('mode=ai-originated, model="small"');
    expect(headers.get("x-ai-interaction")).toBe(
      "text*=UTF-8'es'Hablas%20con%20un%20asistente%20autom%C3%A1tico.",
    );
  });

  it("can be switched off, and says nothing then", async () => {
    const under = await gatewayUnderTest([await fakeEngine()], (config) => ({
      ...config,
      transparency: { marking: "none" },
    }));
    const { headers } = await under.post(CHAT, question);
    expect([headers.get("ai-disclosure"), headers.get("x-ai-interaction")]).toEqual([null, null]);
  });
});
