import * as k8s from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";
import { gateContainer, volumeOf, type GatePlace, type ServedGate } from "./gate.ts";
import { UNAWAITED } from "../unawaited.ts";
import { KEPT_FOR_EARLIER_PODS, versioned } from "./versioned.ts";

/** Gates of the pods at one place. */
export interface PodGates {
  readonly place: Exclude<GatePlace, "delivery">;
  readonly gates: readonly ServedGate[];
}

/** A pod of an engine takes a newer report about the same weights, and does not start again for it. */
function reportMap(place: PodGates["place"], { model, gate }: ServedGate): string {
  return versioned(volumeOf(model), place === "engine" ? gate.served.model : gate.evaluation.report);
}

/** Containers that run before the pod's own, and the reports they read. A report that is not there keeps the pod from starting. */
export function gatePods({ place, gates }: PodGates): {
  readonly initContainers: k8s.types.input.core.v1.Container[];
  readonly volumes: k8s.types.input.core.v1.Volume[];
} {
  return {
    initContainers: gates.map(({ model, gate }) =>
      gateContainer({ name: `gate-${model}`, volume: volumeOf(model), place }, gate),
    ),
    volumes: gates.map((each) => ({
      name: volumeOf(each.model),
      configMap: { name: reportMap(place, each) },
    })),
  };
}

/** Annotations of what waits for such pods: while a report is in nobody's repository none starts, and `pulumi up` would wait in vain. */
export function untilSigned(gates: readonly ServedGate[]): Record<string, string> {
  return gates.some(({ report }) => report === undefined) ? UNAWAITED : {};
}

/** The signed reports that are in the repository, as files of the pods. */
export function gateReports(
  name: (suffix: string) => string,
  { place, gates }: PodGates,
  metadata: Omit<k8s.types.input.meta.v1.ObjectMeta, "name">,
  opts: pulumi.CustomResourceOptions,
): k8s.core.v1.ConfigMap[] {
  return gates.flatMap((each) =>
    each.report === undefined
      ? []
      : [
          new k8s.core.v1.ConfigMap(
            name(volumeOf(each.model)),
            {
              metadata: { ...metadata, name: reportMap(place, each) },
              ...(place === "engine" ? {} : { immutable: true }),
              data: { "report.json": each.report },
            },
            { ...opts, ...KEPT_FOR_EARLIER_PODS },
          ),
        ],
  );
}
