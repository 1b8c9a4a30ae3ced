import * as pulumi from "@pulumi/pulumi";
import { executiveDashboard } from "./executive.ts";
import { grafanaDashboard, runbookDashboard, type Runbook } from "./grafana.ts";
import type { DashboardSpec } from "./panel.ts";
import type { DashboardScope } from "./scope.ts";
import { technicalDashboard } from "./technical.ts";

/** What files are written from. */
export interface DashboardFilesArgs {
  readonly scope: DashboardScope;
  /** Every page a panel names must be there. */
  readonly runbooks: readonly Runbook[];
}

/** The dashboards of an environment. */
export function dashboardsOf(scope: DashboardScope): readonly DashboardSpec[] {
  return [executiveDashboard(scope), technicalDashboard(scope)];
}

/**
 * Files of Grafana's JSON model by name.
 * @throws pulumi.InputPropertyError when a panel names a runbook that is not given
 */
export function dashboardFiles({ scope, runbooks }: DashboardFilesArgs): Record<string, string> {
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
