import type { IEC2NodeClass } from "@kubernetes-models/karpenter/karpenter.k8s.aws/v1/EC2NodeClass";
import type { INodePool } from "@kubernetes-models/karpenter/karpenter.sh/v1/NodePool";
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { LlmopsComponent, type ComponentOptions } from "../component.ts";
import {
  GPU_POOL_LABEL,
  gpuNodeLabels,
  gpuTaints,
  machinesName,
  validateGpuPool,
  type GpuPool,
} from "./gpu-pool.ts";
import { karpenterRungs, type KarpenterRungs } from "./ladder.ts";

/** A GPU pool as Karpenter NodePools. */
export interface KarpenterGpuPoolArgs {
  readonly clusterName: string;
  readonly pool: GpuPool;
  readonly nodeRoleName: string;
  readonly tags: Readonly<Record<string, string>>;
}

/**
 * Checks the arguments.
 * @throws pulumi.InputPropertyError naming the property.
 */
export function validateKarpenterGpuPoolArgs({ pool }: KarpenterGpuPoolArgs): void {
  validateGpuPool(pool, "aws");
  if (pool.capacity.includes("flex-start"))
    throw new pulumi.InputPropertyError({
      propertyPath: "pool.capacity",
      reason: "'flex-start' exists on GKE only",
    });
  if (pool.nodes.min > 0)
    throw new pulumi.InputPropertyError({
      propertyPath: "pool.nodes.min",
      reason: "Karpenter keeps no idle nodes; use provisioner 'node-group' for a floor of nodes",
    });
}

/** The object that describes the machines of a pool. */
export function ec2NodeClass(args: KarpenterGpuPoolArgs): IEC2NodeClass {
  const { pool } = args;
  return {
    apiVersion: "karpenter.k8s.aws/v1",
    kind: "EC2NodeClass",
    metadata: { name: `gpu-${machinesName(pool)}`, labels: { [GPU_POOL_LABEL]: pool.name } },
    spec: {
      role: args.nodeRoleName,
      // Karpenter takes the NVIDIA variant for GPU instances.
      amiSelectorTerms: [{ alias: `al2023@${pool.generation?.release ?? "latest"}` }],
      subnetSelectorTerms: [{ tags: { "karpenter.sh/discovery": args.clusterName } }],
      securityGroupSelectorTerms: [{ tags: { "aws:eks:cluster-name": args.clusterName } }],
      ...(pool.reservation === undefined
        ? {}
        : { capacityReservationSelectorTerms: [{ id: pool.reservation }] }),
      metadataOptions: { httpEndpoint: "enabled", httpTokens: "required", httpPutResponseHopLimit: 1 },
      blockDeviceMappings: [
        {
          deviceName: "/dev/xvda",
          ebs: {
            volumeSize: `${pool.diskGiB}Gi`,
            volumeType: "gp3",
            encrypted: true,
            deleteOnTermination: true,
          },
        },
      ],
      instanceStorePolicy: "RAID0",
      tags: { ...args.tags },
    },
  };
}

/** The object that lets Karpenter create nodes for some rungs of a pool's ladder, up to the pool's limit. */
export function nodePool(args: KarpenterGpuPoolArgs, { suffix, rungs, weight }: KarpenterRungs): INodePool {
  const { pool } = args;
  return {
    apiVersion: "karpenter.sh/v1",
    kind: "NodePool",
    metadata: { name: `gpu-${machinesName(pool)}-${suffix}`, labels: { [GPU_POOL_LABEL]: pool.name } },
    spec: {
      weight,
      limits: { "nvidia.com/gpu": pool.nodes.max * pool.gpusPerNode },
      disruption: {
        consolidationPolicy: "WhenEmpty",
        consolidateAfter: "10m",
        budgets: [{ nodes: "1" }],
      },
      template: {
        metadata: { labels: gpuNodeLabels(pool) },
        spec: {
          nodeClassRef: {
            group: "karpenter.k8s.aws",
            kind: "EC2NodeClass",
            name: `gpu-${machinesName(pool)}`,
          },
          taints: gpuTaints(pool),
          expireAfter: "Never",
          requirements: [
            { key: "karpenter.sh/capacity-type", operator: "In", values: [...rungs] },
            { key: "node.kubernetes.io/instance-type", operator: "In", values: [pool.instanceType] },
            { key: "topology.kubernetes.io/zone", operator: "In", values: [...pool.zones] },
            { key: "kubernetes.io/arch", operator: "In", values: ["amd64"] },
          ],
        },
      },
    },
  };
}

/** A GPU pool that Karpenter grows from zero along the capacity ladder and never beyond its limit of GPUs. */
export class KarpenterGpuPool extends LlmopsComponent {
  /** @throws pulumi.InputPropertyError for invalid arguments */
  constructor(name: string, args: KarpenterGpuPoolArgs, opts: ComponentOptions) {
    validateKarpenterGpuPoolArgs(args);
    super("gpu", "KarpenterGpuPool", name, opts);
    const machines = new k8s.apiextensions.CustomResource(this.childName("machines"), ec2NodeClass(args), {
      parent: this,
    });
    for (const rungs of karpenterRungs(args.pool.capacity))
      new k8s.apiextensions.CustomResource(this.childName(rungs.suffix), nodePool(args, rungs), {
        parent: this,
        dependsOn: machines,
      });
    this.registerOutputs({ pool: args.pool.name });
  }
}
