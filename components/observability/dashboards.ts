import * as k8s from "@pulumi/kubernetes";
import { LlmopsComponent, type ComponentOptions } from "../component.ts";
import { dashboardFiles, type DashboardFilesArgs } from "./dashboards/files.ts";
import { MONITORING_NAMESPACE } from "./address.ts";

/** What is shown, and what its panels link to. */
export interface DashboardsArgs extends DashboardFilesArgs {
  readonly labels: Readonly<Record<string, string>>;
  /** Folder in Grafana. */
  readonly folder: string;
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

  #map(
    name: string,
    files: readonly (readonly [string, string])[],
    { labels, folder }: DashboardsArgs,
  ): void {
    new k8s.core.v1.ConfigMap(
      this.childName(name),
      {
        metadata: {
          name,
          namespace: MONITORING_NAMESPACE,
          labels: { ...labels, grafana_dashboard: "1" },
          annotations: { grafana_folder: folder },
        },
        data: Object.fromEntries(files),
      },
      { parent: this },
    );
  }
}
