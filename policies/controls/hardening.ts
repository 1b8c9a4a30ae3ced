import type { ResourceNode } from "../../graph/graph.ts";
import { ofType } from "../../graph/graph.ts";
import { isRecord, isUnknown, valueAt, type GraphValue } from "../../graph/values.ts";
import { ANNEX_III_FROM, GDPR_FROM, byRisk, STRICT, type Control, type Problem } from "./control.ts";
import { checked, expectInput, listed, problemAt, textOf } from "./reading.ts";
import { workloads } from "./workloads.ts";

/** Resources that are a static key. */
const STATIC_KEYS = ["aws:iam/accessKey:AccessKey", "gcp:serviceaccount/key:Key"];
/** Variables that carry a cloud's static key. */
const KEY_VARIABLES = /^(AWS_ACCESS_KEY_ID|AWS_SECRET_ACCESS_KEY|GOOGLE_APPLICATION_CREDENTIALS)$/;

function identity(node: ResourceNode): Problem[] {
  switch (node.type) {
    case "aws:ec2/launchTemplate:LaunchTemplate":
      return [
        ...expectInput(node, "metadataOptions.httpTokens", '"required"', (value) => value === "required"),
        ...expectInput(node, "metadataOptions.httpPutResponseHopLimit", "1", (value) => value === 1),
      ];
    case "kubernetes:karpenter.k8s.aws/v1:EC2NodeClass":
      return [
        ...expectInput(
          node,
          "spec.metadataOptions.httpTokens",
          '"required"',
          (value) => value === "required",
        ),
        ...expectInput(node, "spec.metadataOptions.httpPutResponseHopLimit", "1", (value) => value === 1),
      ];
    case "gcp:container/nodePool:NodePool":
      return expectInput(
        node,
        "nodeConfig.workloadMetadataConfig.mode",
        '"GKE_METADATA"',
        (value) => value === "GKE_METADATA",
      );
    case "gcp:container/cluster:Cluster":
      return expectInput(
        node,
        "workloadIdentityConfig.workloadPool",
        "a workload pool",
        (value) => typeof value === "string" && value !== "",
      );
    default:
      return STATIC_KEYS.includes(node.type)
        ? [problemAt(node.urn, undefined, "a static key", "an identity of the workload")]
        : staticVariables(node);
  }
}

/** Where a workload lists what runs in its pod. */
const CONTAINER_LISTS = ["spec.template.spec.containers", "spec.template.spec.initContainers"] as const;

/** Lists of containers that nobody can read before deployment. */
function unreadLists(node: ResourceNode): Problem[] {
  return CONTAINER_LISTS.flatMap((list) => {
    const value = valueAt(node.inputs, list);
    return isUnknown(value) ? [problemAt(node.urn, list, value, "containers that can be read")] : [];
  });
}

function staticVariables(node: ResourceNode): Problem[] {
  const found = CONTAINER_LISTS.flatMap((list) =>
    listed(valueAt(node.inputs, list)).flatMap((container, at) => {
      const env = valueAt(container, "env");
      const property = `${list}.${at}.env`;
      if (isUnknown(env)) return [problemAt(node.urn, property, env, "variables that can be read")];
      return listed(env)
        .filter((variable) => KEY_VARIABLES.test(textOf(valueAt(variable, "name"))))
        .map((variable) =>
          problemAt(node.urn, property, valueAt(variable, "name"), "an identity of the workload"),
        );
    }),
  );
  return [...unreadLists(node), ...found];
}

const IDENTITIES = [
  "aws:ec2/launchTemplate:LaunchTemplate",
  "kubernetes:karpenter.k8s.aws/v1:EC2NodeClass",
  "gcp:container/nodePool:NodePool",
  "gcp:container/cluster:Cluster",
  ...STATIC_KEYS,
];

