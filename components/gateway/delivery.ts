import type * as k8s from "@pulumi/kubernetes";
import { UNAWAITED } from "../unawaited.ts";

/** Which replicas get a new version of the gateway. */
export type GatewayDelivery =
  /** All, one after the other. */
  | { readonly strategy: "rolling" }
  /** The last ones; the others keep what they run until the strategy is rolling again. */
  | { readonly strategy: "canary"; readonly replicas: number };

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

/** `pulumi up` would wait in vain for replicas that a canary leaves alone. */
export function updateAnnotations({ strategy }: GatewayDelivery): Record<string, string> {
  return strategy === "canary" ? UNAWAITED : {};
}
