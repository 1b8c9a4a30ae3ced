import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { pinnedChart, type ChartName } from "../../charts/catalog.ts";
import { LlmopsComponent, type ComponentOptions } from "../component.ts";

/** A third-party chart to install. */
export interface HelmAddonArgs {
  readonly chart: ChartName;
  readonly namespace: string;
  /** Values of this environment; no top-level key may also be in the chart's `values.yaml`. @default {} */
  readonly values?: Readonly<Record<string, pulumi.Input<unknown>>>;
}

/** Seconds Helm waits for the chart's pods. */
const TIMEOUT_SECONDS = 600;

/**
 * Joins the pinned values and those of an environment.
 * @throws pulumi.InputPropertyError when both set a key, because one would silently lose.
 */
export function mergeValues(
  pinned: Readonly<Record<string, unknown>>,
  own: Readonly<Record<string, pulumi.Input<unknown>>>,
): Record<string, pulumi.Input<unknown>> {
  for (const key of Object.keys(own))
    if (key in pinned)
      throw new pulumi.InputPropertyError({
        propertyPath: `values.${key}`,
        reason: `'${key}' is already set in the chart's values.yaml`,
      });
  return { ...pinned, ...own };
}

/** A third-party operator: one Helm release at a pinned version, rolled back when it does not become ready. */
export class HelmAddon extends LlmopsComponent {
  readonly release: k8s.helm.v3.Release;

  /** @throws pulumi.InputPropertyError when a value is set twice */
  constructor(name: string, args: HelmAddonArgs, opts: ComponentOptions) {
    const { pin, values } = pinnedChart(args.chart);
    const merged = mergeValues(values, args.values ?? {});
    super("addon", "HelmAddon", name, opts);
    const location = pin.repository.startsWith("oci://")
      ? { chart: `${pin.repository}/${pin.name}` }
      : { chart: pin.name, repositoryOpts: { repo: pin.repository } };
    this.release = new k8s.helm.v3.Release(
      this.childName("release"),
      {
        ...location,
        name: args.chart,
        version: pin.version,
        namespace: args.namespace,
        values: merged,
        atomic: true,
        timeout: TIMEOUT_SECONDS,
      },
      { parent: this },
    );
    this.registerOutputs({ chart: args.chart, version: pin.version });
  }
}
