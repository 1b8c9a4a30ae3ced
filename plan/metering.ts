import type { ResourceGraph, ResourceNode } from "../graph/graph.ts";
import { isRecord, isUnknown, valueAt, type GraphValue } from "../graph/values.ts";
import { machineSku, serviceSku, type Purchase } from "../pricing/price.ts";
import { costClassOf } from "../pricing/resource-types.ts";

/** Number of priced units and what they are. */
export interface Units {
  readonly sku: string;
  /** Units that run at the same time. */
  readonly quantity: number;
}

/** Something that costs by the hour. */
export interface MeteredItem {
  readonly urn: string;
  readonly name: string;
  /** What it is, for a reader. */
  readonly what: string;
  /** GPU pool whose nodes it is for; absent for everything else. */
  readonly pool?: string;
  readonly units: { readonly min: Units; readonly expected: Units; readonly max: Units };
}

/** Size of a GPU pool that only the configuration knows. */
export interface PoolSize {
  /** Nodes that the models' least replicas need at the quietest hour. */
  readonly floor: number;
  /** Nodes on an ordinary day. */
  readonly expected: number;
  /** Rung the nodes come from while it has capacity. */
  readonly firstRung: string;
  readonly gpusPerNode: number;
}

/** What the graph alone does not say. */
export interface MeterOptions {
  readonly cloud: "aws" | "gcp";
  readonly region: string;
  /** Nodes without GPU on an ordinary day. */
  readonly systemNodesExpected: number;
  readonly pools: Readonly<Record<string, PoolSize>>;
}

/** A cloud resource that nobody has said the cost of. */
export class UnclassifiedResourceError extends Error {
  override readonly name = "UnclassifiedResourceError";
}

/** An input the cost depends on is missing or unknown. */
export class UnmeterableResourceError extends Error {
  override readonly name = "UnmeterableResourceError";

  constructor(node: ResourceNode, path: string, value: GraphValue | undefined) {
    super(
      `${node.urn}: ${path} = ${value === undefined ? "(missing)" : JSON.stringify(value)}, so its cost cannot be known`,
    );
  }
}

/** A group of equal nodes. */
interface NodeGroup {
  readonly machine: string;
  readonly min: number;
  readonly max: number;
  /** Rungs the group can use, the one it takes first at the front. */
  readonly rungs: readonly string[];
  /** Pool of a GPU group. */
  readonly pool: string | undefined;
  /** Boot disk of each node, GiB. */
  readonly diskGiB: number;
  /** Whether new pods may come; machines that wait for an exchange of nodes have none. */
  readonly state: "serving" | "standby" | "retiring";
}

const POOL_LABEL = "llmops.io/gpu-pool";
const GENERATION_TAINT = "llmops.io/generation";

function at(node: ResourceNode, path: string): GraphValue | undefined {
  return valueAt(node.inputs, path);
}

function numberAt(node: ResourceNode, path: string): number {
  const value = at(node, path);
  if (typeof value !== "number") throw new UnmeterableResourceError(node, path, value);
  return value;
}

function textAt(node: ResourceNode, path: string): string {
  const value = at(node, path);
  if (typeof value !== "string") throw new UnmeterableResourceError(node, path, value);
  return value;
}

function listAt(node: ResourceNode, path: string): readonly GraphValue[] {
  const value = at(node, path);
  if (!Array.isArray(value)) throw new UnmeterableResourceError(node, path, value);
  return value as readonly GraphValue[];
}

function label(node: ResourceNode, path: string): string | undefined {
  const labels = at(node, path);
  const value = isRecord(labels) ? labels[POOL_LABEL] : undefined;
  if (isUnknown(value)) throw new UnmeterableResourceError(node, `${path}["${POOL_LABEL}"]`, value);
  return typeof value === "string" ? value : undefined;
}

/** State that the taints of a group's nodes tell. */
function stateOf(node: ResourceNode, path: string): NodeGroup["state"] {
  const taints = at(node, path);
  if (!Array.isArray(taints)) return "serving";
  const found = (taints as readonly GraphValue[]).find(
    (taint) => isRecord(taint) && taint["key"] === GENERATION_TAINT,
  );
  const value = isRecord(found) ? found["value"] : "serving";
  if (value === "serving" || value === "standby" || value === "retiring") return value;
  throw new UnmeterableResourceError(node, path, value);
}

function neighbour(
  graph: ResourceGraph,
  node: ResourceNode,
  urns: readonly string[],
  type: string,
): ResourceNode {
  const found = graph.nodes.find((candidate) => candidate.type === type && urns.includes(candidate.urn));
  if (found === undefined) throw new UnmeterableResourceError(node, `dependency on a ${type}`, undefined);
  return found;
}

