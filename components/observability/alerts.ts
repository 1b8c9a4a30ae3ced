import * as k8s from "@pulumi/kubernetes";
import type { RuleGroup } from "../../monitoring/rule.ts";
import { LlmopsComponent, type ComponentOptions } from "../component.ts";
import { MONITORING_NAMESPACE } from "./address.ts";

/** Reference to a Secret that somebody else fills. */
interface SecretKey {
  readonly name: string;
  readonly key: string;
}

/** Where alerts go. */
export type AlertReceiver =
  | { readonly kind: "pagerduty"; readonly routingKey: SecretKey }
  | { readonly kind: "opsgenie"; readonly apiKey: SecretKey }
  | { readonly kind: "slack"; readonly webhook: SecretKey; readonly channel: string }
  | { readonly kind: "webhook"; readonly url: string };

/** Rules and routes of an environment. */
export interface AlertsArgs {
  /** Groups of the compiled pipeline. */
  readonly groups: readonly RuleGroup[];
  readonly receivers: readonly AlertReceiver[];
  /** Where alerts about cost ask for throttling. */
  readonly throttle?: { readonly url: string; readonly key: SecretKey };
  /** Where alerts that ask for retraining or going back are decided. */
  readonly loops?: { readonly url: string; readonly key: SecretKey };
  readonly labels: Readonly<Record<string, string>>;
}

/** Fields of a receiver in an AlertmanagerConfig. @see https://prometheus-operator.dev/docs/api-reference/api/ */
function receiverFields(receiver: AlertReceiver): Record<string, unknown> {
  switch (receiver.kind) {
    case "pagerduty":
      return { routingKey: receiver.routingKey, sendResolved: true };
    case "opsgenie":
      return { apiKey: receiver.apiKey, sendResolved: true };
    case "slack":
      return { apiURL: receiver.webhook, channel: receiver.channel, sendResolved: true };
    case "webhook":
      return { url: receiver.url, sendResolved: true };
  }
}

function peopleReceiver(receivers: readonly AlertReceiver[]): Record<string, unknown> {
  const kinds = [...new Set(receivers.map(({ kind }) => kind))];
  return Object.fromEntries(
    kinds.map((kind) => [
      `${kind}Configs`,
      receivers.filter((receiver) => receiver.kind === kind).map(receiverFields),
    ]),
  );
}

/** Body of the AlertmanagerConfig: serious incidents at once, the rest in groups, throttling to the gateway. */
export function alertRoutes({
  receivers,
  throttle,
  loops,
}: Pick<AlertsArgs, "receivers" | "throttle" | "loops">): object {
  const webhook = (name: string, target: AlertsArgs["throttle"]): object[] =>
    target === undefined
      ? []
      : [
          {
            name,
            webhookConfigs: [
              {
                url: target.url,
                sendResolved: true,
                httpConfig: { authorization: { type: "Bearer", credentials: target.key } },
              },
            ],
          },
        ];
  const matching = (name: string, value: string): object => ({ name, value, matchType: "=" });
  const asking = (receiver: string, action: string): object => ({
    receiver,
    matchers: [matching("action", action)],
    groupWait: "0s",
    repeatInterval: "30m",
    continue: true,
  });
  return {
    route: {
      receiver: "people",
      groupBy: ["alertname"],
      groupWait: "30s",
      groupInterval: "5m",
      repeatInterval: "4h",
      routes: [
        ...(throttle === undefined ? [] : [asking("gateway", "throttle")]),
        ...(loops === undefined ? [] : [asking("loops", "rollback"), asking("loops", "retrain")]),
        {
          receiver: "people",
          matchers: [matching("severity", "serious_incident")],
          groupWait: "0s",
          groupInterval: "1m",
          repeatInterval: "1h",
        },
        // An alert that a route took and passed on reaches people only through a route of their own.
        { receiver: "people" },
      ],
    },
    receivers: [
      { name: "people", ...peopleReceiver(receivers) },
      ...webhook("gateway", throttle),
      ...webhook("loops", loops),
    ],
  };
}

/** Alerts of the platform and, with receivers, where they go. */
export class Alerts extends LlmopsComponent {
  constructor(name: string, args: AlertsArgs, opts: ComponentOptions) {
    super("observability", "Alerts", name, opts);
    const metadata = { name: "llmops", namespace: MONITORING_NAMESPACE, labels: { ...args.labels } };
    new k8s.apiextensions.CustomResource(
      this.childName("rules"),
      {
        apiVersion: "monitoring.coreos.com/v1",
        kind: "PrometheusRule",
        metadata,
        spec: { groups: args.groups },
      },
      { parent: this },
    );
    if (args.receivers.length > 0 || args.throttle !== undefined || args.loops !== undefined)
      new k8s.apiextensions.CustomResource(
        this.childName("routes"),
        {
          apiVersion: "monitoring.coreos.com/v1alpha1",
          kind: "AlertmanagerConfig",
          metadata,
          spec: alertRoutes(args),
        },
        { parent: this },
      );
    this.registerOutputs({});
  }
}
