import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { alertRoutes } from "./alerts.ts";
import { platformRules, type AlertRule } from "./alert-rules.ts";

const ROOT = join(import.meta.dirname, "..", "..");
const groups = platformRules({ budgetUsd: 7300, pools: [{ name: "l4", usdPerHour: "1.25" }] });
const alerts = groups.flatMap(({ rules }) => rules).filter((rule): rule is AlertRule => "alert" in rule);

describe("the platform's alerts", () => {
  it("each have a runbook that names them, and no runbook names another", () => {
    const folder = join(ROOT, "docs", "runbooks");
    const named = readdirSync(folder).flatMap((file) => [
      ...new Set(readFileSync(join(folder, file), "utf8").match(/\bLlmops\w+/g)),
    ]);
    expect(named.sort()).toEqual(alerts.map(({ alert }) => alert).sort());
    for (const { annotations } of alerts) expect(existsSync(join(ROOT, annotations.runbook))).toBe(true);
  });

  it("count the budget by the hour and nodes at their price", () => {
    const cost = JSON.stringify(groups.find(({ name }) => name === "llmops-cost"));
    expect(cost).toContain("llmops:cost_usd:per_hour > 10.0000");
    expect(cost).toContain('count(kube_node_labels{label_llmops_io_gpu_pool=\\"l4\\"}) * 1.25');
  });
});

describe("routes", () => {
  it("send serious incidents at once, and alerts about cost to the gateway as well as to people", () => {
    const key = { name: "alerting", key: "gateway" };
    const routes = alertRoutes({
      receivers: [
        { kind: "pagerduty", routingKey: { name: "alerting", key: "pagerduty" } },
        { kind: "slack", webhook: { name: "alerting", key: "slack" }, channel: "#llmops" },
      ],
      throttle: { url: "http://gateway-admin.llm-gateway.svc/admin/alerts", key },
    });
    expect(routes).toMatchObject({
      route: {
        receiver: "people",
        routes: [
          {
            receiver: "gateway",
            continue: true,
            matchers: [{ name: "action", value: "throttle", matchType: "=" }],
          },
          {
            receiver: "people",
            groupWait: "0s",
            matchers: [{ name: "severity", value: "serious_incident", matchType: "=" }],
          },
        ],
      },
      receivers: [
        {
          name: "people",
          pagerdutyConfigs: [{ routingKey: { name: "alerting", key: "pagerduty" } }],
          slackConfigs: [{ apiURL: { name: "alerting", key: "slack" }, channel: "#llmops" }],
        },
        {
          name: "gateway",
          webhookConfigs: [{ httpConfig: { authorization: { type: "Bearer", credentials: key } } }],
        },
      ],
    });
  });

  it("go to people only, without a gateway to throttle", () => {
    const routes = alertRoutes({ receivers: [{ kind: "webhook", url: "https://hooks.example" }] });
    expect(JSON.stringify(routes)).not.toContain("gateway");
    expect(routes).toMatchObject({
      receivers: [{ name: "people", webhookConfigs: [{ url: "https://hooks.example", sendResolved: true }] }],
    });
  });
});
