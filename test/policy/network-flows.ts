import { BlockList } from "node:net";
import { ofType, type ResourceGraph } from "../../graph/graph.ts";

type Labels = Readonly<Record<string, string>>;

interface Selector {
  readonly matchLabels?: Labels;
  readonly matchExpressions?: readonly {
    readonly key: string;
    readonly operator: "In" | "NotIn" | "Exists" | "DoesNotExist";
    readonly values?: readonly string[];
  }[];
}

interface Peer {
  readonly podSelector?: Selector;
  readonly namespaceSelector?: Selector;
  readonly ipBlock?: { readonly cidr: string; readonly except?: readonly string[] };
}

interface Rule {
  readonly from?: readonly Peer[];
  readonly to?: readonly Peer[];
  readonly ports?: readonly { readonly port?: number | string; readonly protocol?: string }[];
}

interface Policy {
  readonly metadata: { readonly name: string; readonly namespace: string };
  readonly spec: {
    readonly podSelector: Selector;
    readonly policyTypes: readonly ("Ingress" | "Egress")[];
    readonly ingress?: readonly Rule[];
    readonly egress?: readonly Rule[];
  };
}

/** One end of a connection. */
export type Endpoint =
  | { readonly kind: "pod"; readonly namespace: string; readonly labels: Labels }
  | { readonly kind: "address"; readonly ip: string };

/** A connection somebody tries to make. */
export interface Flow {
  readonly from: Endpoint;
  readonly to: Endpoint;
  readonly port: number;
  readonly protocol?: "TCP" | "UDP";
}

function matches(selector: Selector, labels: Labels): boolean {
  const equal = Object.entries(selector.matchLabels ?? {}).every(([key, value]) => labels[key] === value);
  const expressions = (selector.matchExpressions ?? []).every(({ key, operator, values = [] }) => {
    const value = labels[key];
    switch (operator) {
      case "In":
        return value !== undefined && values.includes(value);
      case "NotIn":
        return value === undefined || !values.includes(value);
      case "Exists":
        return value !== undefined;
      case "DoesNotExist":
        return value === undefined;
    }
  });
  return equal && expressions;
}

function isWithin(ip: string, cidrs: readonly string[]): boolean {
  const list = new BlockList();
  for (const cidr of cidrs) {
    const [net = "", bits = ""] = cidr.split("/");
    list.addSubnet(net, Number(bits));
  }
  return list.check(ip);
}

/**
 * What the NetworkPolicies of a plan let through, by the rules of the Kubernetes API. It stands in for a network plugin, which
 * needs a kernel and nodes: it proves what the objects say, not that a plugin enforces them.
 * @see https://kubernetes.io/docs/concepts/services-networking/network-policies/
 */
export class NetworkFlows {
  readonly #policies: readonly Policy[];
  readonly #namespaces: ReadonlyMap<string, Labels>;

  /** @param others labels of namespaces that are not part of the plan */
  constructor(graph: ResourceGraph, others: Readonly<Record<string, Labels>> = {}) {
    this.#policies = ofType(graph, "kubernetes:networking.k8s.io/v1:NetworkPolicy").map(
      ({ inputs }) => inputs as unknown as Policy,
    );
    const own = ofType(graph, "kubernetes:core/v1:Namespace").map(({ inputs }) => {
      const { name, labels = {} } = inputs["metadata"] as unknown as { name: string; labels?: Labels };
      return [name, labels] as const;
    });
    this.#namespaces = new Map(
      [...own, ...Object.entries(others)].map(([name, labels]) => [
        name,
        { ...labels, "kubernetes.io/metadata.name": name },
      ]),
    );
  }

  /** Whether a connection gets through: the sender may send and the receiver may receive. */
  allows(flow: Flow): boolean {
    return this.#side(flow, "Egress") && this.#side(flow, "Ingress");
  }

  #side(flow: Flow, side: "Ingress" | "Egress"): boolean {
    const [own, other] = side === "Egress" ? [flow.from, flow.to] : [flow.to, flow.from];
    if (own.kind === "address") return true;
    const selecting = this.#policies.filter(
      ({ metadata, spec }) =>
        metadata.namespace === own.namespace &&
        spec.policyTypes.includes(side) &&
        matches(spec.podSelector, own.labels),
    );
    // A pod no policy selects takes and makes every connection.
    if (selecting.length === 0) return true;
    return selecting.some(({ metadata, spec }) =>
      ((side === "Egress" ? spec.egress : spec.ingress) ?? []).some((rule) =>
        this.#permits(rule, side === "Egress" ? rule.to : rule.from, metadata.namespace, other, flow),
      ),
    );
  }

  #permits(
    { ports }: Rule,
    peers: readonly Peer[] | undefined,
    namespace: string,
    other: Endpoint,
    { port, protocol = "TCP" }: Flow,
  ): boolean {
    const portFits =
      ports === undefined ||
      ports.some(
        (each) => (each.port === undefined || each.port === port) && (each.protocol ?? "TCP") === protocol,
      );
    return portFits && (peers === undefined || peers.some((peer) => this.#isPeer(peer, namespace, other)));
  }

  #isPeer({ ipBlock, namespaceSelector, podSelector }: Peer, namespace: string, other: Endpoint): boolean {
    if (other.kind === "address")
      return (
        ipBlock !== undefined &&
        isWithin(other.ip, [ipBlock.cidr]) &&
        !isWithin(other.ip, ipBlock.except ?? [])
      );
    if (ipBlock !== undefined) return false;
    const inNamespace =
      namespaceSelector === undefined
        ? other.namespace === namespace
        : matches(namespaceSelector, this.#namespaces.get(other.namespace) ?? {});
    return inNamespace && (podSelector === undefined || matches(podSelector, other.labels));
  }
}
