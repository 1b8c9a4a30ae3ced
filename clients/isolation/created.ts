import { byUrn, type ResourceGraph, type ResourceNode } from "../../graph/graph.ts";
import { isRecord, valueAt, type GraphValue } from "../../graph/values.ts";
import type { Kind } from "./holding.ts";
import { awsAccount, awsPlace, clusterOf, gcpProject, textOf } from "./scope.ts";

/** Name of something a resource creates, or why it cannot be told. */
export type Name = { readonly id: string } | { readonly reason: string };

type Reader = (graph: ResourceGraph, node: ResourceNode) => Name[];

/** A name from parts that must all be known. */
function named(prefix: string, parts: Readonly<Record<string, string | undefined>>): Name {
  const missing = Object.entries(parts).find(([, part]) => part === undefined);
  return missing === undefined
    ? { id: `${prefix}:${Object.values(parts).join(":")}` }
    : { reason: `its ${missing[0]} is not known before it is deployed` };
}

/** Something with no name of its own: the resource itself, which no other stack can create. */
const itself: Reader = (_, { urn }) => [{ id: urn }];

const input =
  (key: string): ((node: ResourceNode) => string | undefined) =>
  (node) =>
    textOf(node.inputs[key]);

const onAws =
  (prefix: string, key: string): Reader =>
  (graph, node) => [named(prefix, { account: awsPlace(graph, node), [key]: input(key)(node) })];

const ofAwsAccount =
  (prefix: string, key: string): Reader =>
  (graph, node) => [named(prefix, { account: awsAccount(graph, node), [key]: input(key)(node) })];

const keyRing: Reader = (graph, node) => [
  named("gcp-kms", {
    project: gcpProject(graph, node),
    location: input("location")(node),
    name: input("name")(node),
  }),
];

const cryptoKey: Reader = (graph, node) => {
  const rings = (node.propertyDependencies["keyRing"] ?? []).flatMap((urn) => byUrn(graph).get(urn) ?? []);
  const [ring] = rings.filter(({ type }) => type === "gcp:kms/keyRing:KeyRing");
  const [inRing] = ring === undefined ? [] : keyRing(graph, ring);
  return [
    named("gcp-key", {
      keyRing: inRing !== undefined && "id" in inRing ? inRing.id : undefined,
      name: input("name")(node),
    }),
  ];
};

const serviceAccount: Reader = (graph, node) => {
  const project = gcpProject(graph, node);
  const account = input("accountId")(node);
  return [
    project === undefined || account === undefined
      ? { reason: "its project or accountId is not known before it is deployed" }
      : { id: `gcp-account:${account}@${project}.iam.gserviceaccount.com` },
  ];
};

const secretOfProject: Reader = (graph, node) => [
  named("gcp-secret", { project: gcpProject(graph, node), secretId: input("secretId")(node) }),
];

const inCluster =
  (prefix: string): Reader =>
  (graph, node) => [
    named(prefix, {
      cluster: clusterOf(graph, node),
      ...(prefix === "namespace" ? {} : { namespace: textOf(valueAt(node.inputs, "metadata.namespace")) }),
      name: textOf(valueAt(node.inputs, "metadata.name")),
    }),
  ];

function ranges(value: GraphValue | undefined): Name[] {
  const text = textOf(value);
  return [
    text === undefined
      ? { reason: "its address range is not known before it is deployed" }
      : { id: `cidr:${text}` },
  ];
}

const subnetwork: Reader = (_, node) => {
  const secondary = node.inputs["secondaryIpRanges"] ?? [];
  if (!Array.isArray(secondary)) return [{ reason: "its secondary ranges are not known" }];
  const pods = (secondary as readonly GraphValue[]).flatMap((range) =>
    ranges(isRecord(range) ? range["ipCidrRange"] : undefined),
  );
  return [...ranges(node.inputs["ipCidrRange"]), ...pods];
};

/** Record by which a certificate's own name is proven: it is named after what the stack itself made. */
function provesCertificate({ propertyDependencies }: ResourceNode): boolean {
  return (propertyDependencies["name"] ?? []).some((urn) =>
    /aws:acm\/certificate:|gcp:certificatemanager\/dnsAuthorization:/.test(urn),
  );
}

/** A name in the DNS, and the zone it is in. */
const dnsRecord =
  (zone: (graph: ResourceGraph, node: ResourceNode) => Name): Reader =>
  (graph, node) => [
    zone(graph, node),
    provesCertificate(node)
      ? { id: node.urn }
      : named("host", { name: input("name")(node)?.replace(/\.$/, "") }),
  ];

const routedHosts: Reader = (_, node) => {
  const hosts = valueAt(node.inputs, "spec.hostnames");
  return Array.isArray(hosts)
    ? (hosts as readonly GraphValue[]).map((host) => named("host", { name: textOf(host) }))
    : [{ reason: "its host names are not known before it is deployed" }];
};

