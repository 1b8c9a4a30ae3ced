import * as k8s from "@pulumi/kubernetes";
import { LlmopsComponent, type ComponentOptions } from "../component.ts";
import { accountingRules, type AccountingArgs } from "./accounting-rules.ts";

/** Rules of an environment and where they live. */
export interface CostAccountingArgs extends AccountingArgs {
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** Cost by the hour and client, the month so far and its forecast, as rules of Prometheus. */
export class CostAccounting extends LlmopsComponent {
  constructor(name: string, args: CostAccountingArgs, opts: ComponentOptions) {
    super("finops", "CostAccounting", name, opts);
    new k8s.apiextensions.CustomResource(
      this.childName("rules"),
      {
        apiVersion: "monitoring.coreos.com/v1",
        kind: "PrometheusRule",
        metadata: { name: "llmops-cost-accounting", namespace: args.namespace, labels: { ...args.labels } },
        spec: { groups: accountingRules(args) },
      },
      { parent: this },
    );
    this.registerOutputs({});
  }
}
