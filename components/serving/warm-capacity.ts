import * as k8s from "@pulumi/kubernetes";
import { LlmopsComponent, type ComponentOptions } from "../component.ts";
import { ENGINE_USER } from "./engine.ts";
import type { ReplicaResources } from "./resources.ts";
import { restrictedContainer, restrictedPod } from "../restricted.ts";
import { UNAWAITED } from "../unawaited.ts";

/** Priority of pods that give way to every other; the cluster autoscaler ignores pods below -10. */
const PRIORITY = -5;

/** Name of the priority class. */
export const WARM_PRIORITY_CLASS = "llmops-warm-capacity";

/**
 * The priority class of warm capacity, once per cluster.
 * @see https://kubernetes.io/docs/concepts/scheduling-eviction/pod-priority-preemption/
 */
export function warmPriorityClass(
  name: string,
  opts: { readonly provider: k8s.Provider },
): k8s.scheduling.v1.PriorityClass {
  return new k8s.scheduling.v1.PriorityClass(
    name,
    {
      metadata: { name: WARM_PRIORITY_CLASS },
      value: PRIORITY,
      preemptionPolicy: "Never",
      description: "Holds GPU nodes for replicas that are not needed yet; gives way to every other pod.",
    },
    opts,
  );
}

/** Places kept free for replicas of one model. */
export interface WarmCapacityArgs {
  /** Model the places are for. */
  readonly model: string;
  readonly namespace: string;
  /** Image of the engine, so that a node that is held has it already. */
  readonly image: string;
  /** Places, each of the size of one replica. */
  readonly replicas: number;
  readonly gpus: number;
  readonly resources: ReplicaResources;
  readonly nodeSelector: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
}

/**
 * GPU nodes with the engine's image, held by sleeping pods that a real replica displaces: a start then takes the time of
 * loading weights, not of a node and its image as well. A held node costs what a busy one costs.
 */
export class WarmCapacity extends LlmopsComponent {
  constructor(name: string, args: WarmCapacityArgs, opts: ComponentOptions) {
    super("serving", "WarmCapacity", name, opts);
    const selector = { "llmops.io/warm-capacity": args.model };
    const { cpus, memoryGiB } = args.resources;
    new k8s.apps.v1.Deployment(
      this.childName("places"),
      {
        metadata: {
          name: `${args.model}-warm`,
          namespace: args.namespace,
          // Real replicas may take the places at any time, so they need not all be there at once.
          annotations: UNAWAITED,
          labels: { ...args.labels, ...selector },
        },
        spec: {
          replicas: args.replicas,
          selector: { matchLabels: selector },
          template: {
            metadata: { labels: { ...args.labels, ...selector } },
            spec: {
              priorityClassName: WARM_PRIORITY_CLASS,
              // The GPU must be free at once for the replica that displaces it.
              terminationGracePeriodSeconds: 0,
              automountServiceAccountToken: false,
              enableServiceLinks: false,
              nodeSelector: args.nodeSelector,
              tolerations: [{ key: "nvidia.com/gpu", operator: "Exists", effect: "NoSchedule" }],
              securityContext: restrictedPod(ENGINE_USER),
              containers: [
                {
                  name: "place",
                  image: args.image,
                  command: ["sleep", "infinity"],
                  resources: {
                    requests: { cpu: `${cpus}`, memory: `${memoryGiB}Gi` },
                    limits: { memory: `${memoryGiB}Gi`, "nvidia.com/gpu": `${args.gpus}` },
                  },
                  securityContext: restrictedContainer(),
                },
              ],
            },
          },
        },
      },
      { parent: this },
    );
    this.registerOutputs({});
  }
}