function eksNodeGroup(graph: ResourceGraph, node: ResourceNode): NodeGroup {
  const template = neighbour(
    graph,
    node,
    node.propertyDependencies["launchTemplate"] ?? [],
    "aws:ec2/launchTemplate:LaunchTemplate",
  );
  const reserved = at(template, "capacityReservationSpecification") !== undefined;
  const rung = textAt(node, "capacityType") === "SPOT" ? "spot" : reserved ? "reserved" : "on-demand";
  return {
    machine: textAt(node, "instanceTypes.0"),
    min: numberAt(node, "scalingConfig.minSize"),
    max: numberAt(node, "scalingConfig.maxSize"),
    rungs: [rung],
    pool: label(node, "labels"),
    state: stateOf(node, "taints"),
    diskGiB: numberAt(template, "blockDeviceMappings.0.ebs.volumeSize"),
  };
}

function karpenterRequirement(node: ResourceNode, key: string): readonly string[] {
  const requirements = at(node, "spec.template.spec.requirements");
  const found = Array.isArray(requirements)
    ? (requirements as readonly GraphValue[]).find((entry) => isRecord(entry) && entry["key"] === key)
    : undefined;
  const values = isRecord(found) ? found["values"] : undefined;
  if (!Array.isArray(values) || values.some((value) => typeof value !== "string"))
    throw new UnmeterableResourceError(node, `requirement ${key}`, values);
  return values as readonly string[];
}

function karpenterNodePool(graph: ResourceGraph, node: ResourceNode, options: MeterOptions): NodeGroup {
  const machines = neighbour(graph, node, node.dependencies, "kubernetes:karpenter.k8s.aws/v1:EC2NodeClass");
  const types = karpenterRequirement(node, "node.kubernetes.io/instance-type");
  const [machine] = types;
  if (machine === undefined || types.length !== 1)
    throw new UnmeterableResourceError(node, "requirement node.kubernetes.io/instance-type", [...types]);
  const pool = label(node, "metadata.labels");
  const gpusPerNode = pool === undefined ? undefined : options.pools[pool]?.gpusPerNode;
  if (gpusPerNode === undefined)
    throw new UnmeterableResourceError(node, `metadata.labels["${POOL_LABEL}"]`, pool ?? null);
  const limits = at(node, "spec.limits");
  const gpus = isRecord(limits) ? limits["nvidia.com/gpu"] : undefined;
  if (typeof gpus !== "number")
    throw new UnmeterableResourceError(node, 'spec.limits["nvidia.com/gpu"]', gpus);
  return {
    machine,
    min: 0,
    max: Math.floor(gpus / gpusPerNode),
    rungs: karpenterRequirement(node, "karpenter.sh/capacity-type"),
    pool,
    state: stateOf(node, "spec.template.spec.taints"),
    diskGiB: Number(textAt(machines, "spec.blockDeviceMappings.0.ebs.volumeSize").replace(/Gi$/, "")),
  };
}

function gkeNodePool(node: ResourceNode): NodeGroup {
  const affinity = at(node, "nodeConfig.reservationAffinity.consumeReservationType");
  const rung =
    at(node, "nodeConfig.spot") === true
      ? "spot"
      : at(node, "nodeConfig.flexStart") === true
        ? "flex-start"
        : affinity === "SPECIFIC_RESERVATION"
          ? "reserved"
          : "on-demand";
  return {
    machine: textAt(node, "nodeConfig.machineType"),
    min: numberAt(node, "autoscaling.totalMinNodeCount"),
    max: numberAt(node, "autoscaling.totalMaxNodeCount"),
    rungs: [rung],
    pool: label(node, "nodeConfig.labels"),
    state: stateOf(node, "nodeConfig.taints"),
    diskGiB: numberAt(node, "nodeConfig.diskSizeGb"),
  };
}

/**
 * Nodes of a group at the quietest hour and on an ordinary day: all of its pool's where the group serves the pool's first rung,
 * else only what the group itself never goes below. Old and new machines of an exchange both count while both may have pods.
 */
function usualNodes(
  group: NodeGroup,
  options: MeterOptions,
): { readonly min: number; readonly expected: number } {
  const { min, max } = group;
  if (group.pool === undefined) return { min, expected: options.systemNodesExpected };
  const pool = options.pools[group.pool];
  if (pool === undefined) return { min, expected: max };
  if (group.state === "standby" || !group.rungs.includes(pool.firstRung)) return { min, expected: min };
  const floor = Math.min(max, Math.max(min, pool.floor));
  return { min: floor, expected: Math.max(floor, pool.expected) };
}

