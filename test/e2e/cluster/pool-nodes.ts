import { instanceGpus } from "../../../components/gpu/accelerators.ts";
import { ofType, type ResourceGraph } from "../../../graph/graph.ts";
import type { KubeObject } from "./kube-object.ts";

interface Machine {
  readonly gpus: number;
  readonly vcpus: number;
  readonly memoryGiB: number;
}

/** Size of the machines of the shipped system pools; they have no GPU. Source: documentation of AWS and Google Cloud. */
const SYSTEM_MACHINES: Readonly<Record<string, Machine>> = {
  "m7i.xlarge": { gpus: 0, vcpus: 4, memoryGiB: 16 },
  "e2-standard-4": { gpus: 0, vcpus: 4, memoryGiB: 16 },
};

interface Taint {
  readonly key: string;
  readonly value: string;
  readonly effect: string;
}

interface PoolShape {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly taints: readonly Taint[];
  readonly machine: string;
}

interface KarpenterSpec {
  readonly template: {
    readonly metadata: { readonly labels: Readonly<Record<string, string>> };
    readonly spec: {
      readonly taints: readonly Taint[];
      readonly requirements: readonly { readonly key: string; readonly values: readonly string[] }[];
    };
  };
}

function effects(taints: readonly Taint[] = []): Taint[] {
  return taints.map((taint) => ({
    ...taint,
    effect: taint.effect === "NO_SCHEDULE" ? "NoSchedule" : taint.effect,
  }));
}

function karpenterPools(graph: ResourceGraph): PoolShape[] {
  return ofType(graph, "kubernetes:karpenter.sh/v1:NodePool").map(({ inputs }) => {
    const { template } = inputs["spec"] as unknown as KarpenterSpec;
    const { name } = inputs["metadata"] as unknown as { name: string };
    const required = Object.fromEntries(
      template.spec.requirements.map(({ key, values }) => [key, values[0] ?? ""]),
    );
    return {
      name,
      labels: { ...template.metadata.labels, ...required },
      taints: template.spec.taints,
      machine: required["node.kubernetes.io/instance-type"] ?? "",
    };
  });
}

function eksGroups(graph: ResourceGraph): PoolShape[] {
  return ofType(graph, "aws:eks/nodeGroup:NodeGroup").map(({ inputs }) => {
    const group = inputs as unknown as {
      nodeGroupName: string;
      labels: Record<string, string>;
      taints?: Taint[];
      instanceTypes: string[];
    };
    return {
      name: group.nodeGroupName,
      labels: group.labels,
      taints: effects(group.taints),
      machine: group.instanceTypes[0] ?? "",
    };
  });
}

function gkePools(graph: ResourceGraph): PoolShape[] {
  return ofType(graph, "gcp:container/nodePool:NodePool").map(({ inputs }) => {
    const { name, nodeConfig } = inputs as unknown as {
      name: string;
      nodeConfig: { labels: Record<string, string>; taints?: Taint[]; machineType: string };
    };
    return {
      name,
      labels: nodeConfig.labels,
      taints: effects(nodeConfig.taints),
      machine: nodeConfig.machineType,
    };
  });
}

/**
 * One node of every pool of a plan, with the labels, taints and size its machines will have.
 * @throws RangeError for a machine type whose size is not known
 */
export function nodesOf(graph: ResourceGraph): KubeObject[] {
  return [...karpenterPools(graph), ...eksGroups(graph), ...gkePools(graph)].map((pool) => {
    const machine: Machine | undefined =
      instanceGpus("aws", pool.machine) ?? instanceGpus("gcp", pool.machine) ?? SYSTEM_MACHINES[pool.machine];
    if (machine === undefined) throw new RangeError(`${pool.name}: size of '${pool.machine}' is not known`);
    const size = {
      cpu: `${machine.vcpus}`,
      memory: `${machine.memoryGiB}Gi`,
      pods: "58",
      "ephemeral-storage": "200Gi",
      ...("gpus" in machine ? { "nvidia.com/gpu": String(machine.gpus) } : {}),
    };
    return {
      apiVersion: "v1",
      kind: "Node",
      metadata: { name: pool.name, labels: { "kubernetes.io/hostname": pool.name, ...pool.labels } },
      spec: { taints: pool.taints },
      status: { capacity: size, allocatable: size, conditions: [{ type: "Ready", status: "True" }] },
    };
  });
}
