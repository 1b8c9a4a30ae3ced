import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, expect, it } from "vitest";
import { stringify } from "yaml";
import { alertRoutes } from "../../components/observability/alerts.ts";
import { alertmanagerFile, startAlertmanager } from "./cluster/alertmanager.ts";
import { Processes } from "./cluster/processes.ts";
import { shipped } from "../rules/environment.ts";

/** A notification as a receiver got it. */
interface Notification {
  readonly path: string;
  readonly authorization: string | undefined;
  readonly body: unknown;
}

const folder = mkdtempSync(join(tmpdir(), "llmops-receivers-"));
const processes = new Processes();
const seen: Notification[] = [];
let services: Server;
let alertmanager = "";

beforeAll(async () => {
  services = createServer((req, res) => {
    void text(req).then((body) => {
      seen.push({
        path: (req.url ?? "").split("?")[0] ?? "",
        authorization: req.headers.authorization,
        body: JSON.parse(body) as unknown,
      });
      res.writeHead(202, { "content-type": "application/json" }).end('{"status": "success"}');
    });
  });
  await new Promise<void>((resolve) => services.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(services.address() as AddressInfo).port}`;
  const routes = alertRoutes({
    receivers: [
      { kind: "pagerduty", routingKey: { name: "alerting", key: "pagerduty" } },
      { kind: "opsgenie", apiKey: { name: "alerting", key: "opsgenie" } },
      { kind: "slack", webhook: { name: "alerting", key: "slack" }, channel: "#llmops" },
      { kind: "webhook", url: `${url}/hook` },
    ],
  });
  const file = {
    // Where the services are; their real addresses are Alertmanager's own defaults.
    global: { pagerduty_url: `${url}/pagerduty`, opsgenie_api_url: `${url}/opsgenie/` },
    ...alertmanagerFile(routes, {
      "alerting/pagerduty": "routing-key",
      "alerting/opsgenie": "api-key",
      "alerting/slack": `${url}/slack`,
    }),
  };
  // What waits for five minutes waits for a second.
  const quick = stringify(file).replaceAll(/: (30s|5m|1m)\b/g, ": 1s");
  alertmanager = await startAlertmanager(processes, folder, quick);
});

afterAll(async () => {
  await processes.stopAll();
  services.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Tells Alertmanager of an alert of the shipped file as Prometheus does, from or until now. */
async function tell(alert: string, state: "firing" | "resolved"): Promise<void> {
  const rule = shipped().alerts.find(({ name }) => name === alert);
  if (rule === undefined) throw new Error(`there is no alert ${alert}`);
  const now = Date.now();
  const response = await fetch(`${alertmanager}/api/v2/alerts`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify([
      {
        labels: { alertname: alert, severity: rule.severity, signal: rule.signal },
        annotations: { summary: rule.summary, runbook_url: rule.runbookUrl },
        startsAt: new Date(now - 60_000).toISOString(),
        endsAt: new Date(state === "firing" ? now + 600_000 : now - 1_000).toISOString(),
      },
    ]),
  });
  expect(response.status).toBe(200);
}

async function received(count: number): Promise<Notification[]> {
  const deadline = Date.now() + 60_000;
  while (seen.length < count) {
    if (Date.now() > deadline) throw new Error(`${seen.length} of ${count}: ${JSON.stringify(seen)}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return seen.splice(0, count).sort((a, b) => a.path.localeCompare(b.path));
}

const having = (fields: object): unknown => expect.objectContaining(fields) as unknown;
const about = (alert: string): unknown => expect.stringContaining(alert) as unknown;

it("PagerDuty, Opsgenie, Slack and a webhook are told of an alert and of its end, each in its own form with its key", async () => {
  const alert = "LlmopsAuditNotReady";
  await tell(alert, "firing");
  const firing = await received(4);
  expect(firing).toEqual([
    { path: "/hook", authorization: undefined, body: having({ version: "4", status: "firing" }) },
    {
      path: "/opsgenie/v2/alerts",
      authorization: "GenieKey api-key",
      body: having({ message: about(alert) }),
    },
    {
      path: "/pagerduty",
      authorization: undefined,
      body: having({
        routing_key: "routing-key",
        event_action: "trigger",
        payload: having({ summary: about(alert) }),
      }),
    },
    {
      path: "/slack",
      authorization: undefined,
      body: having({ channel: "#llmops", attachments: [having({ title: about(alert) })] }),
    },
  ]);
  const [hook, , page] = firing.map(({ body }) => body as Record<string, unknown>);
  expect(hook?.["alerts"]).toEqual([
    having({
      annotations: having({ runbook_url: about("#llmopsauditnotready") }),
      labels: having({ alertname: alert, severity: "critical" }),
    }),
  ]);

  await tell(alert, "resolved");
  const resolved = await received(4);
  expect(resolved.map(({ path }) => path.replace(/[0-9a-f]{64}/, "<alias>"))).toEqual([
    "/hook",
    "/opsgenie/v2/alerts/<alias>/close",
    "/pagerduty",
    "/slack",
  ]);
  const [ended, , closed] = resolved.map(({ body }) => body as Record<string, unknown>);
  expect(ended?.["status"]).toBe("resolved");
  expect([closed?.["event_action"], closed?.["dedup_key"]]).toEqual(["resolve", page?.["dedup_key"]]);
});
