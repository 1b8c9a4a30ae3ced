import * as pulumi from "@pulumi/pulumi";
import type { ModelServiceArgs } from "./model-service-args.ts";

/** Main memory an engine needs besides its weights, GiB. */
const LEAST_MEMORY_GIB = 16;

/** Main memory for streaming weights in, as a multiple of their size. */
const WEIGHT_BUFFER = 1.2;

/** CPU cores and main memory of one replica on each of its nodes. */
export interface ReplicaResources {
  readonly cpus: number;
  readonly memoryGiB: number;
}

/**
 * Cores and memory of a replica on each of its nodes: what the engine wants, but no more than its share of the node.
 * @throws pulumi.InputPropertyError when the node's memory cannot hold the weights while they load
 */
export function replicaResources(
  args: Pick<ModelServiceArgs, "tensorParallel" | "nodes" | "weightsGiB" | "share">,
): ReplicaResources {
  const cpus = 4 + 2 * args.tensorParallel;
  const memoryGiB = Math.ceil(Math.max(LEAST_MEMORY_GIB, (args.weightsGiB / args.nodes) * WEIGHT_BUFFER));
  if (args.share === undefined) return { cpus, memoryGiB };
  if (memoryGiB > args.share.memoryGiB)
    throw new pulumi.InputPropertyError({
      propertyPath: "share.memoryGiB",
      reason: `${memoryGiB} GiB to load ${(args.weightsGiB / args.nodes).toFixed(1)} GiB of weights > ${args.share.memoryGiB} GiB of the node`,
    });
  return { cpus: Math.max(1, Math.min(cpus, args.share.cpus)), memoryGiB };
}
