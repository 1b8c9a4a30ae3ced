import { describe, expect, it } from "vitest";
import { alertRoutes } from "./alerts.ts";

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
          { receiver: "people" },
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

  it("send what asks for a loop to its controller, and to people too", () => {
    const key = { name: "loops-token", key: "token" };
    const routes = alertRoutes({
      receivers: [{ kind: "webhook", url: "https://hooks.example" }],
      loops: { url: "http://loops.loops.svc/alerts", key },
    });
    expect(routes).toMatchObject({
      route: {
        routes: [
          { receiver: "loops", continue: true, matchers: [{ name: "action", value: "rollback" }] },
          { receiver: "loops", continue: true, matchers: [{ name: "action", value: "retrain" }] },
          { matchers: [{ name: "severity", value: "serious_incident" }] },
          { receiver: "people" },
        ],
      },
      receivers: [
        { name: "people" },
        {
          name: "loops",
          webhookConfigs: [{ httpConfig: { authorization: { type: "Bearer", credentials: key } } }],
        },
      ],
    });
  });
});