function nodeItems(
  cloud: "aws" | "gcp",
  node: ResourceNode,
  group: NodeGroup,
  options: MeterOptions,
): MeteredItem[] {
  const { min, expected } = usualNodes(group, options);
  const pool = group.pool === undefined ? {} : { pool: group.pool };
  const sku = (purchase: Purchase): string => machineSku(cloud, options.region, group.machine, purchase);
  // A spot price may rise to the on-demand price, so only the expected figure uses it.
  const usual = group.rungs[0] === "spot" ? sku("spot") : sku("on-demand");
  const disk = serviceSku(cloud, options.region, "disk-gib");
  return [
    {
      urn: node.urn,
      name: node.name,
      what: `${group.machine}, ${group.rungs.join(" or ")}, ${min} to ${group.max} nodes`,
      ...pool,
      units: {
        min: { sku: usual, quantity: min },
        expected: { sku: usual, quantity: expected },
        max: { sku: sku("on-demand"), quantity: group.max },
      },
    },
    {
      urn: node.urn,
      name: node.name,
      what: `boot disks, ${group.diskGiB} GiB each`,
      ...pool,
      units: {
        min: { sku: disk, quantity: min * group.diskGiB },
        expected: { sku: disk, quantity: expected * group.diskGiB },
        max: { sku: disk, quantity: group.max * group.diskGiB },
      },
    },
  ];
}

function constant(node: ResourceNode, what: string, sku: string, quantity: number): MeteredItem[] {
  const units = { sku, quantity };
  return [{ urn: node.urn, name: node.name, what, units: { min: units, expected: units, max: units } }];
}

/** Volumes that a set of pods claims, one of each kind per replica. */
function volumeItems(node: ResourceNode, { cloud, region }: MeterOptions): MeteredItem[] {
  const claims = at(node, "spec.volumeClaimTemplates");
  if (claims === undefined) return [];
  if (!Array.isArray(claims)) throw new UnmeterableResourceError(node, "spec.volumeClaimTemplates", claims);
  const replicas = numberAt(node, "spec.replicas");
  return claims.flatMap((_claim, index) => {
    const size = sizeAt(node, `spec.volumeClaimTemplates.${index}.spec.resources.requests.storage`);
    const sku = serviceSku(cloud, region, "disk-gib");
    return constant(node, `volumes, ${size} GiB each`, sku, replicas * size);
  });
}

/** A claimed volume; one that many nodes write to is a file system, not a disk. */
function claimItems(node: ResourceNode, { cloud, region }: MeterOptions): MeteredItem[] {
  const size = sizeAt(node, "spec.resources.requests.storage");
  const shared = textAt(node, "spec.accessModes.0") === "ReadWriteMany";
  return constant(
    node,
    shared ? `shared file system of ${size} GiB` : `volume of ${size} GiB`,
    serviceSku(cloud, region, shared ? "shared-file-gib" : "disk-gib"),
    size,
  );
}

/** Where charts say that they claim a volume. */
const PERSISTENCE = ["values.persistence", "values.singleBinary.persistence"];

/** Where kube-prometheus-stack says that each Prometheus claims a volume. */
const PROMETHEUS = "values.prometheus.prometheusSpec";

function sizeAt(node: ResourceNode, path: string): number {
  const size = /^(\d+)Gi$/.exec(textAt(node, path))?.[1];
  if (size === undefined) throw new UnmeterableResourceError(node, path, at(node, path));
  return Number(size);
}

function releaseVolumes(node: ResourceNode, { cloud, region }: MeterOptions): MeteredItem[] {
  const sku = serviceSku(cloud, region, "disk-gib");
  const single = PERSISTENCE.filter((path) => at(node, `${path}.enabled`) === true).flatMap((path) => {
    const size = sizeAt(node, `${path}.size`);
    return constant(node, `volume of ${size} GiB`, sku, size);
  });
  const claim = `${PROMETHEUS}.storageSpec.volumeClaimTemplate`;
  if (at(node, claim) === undefined) return single;
  const size = sizeAt(node, `${claim}.spec.resources.requests.storage`);
  const replicas = numberAt(node, `${PROMETHEUS}.replicas`);
  return [...single, ...constant(node, `volumes, ${size} GiB each`, sku, replicas * size)];
}

