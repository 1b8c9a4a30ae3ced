import { ofType, type ResourceNode } from "../../graph/graph.ts";
import { isRecord, isUnknown, valueAt, type GraphValue } from "../../graph/values.ts";
import { ANNEX_III_FROM, GDPR_FROM, HIGH_RISK, STRICT, type Control, type Problem } from "./control.ts";
import { engines, selects } from "./engines.ts";
import { checked, expectInput, listed, problemAt, shown } from "./reading.ts";

const NO_CLUSTER = "this stack manages no control plane";

function privateOnAws(node: ResourceNode): Problem[] {
  const open = valueAt(node.inputs, "vpcConfig.endpointPublicAccess");
  if (open === false) return [];
  const cidrs = valueAt(node.inputs, "vpcConfig.publicAccessCidrs");
  const base = { resource: node.urn, property: "vpcConfig.publicAccessCidrs", observed: shown(cidrs) };
  const expected = "a private endpoint, or named networks without 0.0.0.0/0";
  if (isUnknown(open) || isUnknown(cidrs)) return [{ ...base, expected, status: "unknown" }];
  const named = listed(cidrs);
  return named.length > 0 && !named.includes("0.0.0.0/0") ? [] : [{ ...base, expected, status: "fail" }];
}

/** Whether a peer is pods of the engine itself: the nodes of one replica talk to each other. */
function isSamePod(peer: GraphValue, labels: GraphValue | undefined): boolean {
  const own = isRecord(labels) ? labels["llmops.io/model"] : undefined;
  return (
    isRecord(peer) &&
    Object.keys(peer).length === 1 &&
    typeof own === "string" &&
    JSON.stringify(valueAt(peer, "podSelector")) ===
      JSON.stringify({ matchLabels: { "llmops.io/model": own } })
  );
}

/** Controls of platform security. */
export const securityControls: readonly Control[] = [
  {
    id: "AIA-SEC-01",
    title: "Kubernetes API is not open to the world",
    severity: "high",
    platforms: ["aws", "gcp"],
    legal: [{ reference: "AI Act Art. 15(5)", appliesFrom: ANNEX_III_FROM }],
    levels: HIGH_RISK,
    rationale: "An API that everybody can reach is one stolen credential away from being everybody's.",
    remediation: "Set endpoint.access: private, or name your networks.",
    blindSpots: "Networks connected to the cluster's.",
    evaluate: (graph) =>
      checked(
        [...ofType(graph, "aws:eks/cluster:Cluster"), ...ofType(graph, "gcp:container/cluster:Cluster")],
        (node) =>
          node.type.startsWith("aws:")
            ? privateOnAws(node)
            : expectInput(node, "privateClusterConfig.enablePrivateNodes", "true", (value) => value === true),
        NO_CLUSTER,
      ),
  },
  {
    id: "AIA-SEC-02",
    title: "Cluster secrets under an own key",
    sources: ["https://docs.aws.amazon.com/eks/latest/userguide/envelope-encryption.html"],
    severity: "medium",
    platforms: ["aws", "gcp"],
    legal: [{ reference: "GDPR Art. 32(1)(a)", appliesFrom: GDPR_FROM }],
    levels: HIGH_RISK,
    rationale: "Secrets of a cluster are only as safe as the key of its database.",
    remediation: "Set encryptionConfig (EKS) or databaseEncryption (GKE).",
    blindSpots: "An existing cluster.",
    evaluate: (graph) =>
      checked(
        [...ofType(graph, "aws:eks/cluster:Cluster"), ...ofType(graph, "gcp:container/cluster:Cluster")],
        (node) => {
          const [input, key, expected] = node.type.startsWith("aws:")
            ? (["encryptionConfig", "aws:kms/key:Key", "a key of this stack"] as const)
            : (["databaseEncryption", "gcp:kms/cryptoKey:CryptoKey", "a key of this stack"] as const);
          const linked = (node.propertyDependencies[input] ?? []).some((urn) => urn.includes(key));
          return linked ? [] : [problemAt(node.urn, input, node.inputs[input], expected)];
        },
        NO_CLUSTER,
      ),
  },
  {
    id: "AIA-SEC-04",
    title: "Only the gateway and Prometheus reach an engine",
    severity: "critical",
    platforms: ["kubernetes"],
    legal: [
      { reference: "AI Act Art. 12(1)", appliesFrom: ANNEX_III_FROM },
      { reference: "AI Act Art. 15(5)", appliesFrom: ANNEX_III_FROM },
    ],
    levels: STRICT,
    rationale: "An engine that others reach answers without guard and without record.",
    remediation: "Use the ModelService component; it closes the engine's network.",
    blindSpots: "A cluster whose network plugin does not enforce policies.",
    evaluate: (graph) => {
      const policies = ofType(graph, "kubernetes:networking.k8s.io/v1:NetworkPolicy");
      return checked(
        engines(graph),
        (engine) => {
          const labels = valueAt(engine.inputs, "spec.template.metadata.labels");
          const namespace = valueAt(engine.inputs, "metadata.namespace");
          const rules = policies
            .filter(
              (policy) =>
                valueAt(policy.inputs, "metadata.namespace") === namespace &&
                selects(valueAt(policy.inputs, "spec.podSelector.matchLabels"), labels),
            )
            .filter((policy) => listed(valueAt(policy.inputs, "spec.policyTypes")).includes("Ingress"));
          const base = {
            resource: engine.urn,
            expected: "ingress from the gateway's namespace and from monitoring only",
          };
          const unreadable = policies.find(
            (policy) =>
              isUnknown(valueAt(policy.inputs, "spec.ingress")) ||
              isUnknown(valueAt(policy.inputs, "spec.policyTypes")),
          );
          if (unreadable !== undefined)
            return [problemAt(unreadable.urn, "spec.ingress", { $unknown: true }, base.expected)];
          if (rules.length === 0) return [{ ...base, status: "fail", observed: "no policy for its ingress" }];
          return rules
            .flatMap((policy) => listed(valueAt(policy.inputs, "spec.ingress")))
            .flatMap((rule) => {
              const peers = listed(valueAt(rule, "from"));
              const known = peers.every(
                (peer) =>
                  ["gateway", "monitoring"].some((name) => JSON.stringify(peer).includes(`"${name}"`)) ||
                  isSamePod(peer, labels),
              );
              return peers.length > 0 && known
                ? []
                : [{ ...base, status: "fail" as const, observed: shown(rule) }];
            });
        },
        "there is no engine",
      );
    },
  },
];
