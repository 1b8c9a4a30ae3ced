import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { LlmopsComponent, type ComponentOptions } from "../component.ts";
import { executiveDashboard } from "./dashboards/executive.ts";
import { grafanaDashboard, runbookDashboard, type Runbook } from "./dashboards/grafana.ts";
import type { DashboardSpec } from "./dashboards/panel.ts";
import type { DashboardScope } from "./dashboards/scope.ts";
import { technicalDashboard } from "./dashboards/technical.ts";
import { MONITORING_NAMESPACE } from "./monitoring.ts";

/** What is shown, and what its panels link to. */
export interface DashboardsArgs {
  readonly scope: DashboardScope;
  /** Every page a panel names must be there. */
  readonly runbooks: readonly Runbook[];
  readonly labels: Readonly<Record<string, string>>;
}

/** The dashboards of an environment. */
export function dashboardsOf(scope: DashboardScope): readonly DashboardSpec[] {
  return [executiveDashboard(scope), technicalDashboard(scope)];
}

/**
 * Files of Grafana's JSON model by name.
 * @throws pulumi.InputPropertyError when a panel names a runbook that is not given
 */
export function dashboardFiles({
  scope,
  runbooks,
}: Pick<DashboardsArgs, "scope" | "runbooks">): Record<string, string> {
  const dashboards = dashboardsOf(scope);
  const names = new Set(runbooks.map(({ name }) => name));
  for (const { uid, groups } of dashboards)
    for (const { title, runbook } of groups.flatMap(({ panels }) => panels))
      if (!names.has(runbook))
        throw new pulumi.InputPropertyError({
          propertyPath: "runbooks",
          reason: `the panel '${title}' of ${uid} names the runbook '${runbook}', which is not given`,
        });
  const models = [...dashboards.map(grafanaDashboard), ...runbooks.map(runbookDashboard)];
  return Object.fromEntries(models.map((model) => [`${model.uid ?? ""}.json`, JSON.stringify(model)]));
}

/** Dashboards as ConfigMaps that Grafana's sidecar loads: one for each dashboard, one for all runbooks. */
export class Dashboards extends LlmopsComponent {
  /** @throws pulumi.InputPropertyError when a panel names a runbook that is not given */
  constructor(name: string, args: DashboardsArgs, opts: ComponentOptions) {
    const files = Object.entries(dashboardFiles(args));
    super("observability", "Dashboards", name, opts);
    const isRunbook = ([file]: readonly [string, string]): boolean => file.startsWith("llmops-runbook-");
    for (const file of files.filter((each) => !isRunbook(each)))
      this.#map(file[0].replace(/\.json$/, ""), [file], args);
    this.#map("llmops-runbooks", files.filter(isRunbook), args);
    this.registerOutputs({});
  }

  #map(name: string, files: readonly (readonly [string, string])[], { labels }: DashboardsArgs): void {
    new k8s.core.v1.ConfigMap(
      this.childName(name),
      {
        metadata: {
          name,
          namespace: MONITORING_NAMESPACE,
          labels: { ...labels, grafana_dashboard: "1" },
          annotations: { grafana_folder: "LLMOps" },
        },
        data: Object.fromEntries(files),
      },
      { parent: this },
    );
  }
}
