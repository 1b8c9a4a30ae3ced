import { statefulKindOf, type StatefulKind } from "../graph/stateful.ts";
import { valueAt, type GraphValue } from "../graph/values.ts";

/** What makes a stateful resource the one it is. */
export interface Identity {
  readonly kind: StatefulKind;
  /** URNs it had before, by alias. */
  readonly formerUrns: readonly string[];
  /** Inputs whose change makes the provider replace it, by path. */
  readonly fixed: Readonly<Record<string, GraphValue>>;
  /** Engine deletes nothing of it. */
  readonly kept: "kept" | "not-kept";
}

/** A stateful resource in one of two versions of a stack. */
export interface Stateful {
  readonly urn: string;
  readonly type: string;
  readonly name: string;
  readonly identity: Identity;
}

/** How a stateful resource would be lost. */
export interface Loss {
  readonly kind: "renamed" | "moved" | "retyped" | "replaced" | "deleted";
  /** URN it has now. */
  readonly urn: string;
  readonly what: string;
  readonly fix: string;
}

/**
 * Inputs that cannot change in place.
 * @see https://github.com/hashicorp/terraform-provider-aws/blob/main/internal/service/eks/cluster.go (ForceNew)
 * @see https://github.com/hashicorp/terraform-provider-aws/blob/main/internal/service/s3/bucket.go (ForceNew)
 * @see https://github.com/hashicorp/terraform-provider-google/blob/main/google/services/container/resource_container_cluster.go (ForceNew)
 */
const FIXED: Readonly<Record<string, readonly string[]>> = {
  "aws:s3/bucket:Bucket": ["bucket", "objectLockEnabled"],
  "aws:eks/cluster:Cluster": [
    "name",
    "roleArn",
    "accessConfig.bootstrapClusterCreatorAdminPermissions",
    "bootstrapSelfManagedAddons",
    "kubernetesNetworkConfig.serviceIpv4Cidr",
    "kubernetesNetworkConfig.ipFamily",
  ],
  "aws:cloudwatch/logGroup:LogGroup": ["name"],
  "aws:amp/workspace:Workspace": ["kmsKeyArn"],
  "gcp:storage/bucket:Bucket": ["name", "location", "project"],
  "gcp:container/cluster:Cluster": [
    "name",
    "location",
    "project",
    "networkingMode",
    "datapathProvider",
    "ipAllocationPolicy",
    "privateClusterConfig.masterIpv4CidrBlock",
  ],
  "gcp:kms/keyRing:KeyRing": ["name", "location", "project"],
  "gcp:kms/cryptoKey:CryptoKey": ["name", "purpose", "destroyScheduledDuration"],
  "kubernetes:core/v1:Namespace": ["metadata.name"],
  "kubernetes:apps/v1:StatefulSet": ["metadata.name", "metadata.namespace", "spec.volumeClaimTemplates"],
  "random:index/randomBytes:RandomBytes": ["length", "keepers"],
  "random:index/randomPassword:RandomPassword": ["length", "keepers"],
  "tls:index/privateKey:PrivateKey": ["algorithm", "rsaBits", "ecdsaCurve"],
};

/** A resource as a plan prints it. */
export interface PlannedResource {
  readonly type: string;
  readonly formerUrns?: readonly string[] | undefined;
  readonly inputs: Readonly<Record<string, GraphValue>>;
  readonly options: { readonly protect: boolean; readonly retainOnDelete: boolean | "not-visible" };
}

/** Identity of a resource; undefined for what can be made again. */
export function identityOf({ type, formerUrns, inputs, options }: PlannedResource): Identity | undefined {
  const kind = statefulKindOf(type);
  if (kind === undefined) return undefined;
  return {
    kind,
    formerUrns: formerUrns ?? [],
    fixed: Object.fromEntries((FIXED[type] ?? []).map((path) => [path, valueAt(inputs, path) ?? null])),
    kept: options.protect || options.retainOnDelete === true ? "kept" : "not-kept",
  };
}

function parentTypes(urn: string): string {
  return (urn.split("::")[2] ?? "").split("$").slice(0, -1).join("$");
}

/** How two resources of one kind differ, when the second took the place of the first. */
function changeOf(before: Stateful, after: Stateful): Exclude<Loss["kind"], "replaced" | "deleted"> {
  if (before.type !== after.type) return "retyped";
  return parentTypes(before.urn) === parentTypes(after.urn) ? "renamed" : "moved";
}

function likeness(before: Stateful, after: Stateful): number {
  return (
    (before.name === after.name ? 4 : 0) +
    (JSON.stringify(before.identity.fixed) === JSON.stringify(after.identity.fixed) ? 2 : 0) +
    (parentTypes(before.urn) === parentTypes(after.urn) ? 1 : 0)
  );
}

/** The new resource that most likely took the place of one that is gone. */
function successorOf(gone: Stateful, fresh: readonly Stateful[]): Stateful | undefined {
  return fresh
    .filter(({ identity }) => identity.kind === gone.identity.kind)
    .toSorted((a, b) => likeness(gone, b) - likeness(gone, a))[0];
}

function replaced(before: Stateful, after: Stateful): Loss[] {
  const changed = Object.entries(before.identity.fixed).filter(
    ([path, value]) =>
      path in after.identity.fixed && JSON.stringify(value) !== JSON.stringify(after.identity.fixed[path]),
  );
  return changed.map(([path, value]) => ({
    kind: "replaced",
    urn: before.urn,
    what: `${path} changes from ${JSON.stringify(value)} to ${JSON.stringify(after.identity.fixed[path])}, which the provider cannot do in place`,
    fix: `leave ${path} as it is, or make a second one and move what it holds`,
  }));
}

/** Every way in which a change would lose data, a key or a cluster that another version of the stack has. */
export function lossesOf(before: readonly Stateful[], after: readonly Stateful[]): Loss[] {
  const now = new Map(after.map((each) => [each.urn, each]));
  const heirs = new Map(after.flatMap((each) => each.identity.formerUrns.map((urn) => [urn, each] as const)));
  const old = new Set(before.map(({ urn }) => urn));
  const fresh = after.filter(
    ({ urn, identity }) => !old.has(urn) && !identity.formerUrns.some((former) => old.has(former)),
  );
  return before.flatMap((each): Loss[] => {
    const same = now.get(each.urn) ?? heirs.get(each.urn);
    if (same !== undefined) return replaced(each, same);
    const successor = successorOf(each, fresh);
    if (successor === undefined)
      return [
        {
          kind: "deleted",
          urn: each.urn,
          what: `the ${each.identity.kind} is gone${each.identity.kept === "kept" ? "; the engine refuses to delete it or only forgets it" : ""}`,
          fix: "have somebody who may approve the loss: --loss-approved",
        },
      ];
    return [
      {
        kind: changeOf(each, successor),
        urn: each.urn,
        what: `${successor.urn} takes its place, so the engine deletes the old one and creates an empty one`,
        fix: `give the new one the option aliases: [${JSON.stringify(each.urn)}]`,
      },
    ];
  });
}
