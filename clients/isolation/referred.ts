import type { ResourceGraph, ResourceNode } from "../../graph/graph.ts";
import { isRecord, isUnknown, type GraphValue } from "../../graph/values.ts";
import { KINDS, type Kind } from "./holding.ts";
import { awsPlace, clusterOf, textOf } from "./scope.ts";

/** A name in a text that means the same in every stack. */
interface Pattern {
  readonly kind: Kind;
  readonly find: RegExp;
  readonly id: (groups: readonly string[]) => string;
}

const PATTERNS: readonly Pattern[] = [
  {
    kind: "kms-key",
    find: /arn:aws[\w-]*:kms:([\w-]+):(\d{12}):((?:key|alias)\/[\w/-]+)/g,
    id: ([region = "", account = "", name = ""]) => `aws-kms:${account}:${region}:${name}`,
  },
  {
    kind: "kms-key",
    find: /projects\/([\w-]+)\/locations\/([\w-]+)\/keyRings\/([\w-]+)(?:\/cryptoKeys\/([\w-]+))?/g,
    id: ([project = "", location = "", ring = "", key = ""]) =>
      key === ""
        ? `gcp-kms:${project}:${location}:${ring}`
        : `gcp-key:gcp-kms:${project}:${location}:${ring}:${key}`,
  },
  {
    kind: "bucket",
    find: /(?:arn:aws[\w-]*:s3:::|s3:\/\/)([a-z0-9][a-z0-9.-]+)/g,
    id: ([name = ""]) => `s3:${name}`,
  },
  { kind: "bucket", find: /gs:\/\/([a-z0-9][\w.-]+)/g, id: ([name = ""]) => `gs:${name}` },
  {
    kind: "identity",
    find: /arn:aws[\w-]*:iam::(\d{12}):(role|user)\/([\w+=,.@/-]+)/g,
    id: ([account = "", kind = "", name = ""]) => `aws-${kind}:${account}:${name}`,
  },
  {
    kind: "identity",
    find: /([\w-]+@[\w.-]+\.iam\.gserviceaccount\.com)/g,
    id: ([email = ""]) => `gcp-account:${email}`,
  },
  {
    kind: "identity",
    find: /([\w-]+\.svc\.id\.goog\[[\w/-]+\])/g,
    id: ([member = ""]) => `gcp-workload:${member}`,
  },
  {
    kind: "secret",
    find: /arn:aws[\w-]*:secretsmanager:([\w-]+):(\d{12}):secret:([\w+=,.@/-]+)/g,
    id: ([region = "", account = "", name = ""]) => `aws-secret:${account}:${region}:${name}`,
  },
  {
    kind: "secret",
    find: /projects\/([\w-]+)\/secrets\/([\w-]+)/g,
    id: ([project = "", name = ""]) => `gcp-secret:${project}:${name}`,
  },
];

/** Words in the name of an input that say what is behind an unknown value. */
const WORDS: readonly (readonly [RegExp, Kind])[] = [
  [/kms|encryption|cryptokey|keyname|keyarn/i, "kms-key"],
  [/bucket/i, "bucket"],
  [/role|member|principal|serviceaccount/i, "identity"],
  [/secret|password|kubeconfig/i, "secret"],
  [/cidr|vpc|subnet|network/i, "network"],
  [/namespace/i, "namespace"],
];

/** A name some input refers to. */
export interface Reference {
  readonly kind: Kind;
  /** Undefined where account, region or cluster are not known: the same words may mean different things. */
  readonly id: string | undefined;
}

/** An unknown input that none of the stack's own resources gives. */
export interface ForeignInput {
  readonly kind: Kind;
  readonly path: string;
}

function leaves(value: GraphValue, path: string): [string, GraphValue][] {
  if (Array.isArray(value))
    return (value as readonly GraphValue[]).flatMap((each, index) => leaves(each, `${path}[${index}]`));
  if (isRecord(value))
    return Object.entries(value).flatMap(([key, each]) => leaves(each, path === "" ? key : `${path}.${key}`));
  return [[path, value]];
}

/** Every name in a text. */
export function namesIn(text: string): Reference[] {
  return PATTERNS.flatMap(({ kind, find, id }) =>
    [...text.matchAll(find)].map((match) => ({
      kind,
      id: id(match.slice(1).map((group: string | undefined) => group ?? "")),
    })),
  );
}

/** Inputs whose plain value is a name, by the end of their path. */
function plainName(graph: ResourceGraph, node: ResourceNode, path: string, text: string): Reference[] {
  if (text.startsWith("alias/") && node.type.startsWith("aws:")) {
    const place = awsPlace(graph, node);
    return [{ kind: "kms-key", id: place === undefined ? undefined : `aws-kms:${place}:${text}` }];
  }
  if (node.type.startsWith("gcp:storage/bucketIAM") && path === "bucket")
    return [{ kind: "bucket", id: `gs:${text}` }];
  if (node.type.startsWith("aws:") && /(^|\.)(s3)?bucket(Name)?$/i.test(path))
    return [{ kind: "bucket", id: `s3:${text}` }];
  if (
    node.type.startsWith("kubernetes:") &&
    /(secretKeyRef\.name|secretName|imagePullSecrets\[\d+\]\.name)$/.test(path)
  ) {
    const namespace = textOf(
      isRecord(node.inputs["metadata"]) ? node.inputs["metadata"]["namespace"] : undefined,
    );
    const cluster = clusterOf(graph, node);
    const id =
      cluster === undefined || namespace === undefined ? undefined : `secret:${cluster}:${namespace}:${text}`;
    return [{ kind: "secret", id }];
  }
  return [];
}

/** Names the inputs of a resource refer to, whoever owns what is behind them. */
export function referencesOf(graph: ResourceGraph, node: ResourceNode): Reference[] {
  return leaves(node.inputs, "").flatMap(([path, value]) =>
    typeof value === "string" ? [...namesIn(value), ...plainName(graph, node, path, value)] : [],
  );
}

/** Types whose outputs come from outside the stack. */
const OUTSIDE: ReadonlySet<string> = new Set(["pulumi:pulumi:StackReference"]);

/** Unknown inputs that no resource of this stack gives: what is behind them may be anybody's. */
export function foreignInputs(node: ResourceNode, index: ReadonlyMap<string, ResourceNode>): ForeignInput[] {
  return leaves(node.inputs, "").flatMap(([path, value]): ForeignInput[] => {
    if (!isUnknown(value)) return [];
    const [top = ""] = path.split(/[.[]/);
    const sources = (node.propertyDependencies[top] ?? []).map((urn) => index.get(urn));
    const isOwn =
      sources.length > 0 && sources.every((source) => source !== undefined && !OUTSIDE.has(source.type));
    if (isOwn) return [];
    const kind = WORDS.find(([word]) => word.test(path))?.[1];
    return (kind === undefined ? KINDS : [kind]).map((each) => ({ kind: each, path }));
  });
}