/** What each resource type creates of each kind. */
export const CREATED: Readonly<Record<string, { readonly kind: Kind; readonly read: Reader }>> = {
  "aws:kms/key:Key": { kind: "kms-key", read: itself },
  "aws:kms/alias:Alias": { kind: "kms-key", read: onAws("aws-kms", "name") },
  "gcp:kms/keyRing:KeyRing": { kind: "kms-key", read: keyRing },
  "gcp:kms/cryptoKey:CryptoKey": { kind: "kms-key", read: cryptoKey },
  // Names of buckets are taken once in a whole cloud, whoever asks.
  "aws:s3/bucket:Bucket": {
    kind: "bucket",
    read: (_, node) => [named("s3", { bucket: input("bucket")(node) })],
  },
  "gcp:storage/bucket:Bucket": {
    kind: "bucket",
    read: (_, node) => [named("gs", { name: input("name")(node) })],
  },
  "kubernetes:core/v1:Namespace": { kind: "namespace", read: inCluster("namespace") },
  "aws:iam/role:Role": { kind: "identity", read: ofAwsAccount("aws-role", "name") },
  "aws:iam/user:User": { kind: "identity", read: ofAwsAccount("aws-user", "name") },
  "gcp:serviceaccount/account:Account": { kind: "identity", read: serviceAccount },
  "kubernetes:core/v1:ServiceAccount": { kind: "identity", read: inCluster("account") },
  "kubernetes:core/v1:Secret": { kind: "secret", read: inCluster("secret") },
  "aws:secretsmanager/secret:Secret": { kind: "secret", read: onAws("aws-secret", "name") },
  "gcp:secretmanager/secret:Secret": { kind: "secret", read: secretOfProject },
  "random:index/randomPassword:RandomPassword": { kind: "secret", read: itself },
  "random:index/randomBytes:RandomBytes": { kind: "secret", read: itself },
  "tls:index/privateKey:PrivateKey": { kind: "secret", read: itself },
  "aws:ec2/vpc:Vpc": { kind: "network", read: (_, node) => ranges(node.inputs["cidrBlock"]) },
  "aws:ec2/vpcIpv4CidrBlockAssociation:VpcIpv4CidrBlockAssociation": {
    kind: "network",
    read: (_, node) => ranges(node.inputs["cidrBlock"]),
  },
  "gcp:compute/subnetwork:Subnetwork": { kind: "network", read: subnetwork },
  "aws:route53/record:Record": {
    kind: "hostname",
    read: dnsRecord((_, node) => named("route53", { zoneId: input("zoneId")(node) })),
  },
  "gcp:dns/recordSet:RecordSet": {
    kind: "hostname",
    read: dnsRecord((graph, node) =>
      named("cloud-dns", { project: gcpProject(graph, node), managedZone: input("managedZone")(node) }),
    ),
  },
  "kubernetes:gateway.networking.k8s.io/v1:HTTPRoute": { kind: "hostname", read: routedHosts },
  "gcp:container/cluster:Cluster": {
    kind: "network",
    read: (_, node) => ranges(valueAt(node.inputs, "privateClusterConfig.masterIpv4CidrBlock")),
  },
};

/** Types that belong to something above and create nothing of a kind themselves. */
const PARTS =
  /^aws:s3\/bucket(?!V2:)[A-Z]|^gcp:storage\/bucketIAM|^gcp:kms\/\w+IAM|^aws:iam\/(rolePolicy|policy)|^gcp:serviceaccount\/iAM|^aws:secretsmanager\/secret(Version|Policy|Rotation)|^gcp:secretmanager\/secret(Version|Iam)/;

/** Modules of providers whose other types would be of a kind. */
const MODULES: readonly (readonly [RegExp, Kind])[] = [
  [/^(aws|gcp):kms\//, "kms-key"],
  [/^aws:s3\/|^gcp:storage\/bucket/, "bucket"],
  [/^aws:iam\/|^gcp:serviceaccount\//, "identity"],
  [/^aws:secretsmanager\/|^gcp:secretmanager\/|^(random|tls):index\//, "secret"],
  [/^aws:route53\/|^gcp:dns\//, "hostname"],
  [/^aws:ec2\/(vpc|defaultVpc)|^gcp:compute\/(subnetwork|globalAddress)/, "network"],
];

/** Types of those modules that hold no names or addresses of their own. */
const HARMLESS = /^aws:ec2\/vpcEndpoint:|^random:index\/(randomId|randomInteger|randomUuid):/;

/** Kind of a type that is of a kind but that nobody taught this proof to read; undefined for any other. */
export function unreadKind(type: string): Kind | undefined {
  if (type in CREATED || PARTS.test(type) || HARMLESS.test(type)) return undefined;
  return MODULES.find(([pattern]) => pattern.test(type))?.[1];
}
