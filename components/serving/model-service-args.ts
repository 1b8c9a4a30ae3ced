import type { ServedGate } from "../delivery/gate.ts";
import type { Delivery } from "../delivery/strategy.ts";
import type { Address } from "../network-policy.ts";
import type { ReplicaCache } from "./cache.ts";
import type { Engine, ModelSource } from "./engine.ts";

/** One model on the platform's own GPUs. */
export interface ModelServiceArgs {
  /** Served name, also the name of every object. */
  readonly model: string;
  /** Namespace of the tenant. */
  readonly namespace: string;
  readonly engine: Engine;
  readonly source: ModelSource;
  /** Node-local addresses of the agent that hands out its identity at the bucket of the weights. @default none */
  readonly identity?: readonly Address[];
  /** What a new replica finds of earlier ones' downloads and kernels. @default none */
  readonly cache?: ReplicaCache;
  /** Most replicas of the autoscaler: an update replaces them in turns, and is waited for as long. */
  readonly maxReplicas: number;
  /** GPUs of one node a layer is divided over. */
  readonly tensorParallel: number;
  /** Nodes the layers of one replica are divided over. */
  readonly nodes: number;
  /** Size of the weights, GiB; main memory is sized for loading them. */
  readonly weightsGiB: number;
  /** Labels of the nodes it may run on. */
  readonly nodeSelector: Readonly<Record<string, string>>;
  /** What one replica gets of a node; absent where the node is unknown. */
  readonly share?: { readonly cpus: number; readonly memoryGiB: number };
  readonly termination: Termination;
  /** How a new version takes over. @default rolling, in place */
  readonly delivery?: Delivery;
  /** Evaluations of the weights, and of each adapter with them, without which no pod starts; empty where they are advice. */
  readonly gates: readonly ServedGate[];
  /** Whether the engine sends spans to the collectors; its image must have OpenTelemetry's packages. @default "off" */
  readonly spans?: "on" | "off";
  readonly labels: Readonly<Record<string, string>>;
}

/** How a replica ends without dropping a request. */
export interface Termination {
  /** Seconds between leaving the endpoints and SIGTERM. */
  readonly preStopSeconds: number;
  /** Seconds running requests get after SIGTERM. */
  readonly drainSeconds: number;
  /** Seconds until the kubelet kills the pod. */
  readonly gracePeriodSeconds: number;
}