/** A load balancer, and an address in each of its subnets where it is on the internet. */
function awsBalancer(node: ResourceNode, region: string): MeteredItem[] {
  const internal = at(node, "internal");
  if (typeof internal !== "boolean") throw new UnmeterableResourceError(node, "internal", internal);
  return [
    ...constant(node, "load balancer", serviceSku("aws", region, "load-balancer"), 1),
    ...(internal
      ? []
      : constant(
          node,
          "public IPv4 addresses of a load balancer",
          serviceSku("aws", region, "public-ipv4"),
          listAt(node, "subnets").length,
        )),
  ];
}

function itemsOf(graph: ResourceGraph, node: ResourceNode, options: MeterOptions): MeteredItem[] {
  const { region } = options;
  switch (node.type) {
    case "aws:eks/nodeGroup:NodeGroup":
      return nodeItems("aws", node, eksNodeGroup(graph, node), options);
    case "kubernetes:karpenter.sh/v1:NodePool":
      return nodeItems("aws", node, karpenterNodePool(graph, node, options), options);
    case "gcp:container/nodePool:NodePool":
      return nodeItems("gcp", node, gkeNodePool(node), options);
    case "aws:eks/cluster:Cluster":
      return constant(node, "EKS control plane", serviceSku("aws", region, "cluster"), 1);
    case "gcp:container/cluster:Cluster":
      return constant(node, "GKE control plane", serviceSku("gcp", region, "cluster"), 1);
    case "aws:ec2/natGateway:NatGateway":
      return constant(node, "NAT gateway", serviceSku("aws", region, "nat-gateway"), 1);
    case "gcp:compute/routerNat:RouterNat":
      return constant(node, "Cloud NAT", serviceSku("gcp", region, "nat-gateway"), 1);
    case "aws:ec2/eip:Eip":
      return constant(node, "public IPv4 address", serviceSku("aws", region, "public-ipv4"), 1);
    case "aws:kms/key:Key":
      return constant(node, "encryption key", serviceSku("aws", region, "encryption-key"), 1);
    case "gcp:kms/cryptoKey:CryptoKey":
      return constant(node, "encryption key", serviceSku("gcp", region, "encryption-key"), 1);
    case "aws:ec2/vpcEndpoint:VpcEndpoint": {
      if (textAt(node, "vpcEndpointType") === "Gateway") return [];
      const subnets = listAt(node, "subnetIds");
      return constant(
        node,
        `interface endpoint in ${subnets.length} zones`,
        serviceSku("aws", region, "interface-endpoint"),
        subnets.length,
      );
    }
    case "aws:lb/loadBalancer:LoadBalancer":
      return awsBalancer(node, region);
    case "kubernetes:gateway.networking.k8s.io/v1:Gateway":
      return constant(node, "load balancer", serviceSku(options.cloud, region, "load-balancer"), 1);
    case "gcp:compute/regionSecurityPolicy:RegionSecurityPolicy":
      return [
        ...constant(node, "firewall policy", serviceSku("gcp", region, "firewall-policy"), 1),
        ...constant(
          node,
          "rules of a firewall policy",
          serviceSku("gcp", region, "firewall-rule"),
          listAt(node, "rules").length,
        ),
      ];
    case "kubernetes:apps/v1:StatefulSet":
      return volumeItems(node, options);
    case "kubernetes:core/v1:PersistentVolumeClaim":
      return claimItems(node, options);
    case "kubernetes:helm.sh/v3:Release":
      return releaseVolumes(node, options);
    default:
      throw new UnclassifiedResourceError(
        `${node.type} is priced by the hour but nothing says how to count it`,
      );
  }
}

/**
 * Everything in a graph that costs by the hour.
 * @throws UnclassifiedResourceError for a cloud resource of a type that is in no cost class
 * @throws UnmeterableResourceError when a size is missing or unknown
 */
export function meteredItems(
  graph: ResourceGraph,
  options: MeterOptions,
): { readonly items: readonly MeteredItem[]; readonly byUse: readonly string[] } {
  const items: MeteredItem[] = [];
  const byUse = new Set<string>();
  for (const node of graph.nodes) {
    if (!node.custom) continue;
    switch (costClassOf(node.type)) {
      case "hourly":
        items.push(...itemsOf(graph, node, options));
        break;
      case "by-use":
        byUse.add(node.type);
        break;
      case "free":
        if (node.type === "kubernetes:core/v1:Service" && at(node, "spec.type") === "LoadBalancer")
          byUse.add(`${node.type} of type LoadBalancer`);
        break;
      case "unknown":
        throw new UnclassifiedResourceError(
          `${node.urn}: nobody has said what a ${node.type} costs; add it to pricing/resource-types.ts`,
        );
    }
  }
  return { items, byUse: [...byUse].sort() };
}
