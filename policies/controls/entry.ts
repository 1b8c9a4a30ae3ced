import { ofType, type ResourceGraph, type ResourceNode } from "../../graph/graph.ts";
import { isUnknown, valueAt, type GraphValue } from "../../graph/values.ts";
import { ANNEX_III_FROM, GDPR_FROM, STRICT, type Control, type Problem } from "./control.ts";
import { gatewayOf } from "./gateway-configuration.ts";
import { expectInput, listed, naming, problemAt } from "./reading.ts";

const BALANCER = "aws:lb/loadBalancer:LoadBalancer";
const LISTENER = "aws:lb/listener:Listener";
const GROUP = "aws:ec2/securityGroup:SecurityGroup";
const GROUP_RULE = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule";
const GATEWAY = "kubernetes:gateway.networking.k8s.io/v1:Gateway";
const GATEWAY_POLICY = "kubernetes:networking.gke.io/v1:GCPGatewayPolicy";
const BACKEND_POLICY = "kubernetes:networking.gke.io/v1:GCPBackendPolicy";
const SSL_POLICY = "gcp:compute/regionSslPolicy:RegionSslPolicy";
const ARMOR = "gcp:compute/regionSecurityPolicy:RegionSecurityPolicy";
const SERVICE = "kubernetes:core/v1:Service";

/** Policies of AWS that begin at TLS 1.2: those named after it, with or without 1.3, FIPS and forward secrecy. */
const TLS_FROM_1_2 = /^ELBSecurityPolicy-(TLS13-1-[23]|TLS-1-2|FS-1-2)-/;

/** Widest network that counts as named, prefix length. */
const WIDEST_PREFIX = 8;

const NAMED = `named networks, none wider than a /${WIDEST_PREFIX}`;

function isNamed(network: GraphValue): boolean {
  if (typeof network !== "string") return false;
  const prefix = Number(/^\d+\.\d+\.\d+\.\d+\/(\d+)$/.exec(network)?.[1]);
  return prefix >= WIDEST_PREFIX;
}

/** A list of networks that must be there, known, and not the whole internet. */
function namedNetworks(resource: string, property: string, networks: GraphValue | undefined): Problem[] {
  const unknown = isUnknown(networks) ? networks : listed(networks).find(isUnknown);
  if (unknown !== undefined) return [problemAt(resource, property, unknown, NAMED)];
  const all = listed(networks);
  return all.length > 0 && all.every(isNamed) ? [] : [problemAt(resource, property, networks, NAMED)];
}

function knownCallers(graph: ResourceGraph, entry: ResourceNode): Problem[] {
  const gateway = gatewayOf(graph);
  const expected = "a gateway whose every client has a key or a subject";
  if (gateway === undefined) return [problemAt(entry.urn, undefined, undefined, expected)];
  const { node, configuration } = gateway;
  const clients = valueAt(configuration, "clients");
  if (isUnknown(clients)) return [problemAt(node.urn, "data", clients, expected)];
  const all = listed(clients);
  const identified = all.filter(
    (client) => [...listed(valueAt(client, "keys")), ...listed(valueAt(client, "subjects"))].length > 0,
  );
  return all.length > 0 && identified.length === all.length
    ? []
    : [problemAt(node.urn, "clients", clients, expected)];
}

function ingressOf(graph: ResourceGraph, group: ResourceNode): Problem[] {
  const inline = valueAt(group.inputs, "ingress");
  if (isUnknown(inline)) return [problemAt(group.urn, "ingress", inline, NAMED)];
  return [
    ...listed(inline).flatMap((rule, index) => [
      ...namedNetworks(group.urn, `ingress.${index}.cidrBlocks`, valueAt(rule, "cidrBlocks")),
      ...(valueAt(rule, "ipv6CidrBlocks") === undefined
        ? []
        : [
            problemAt(
              group.urn,
              `ingress.${index}.ipv6CidrBlocks`,
              valueAt(rule, "ipv6CidrBlocks") ?? null,
              NAMED,
            ),
          ]),
    ]),
    ...naming(graph, GROUP_RULE, "securityGroupId", group.urn).flatMap((rule) =>
      namedNetworks(rule.urn, "cidrIpv4", [valueAt(rule.inputs, "cidrIpv4") ?? null]),
    ),
  ];
}

function awsEntry(graph: ResourceGraph, balancer: ResourceNode): Problem[] {
  const listeners = naming(graph, LISTENER, "loadBalancerArn", balancer.urn);
  const groups = ofType(graph, GROUP).filter(({ urn }) =>
    (balancer.propertyDependencies["securityGroups"] ?? []).includes(urn),
  );
  return [
    ...expectInput(balancer, "accessLogs.enabled", "true", (value) => value === true),
    ...(listeners.length === 0
      ? [problemAt(balancer.urn, undefined, undefined, "a listener of this stack")]
      : listeners.flatMap((listener) => [
          ...expectInput(listener, "protocol", '"HTTPS"', (value) => value === "HTTPS"),
          ...expectInput(
            listener,
            "sslPolicy",
            "a policy that begins at TLS 1.2",
            (value) => typeof value === "string" && TLS_FROM_1_2.test(value),
          ),
        ])),
    ...(groups.length === 0
      ? [problemAt(balancer.urn, "securityGroups", undefined, "a security group of this stack")]
      : groups.flatMap((group) => ingressOf(graph, group))),
    ...knownCallers(graph, balancer),
  ];
}

