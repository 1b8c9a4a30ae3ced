import { createHash } from "node:crypto";
import * as k8s from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";
import { gateContainer, type GateArgs } from "../delivery/gate.ts";

/** Which replicas get a new version of the gateway. */
export type GatewayDelivery =
  /** All, one after the other. */
  | { readonly strategy: "rolling" }
  /** The last ones; the others keep what they run until the strategy is rolling again. */
  | { readonly strategy: "canary"; readonly replicas: number };

/** What must be signed before a pod of the gateway starts: an evaluation of a model behind exactly its prompts and guardrails. */
export interface GatewayGate {
  readonly model: string;
  readonly gate: GateArgs;
  /** Text of the signed report; absent until it is in the repository, and then no pod starts. */
  readonly report?: string;
}

/** Seconds a new replica must have been ready before the next one is replaced. */
const SETTLED_SECONDS = 30;

/** How the controller replaces pods. */
export function updateStrategy(
  replicas: number,
  delivery: GatewayDelivery,
): Pick<k8s.types.input.apps.v1.StatefulSetSpec, "minReadySeconds" | "updateStrategy"> {
  const partition = delivery.strategy === "canary" ? replicas - delivery.replicas : 0;
  return {
    minReadySeconds: SETTLED_SECONDS,
    updateStrategy: { type: "RollingUpdate", rollingUpdate: { partition } },
  };
}

/** The engine would wait for replicas that a canary leaves alone. */
export function updateAnnotations({ strategy }: GatewayDelivery): Record<string, string> {
  return strategy === "canary" ? { "pulumi.com/skipAwait": "true" } : {};
}

/** Name of an object by its content: an earlier version of the pods still reads the earlier object. */
export function versioned(name: string, content: string): string {
  return `${name}-${createHash("sha256").update(content).digest("hex").slice(0, 10)}`;
}

/** Options of an object whose name carries its content: it outlives the version that made it, and ends with its namespace. */
export const KEPT_FOR_EARLIER_PODS = { retainOnDelete: true } as const;

const volumeOf = (model: string): string => `evaluation-${model}`;

function reportMap({ model, gate }: GatewayGate): string {
  return versioned(volumeOf(model), gate.evaluation.report);
}

/** Containers that run before the gateway, and the reports they read. A report that is not there keeps the pod from starting. */
export function gatePods(gates: readonly GatewayGate[]): {
  readonly initContainers: k8s.types.input.core.v1.Container[];
  readonly volumes: k8s.types.input.core.v1.Volume[];
} {
  return {
    initContainers: gates.map(({ model, gate }) =>
      gateContainer({ name: `gate-${model}`, volume: volumeOf(model), age: "any" }, gate),
    ),
    volumes: gates.map((each) => ({ name: volumeOf(each.model), configMap: { name: reportMap(each) } })),
  };
}

/** The signed reports that are in the repository, as files of the pods. */
export function gateReports(
  name: (suffix: string) => string,
  gates: readonly GatewayGate[],
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
              metadata: { ...metadata, name: reportMap(each) },
              immutable: true,
              data: { "report.json": each.report },
            },
            { ...opts, ...KEPT_FOR_EARLIER_PODS },
          ),
        ],
  );
}
