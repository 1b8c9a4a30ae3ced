import { byUrn, ofType, prerequisites, type ResourceGraph, type ResourceNode } from "../graph/graph.ts";
import { statefulKindOf } from "../graph/stateful.ts";
import { valueAt } from "../graph/values.ts";
import { costClassOf } from "../pricing/resource-types.ts";
import { fateOf } from "./fate.ts";
import type { Day } from "./calendar.ts";

/** Something in the way of a clean teardown. */
export interface Obstacle {
  /**
   * `blocks`: the destroy stops there. `unknown`: the plan does not say enough. `unseen`: the cluster may have made it on its own,
   * no plan shows it, and somebody has to look.
   */
  readonly kind: "blocks" | "unknown" | "unseen";
  readonly about:
    | "protection"
    | "deletion-protection"
    | "contents"
    | "finalizer"
    | "type"
    | "retention"
    | "load-balancers"
    | "disks"
    | "machines";
  /** URN, or `stack` for what concerns all of it. */
  readonly resource: string;
  readonly what: string;
  readonly fix: string;
}

const PROTECTION_OFF =
  "set cloud.cluster.deletionProtection: off in the stack file and run `pulumi up` before `pulumi destroy`";

/** Types the cloud refuses to delete while something is in them, with the input that empties them. */
const CONTAINERS: Readonly<Record<string, { readonly empties: string; readonly holds: string }>> = {
  "aws:s3/bucket:Bucket": { empties: "forceDestroy", holds: "objects" },
  "aws:s3/bucketV2:BucketV2": { empties: "forceDestroy", holds: "objects" },
  "gcp:storage/bucket:Bucket": { empties: "forceDestroy", holds: "objects" },
  "aws:route53/zone:Zone": { empties: "forceDestroy", holds: "records of others" },
  "gcp:dns/managedZone:ManagedZone": { empties: "forceDestroy", holds: "records of others" },
  "aws:ecr/repository:Repository": { empties: "forceDelete", holds: "images" },
};

/** Groups of custom resources whose controllers the cloud runs itself, so that no chart can go before them. */
const SERVED_BY_THE_CLUSTER =
  /^(cloud\.google\.com|networking\.gke\.io|.*\.k8s\.io|apps|batch|core|policy|autoscaling|meta)$/;

function protectedOnes(graph: ResourceGraph): Obstacle[] {
  const found = graph.nodes.filter(({ custom, options }) => custom && options.protect);
  if (found.length === 0) return [];
  return [
    {
      kind: "blocks",
      about: "protection",
      resource: "stack",
      what: `${found.length} resources are protected: the engine deletes everything else and then ends with an error that names them`,
      fix: "`pulumi state unprotect` each of them once everything else is gone, and run `pulumi destroy` again: it forgets those that are retained",
    },
  ];
}

function protectedClusters(graph: ResourceGraph): Obstacle[] {
  return graph.nodes
    .filter(({ type }) => statefulKindOf(type) === "cluster")
    .flatMap((node): Obstacle[] => {
      const protection = valueAt(node.inputs, "deletionProtection");
      // GKE protects when nobody says otherwise; AWS does not.
      const isOn = protection ?? node.type.startsWith("gcp:");
      if (isOn === false) return [];
      return [
        {
          about: "deletion-protection",
          resource: node.urn,
          fix: PROTECTION_OFF,
          ...(isOn === true
            ? { kind: "blocks", what: "deletion protection of the cluster is on" }
            : { kind: "unknown", what: "nobody can say whether deletion protection of the cluster is on" }),
        },
      ];
    });
}

function filledContainers(graph: ResourceGraph): Obstacle[] {
  return graph.nodes.flatMap((node): Obstacle[] => {
    const container = CONTAINERS[node.type];
    const { protect, retainOnDelete } = node.options;
    if (container === undefined || protect || retainOnDelete === true) return [];
    if (valueAt(node.inputs, container.empties) === true) return [];
    return [
      {
        kind: "blocks",
        about: "contents",
        resource: node.urn,
        what: `the cloud refuses to delete it while it holds ${container.holds}`,
        fix: `save what must be kept, delete the ${container.holds}, and run \`pulumi destroy\` again`,
      },
    ];
  });
}

/** Everything a resource needs, and what that needs. */
function requirements(graph: ResourceGraph, node: ResourceNode): Set<string> {
  const index = byUrn(graph);
  const seen = new Set<string>();
  const visit = (urns: readonly string[]): void => {
    for (const urn of urns) {
      if (seen.has(urn)) continue;
      seen.add(urn);
      const needed = index.get(urn);
      if (needed !== undefined) visit(prerequisites(needed));
    }
  };
  visit(prerequisites(node));
  return seen;
}

function groupOf(type: string): string | undefined {
  return /^kubernetes:(?<group>[^/]+)\/[^:]+:/.exec(type)?.groups?.["group"];
}