/** Policies of GKE for a Gateway, or for what is behind it. */
function policiesOf(
  graph: ResourceGraph,
  type: string,
  kind: string,
  name: GraphValue | undefined,
): ResourceNode[] {
  return ofType(graph, type).filter(
    ({ inputs }) =>
      valueAt(inputs, "spec.targetRef.kind") === kind &&
      (name === undefined || valueAt(inputs, "spec.targetRef.name") === name),
  );
}

/** Resource of a type that a policy names. */
function named(
  graph: ResourceGraph,
  policies: readonly ResourceNode[],
  type: string,
): ResourceNode | undefined {
  return ofType(graph, type).find(({ urn }) =>
    policies.some(({ propertyDependencies }) => (propertyDependencies["spec"] ?? []).includes(urn)),
  );
}

/** Rules of Cloud Armor: the last one refuses, and what is let in has a named network, or asks only whether it is ready. */
function armorRules(armor: ResourceNode): Problem[] {
  const rules = valueAt(armor.inputs, "rules");
  if (isUnknown(rules)) return [problemAt(armor.urn, "rules", rules, NAMED)];
  const all = listed(rules);
  const last = all.toSorted((a, b) => Number(valueAt(b, "priority")) - Number(valueAt(a, "priority")))[0];
  const lastAction = last === undefined ? undefined : valueAt(last, "action");
  return [
    ...(typeof lastAction === "string" && lastAction.startsWith("deny")
      ? []
      : [problemAt(armor.urn, "rules", lastAction, "a last rule that refuses")]),
    ...all.flatMap((rule, index) => {
      const action = valueAt(rule, "action");
      const asksReadiness = valueAt(rule, "match.expr.expression") === "request.path == '/readyz'";
      if (asksReadiness || (typeof action === "string" && action.startsWith("deny"))) return [];
      return namedNetworks(armor.urn, `rules.${index}`, valueAt(rule, "match.config.srcIpRanges"));
    }),
  ];
}

function gcpEntry(graph: ResourceGraph, gateway: ResourceNode): Problem[] {
  const listeners = valueAt(gateway.inputs, "spec.listeners");
  const name = valueAt(gateway.inputs, "metadata.name");
  const tls = named(graph, policiesOf(graph, GATEWAY_POLICY, "Gateway", name), SSL_POLICY);
  const backends = policiesOf(graph, BACKEND_POLICY, "Service", undefined);
  const armor = named(graph, backends, ARMOR);
  const missing = (what: string): Problem[] => [problemAt(gateway.urn, undefined, undefined, what)];
  const https = listed(listeners).map((listener) => valueAt(listener, "protocol") ?? null);
  return [
    ...(https.length > 0 && https.every((protocol) => protocol === "HTTPS")
      ? []
      : [
          problemAt(
            gateway.urn,
            "spec.listeners",
            isUnknown(listeners) ? listeners : (https.find(isUnknown) ?? [...https]),
            "HTTPS alone",
          ),
        ]),
    ...(tls === undefined
      ? missing("an SSL policy of this stack")
      : expectInput(
          tls,
          "minTlsVersion",
          "TLS_1_2 or TLS_1_3",
          (value) => value === "TLS_1_2" || value === "TLS_1_3",
        )),
    ...(armor === undefined ? missing("a security policy of this stack") : armorRules(armor)),
    ...(backends.length === 0
      ? missing("a policy of its backend that keeps a log")
      : backends.flatMap((backend) =>
          expectInput(backend, "spec.default.logging.enabled", "true", (value) => value === true),
        )),
    ...knownCallers(graph, gateway),
  ];
}

/** Controls of the way in from outside of the cluster. */
export const entryControls: readonly Control[] = [
  {
    id: "AIA-SEC-06",
    title: "Callers from outside come in encrypted, from named networks, identified and logged",
    sources: [
      "https://docs.aws.amazon.com/elasticloadbalancing/latest/application/describe-ssl-policies.html",
      "https://cloud.google.com/kubernetes-engine/docs/how-to/configure-gateway-resources",
    ],
    severity: "high",
    platforms: ["aws", "gcp", "kubernetes"],
    legal: [
      { reference: "AI Act Art. 15(5)", appliesFrom: ANNEX_III_FROM },
      { reference: "GDPR Art. 32(1)(a)", appliesFrom: GDPR_FROM },
    ],
    levels: STRICT,
    rationale:
      "What is open to the network is found within minutes, and prompts are personal data on their way.",
    remediation:
      "Use gateway.entry: it makes TLS from 1.2, source ranges and access logs; any other Service is of type ClusterIP.",
    blindSpots:
      "Load balancers that tenants, charts or people make; a provider's own certificate checks; networks behind the named ones.",
    evaluate: (graph) => {
      const entries = [...ofType(graph, BALANCER), ...ofType(graph, GATEWAY)];
      const services = ofType(graph, SERVICE);
      if (entries.length + services.length === 0)
        return { kind: "not-applicable", reason: "nothing is reached over the network" };
      return {
        kind: "checked",
        resources: [...entries, ...services].map(({ urn }) => urn),
        problems: [
          ...entries.flatMap((entry) =>
            entry.type === BALANCER ? awsEntry(graph, entry) : gcpEntry(graph, entry),
          ),
          ...services.flatMap((service) =>
            expectInput(
              service,
              "spec.type",
              "ClusterIP",
              (value) => value === undefined || value === "ClusterIP",
            ),
          ),
        ],
      };
    },
  },
];