function hardened(node: ResourceNode): Problem[] {
  const pod = valueAt(node.inputs, "spec.template.spec");
  const at = "spec.template.spec";
  if (isUnknown(pod)) return [problemAt(node.urn, at, pod, "a pod that can be read")];
  const root = valueAt(pod ?? null, "securityContext.runAsNonRoot");
  const containers = CONTAINER_LISTS.flatMap((list) => listed(valueAt(node.inputs, list)));
  const expect = (
    value: GraphValue | undefined,
    property: string,
    expected: string,
    isMet: boolean,
  ): Problem[] => (isMet ? [] : [problemAt(node.urn, property, value, expected)]);
  return [
    ...expect(root, `${at}.securityContext.runAsNonRoot`, "true", root === true),
    ...unreadLists(node),
    ...containers.flatMap((container) => {
      const name = textOf(valueAt(container, "name"));
      const context = valueAt(container, "securityContext");
      const property = `container ${name} securityContext`;
      const escalation = isRecord(context) ? context["allowPrivilegeEscalation"] : context;
      const privileged = isRecord(context) ? context["privileged"] : context;
      const dropped = isRecord(context) ? valueAt(context, "capabilities.drop") : context;
      return [
        ...expect(escalation, `${property}.allowPrivilegeEscalation`, "false", escalation === false),
        ...expect(
          privileged,
          `${property}.privileged`,
          "false",
          privileged === false || (isRecord(context) && privileged === undefined),
        ),
        ...expect(dropped, `${property}.capabilities.drop`, '["ALL"]', listed(dropped).includes("ALL")),
      ];
    }),
  ];
}

function restricted(node: ResourceNode): Problem[] {
  return expectInput(node, "metadata.labels", "pod-security.kubernetes.io/enforce: restricted", (labels) =>
    isRecord(labels) ? labels["pod-security.kubernetes.io/enforce"] === "restricted" : false,
  );
}

/** Controls of identities and workloads. */
export const hardeningControls: readonly Control[] = [
  {
    id: "AIA-SEC-03",
    title: "Workloads have identities, not keys",
    severity: "high",
    platforms: ["aws", "gcp", "kubernetes"],
    legal: [
      { reference: "AI Act Art. 15(5)", appliesFrom: ANNEX_III_FROM },
      { reference: "GDPR Art. 32(1)(b)", appliesFrom: GDPR_FROM },
    ],
    levels: STRICT,
    rationale: "A static key that leaks works until somebody notices.",
    remediation: "Use pod identity or workload identity; require IMDSv2 with a hop limit of 1.",
    blindSpots: "Keys inside images and Secrets that others fill.",
    evaluate: (graph) =>
      checked(
        [...graph.nodes.filter(({ type }) => IDENTITIES.includes(type)), ...workloads(graph)],
        identity,
        "there is no node and no workload",
      ),
  },
  {
    id: "AIA-SEC-05",
    title: "Workloads run without privileges",
    severity: "high",
    platforms: ["kubernetes"],
    legal: [{ reference: "AI Act Art. 15(5)", appliesFrom: ANNEX_III_FROM }],
    levels: byRisk("M", "M", "A", "A"),
    rationale: "What a container cannot do, an attacker in it cannot do either.",
    remediation:
      "Use the components; they meet the restricted Pod Security Standard, and the namespace enforces it.",
    blindSpots: "Pods of third-party charts, among them the GPU device plugin, which is privileged.",
    evaluate: (graph) => {
      const found = workloads(graph);
      const names = new Set(found.map(({ inputs }) => valueAt(inputs, "metadata.namespace")));
      const namespaces = ofType(graph, "kubernetes:core/v1:Namespace").filter(({ inputs }) =>
        names.has(valueAt(inputs, "metadata.name")),
      );
      return checked(
        [...found, ...namespaces],
        (node) => (node.type.endsWith(":Namespace") ? restricted(node) : hardened(node)),
        "there is no workload",
      );
    },
  },
];