/** Objects whose finalizer nobody may be left to run: no chart with a controller is bound to outlive them. */
function orphanedFinalizers(graph: ResourceGraph): Obstacle[] {
  const releases = new Set(ofType(graph, "kubernetes:helm.sh/v3:Release").map(({ urn }) => urn));
  return graph.nodes.flatMap((node): Obstacle[] => {
    const group = groupOf(node.type);
    if (group === undefined || group === "helm.sh" || SERVED_BY_THE_CLUSTER.test(group)) return [];
    if ([...requirements(graph, node)].some((urn) => releases.has(urn))) return [];
    return [
      {
        kind: "unknown",
        about: "finalizer",
        resource: node.urn,
        what: `no chart of the stack is bound to outlive it, so the controller of ${group} may be gone before it runs a finalizer`,
        fix: "delete it with kubectl before `pulumi destroy`, while its controller runs",
      },
    ];
  });
}

function unclassified(graph: ResourceGraph): Obstacle[] {
  return graph.nodes
    .filter(({ custom, type }) => custom && costClassOf(type) === "unknown")
    .map(({ urn, type }) => ({
      kind: "unknown",
      about: "type",
      resource: urn,
      what: `nobody has said what a ${type} holds or costs`,
      fix: "look at it in the cloud, and add it to pricing/resource-types.ts",
    }));
}

function unclearFates(graph: ResourceGraph, today: Day): Obstacle[] {
  return graph.nodes.flatMap((node): Obstacle[] => {
    if (!node.custom) return [];
    const fate = fateOf(node, { graph, today });
    return fate.kind === "unknown"
      ? [
          {
            kind: "unknown",
            about: "retention",
            resource: node.urn,
            what: fate.why,
            fix: "look at its retention in the cloud",
          },
        ]
      : [];
  });
}

/** What a cluster makes in the cloud on its own: no plan shows it, and it stays or blocks the network's deletion. */
function madeByTheCluster(graph: ResourceGraph): Obstacle[] {
  const has = (test: (node: ResourceNode) => boolean): boolean => graph.nodes.some(test);
  const balanced = graph.nodes.filter(
    ({ type, inputs }) =>
      (type === "kubernetes:core/v1:Service" && valueAt(inputs, "spec.type") === "LoadBalancer") ||
      /^kubernetes:(networking\.k8s\.io\/v1:Ingress|gateway\.networking\.k8s\.io\/[^:]+:Gateway)$/.test(type),
  );
  const claims = has(
    ({ type, inputs }) =>
      statefulKindOf(type) === "volumes" &&
      (type !== "kubernetes:apps/v1:StatefulSet" ||
        valueAt(inputs, "spec.volumeClaimTemplates") !== undefined),
  );
  const charts = has(({ type }) => type === "kubernetes:helm.sh/v3:Release");
  const objects = has(({ type }) => type.startsWith("kubernetes:"));
  if (!objects) return [];
  return [
    ...balanced.map(({ urn }): Obstacle => ({
      kind: "unseen",
      about: "load-balancers",
      resource: urn,
      what: "its load balancer belongs to the cluster, not to the stack; it goes with the object while a controller runs",
      fix: "see that the load balancer is gone before the cluster is",
    })),
    {
      kind: "unseen",
      about: "load-balancers",
      resource: "stack",
      what: "load balancers that tenants or charts had made: left behind they cost, and block the deletion of the network",
      fix: "kubectl get services,ingresses,gateways -A, and delete what has an address",
    },
    ...(claims || charts
      ? [
          {
            kind: "unseen" as const,
            about: "disks" as const,
            resource: "stack",
            what: "disks behind volume claims: whether they go with the claim is decided by their storage class, and claims of charts outlive their release",
            fix: "kubectl get pv,pvc -A: save what is needed, delete the claims while the cluster runs, delete disks with reclaim policy Retain in the cloud",
          },
        ]
      : []),
    ...(has(({ type }) => type === "kubernetes:karpenter.sh/v1:NodePool")
      ? [
          {
            kind: "unseen" as const,
            about: "machines" as const,
            resource: "stack",
            what: "machines that Karpenter started: they end with their NodePool while Karpenter runs and no pod refuses to leave",
            fix: "kubectl get nodeclaims, and see in the cloud that no machine with the tag karpenter.sh/nodepool is left",
          },
        ]
      : []),
  ];
}

/** Everything in the way of a clean teardown on a day, what blocks it first. */
export function obstaclesOf(graph: ResourceGraph, today: Day): Obstacle[] {
  return [
    ...protectedClusters(graph),
    ...filledContainers(graph),
    ...protectedOnes(graph),
    ...orphanedFinalizers(graph),
    ...unclassified(graph),
    ...unclearFates(graph, today),
    ...madeByTheCluster(graph),
  ].sort((a, b) => ORDER[a.kind] - ORDER[b.kind]);
}

const ORDER: Readonly<Record<Obstacle["kind"], number>> = { blocks: 0, unknown: 1, unseen: 2 };
