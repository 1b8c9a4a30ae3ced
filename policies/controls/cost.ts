import { ofType, type ResourceNode } from "../../graph/graph.ts";
import { isUnknown, valueAt, type GraphValue } from "../../graph/values.ts";
import { ALWAYS, type Control, type Problem } from "./control.ts";
import { returnsOneSeries } from "./one-series.ts";
import { checked, expectInput, listed, problemAt } from "./reading.ts";

const NONE: Control["legal"] = [];
const isCount = (value: GraphValue | undefined): boolean =>
  typeof value === "number" && Number.isInteger(value) && value > 0;

function gpuCeiling(node: ResourceNode): ReturnType<typeof expectInput> {
  switch (node.type) {
    case "kubernetes:keda.sh/v1alpha1:ScaledObject":
      return expectInput(node, "spec.maxReplicaCount", "a number; KEDA's own default is 100", isCount);
    case "kubernetes:karpenter.sh/v1:NodePool":
      return expectInput(node, "spec.limits", "a limit on nvidia.com/gpu", (value) =>
        isCount((value as Readonly<Record<string, GraphValue>> | undefined)?.["nvidia.com/gpu"]),
      );
    case "aws:eks/nodeGroup:NodeGroup":
      return expectInput(node, "scalingConfig.maxSize", "a number", isCount);
    default:
      return expectInput(node, "autoscaling", "totalMaxNodeCount or maxNodeCount", (value) => {
        const scaling = value as Readonly<Record<string, GraphValue>> | undefined;
        return isCount(scaling?.["totalMaxNodeCount"]) || isCount(scaling?.["maxNodeCount"]);
      });
  }
}

/** Queries of a scaler that may return several series, which KEDA takes for an error. */
function severalSeries(node: ResourceNode): Problem[] {
  const expected = "queries that return one series";
  const triggers = valueAt(node.inputs, "spec.triggers");
  if (!Array.isArray(triggers)) return [problemAt(node.urn, "spec.triggers", triggers, expected)];
  return listed(triggers).flatMap((trigger, index): Problem[] => {
    const type = valueAt(trigger, "type");
    const property = `spec.triggers.${index}.metadata.query`;
    if (isUnknown(trigger) || isUnknown(type))
      return [problemAt(node.urn, property, { $unknown: true }, expected)];
    if (type !== "prometheus") return [];
    return expectInput(
      node,
      property,
      expected,
      (query) => typeof query === "string" && returnsOneSeries(query),
    );
  });
}

/** Controls of cost. */
export const costControls: readonly Control[] = [
  {
    id: "COST-02",
    title: "The ceiling is within the budget",
    severity: "high",
    platforms: ["prices"],
    legal: NONE,
    levels: ALWAYS,
    rationale: "Everything at its maximum is what an environment can cost at worst.",
    remediation: "Lower the maxima, or raise budget.monthly in a pull request.",
    blindSpots: "Traffic, requests and log volume, which are billed by use.",
    evaluate: (_graph, { cost }) => {
      if (cost.kind === "nothing-rented") return { kind: "not-applicable", reason: "nothing is rented" };
      if (cost.kind === "not-computed")
        return {
          kind: "checked",
          resources: [],
          problems: [
            {
              status: "unknown",
              resource: "stack",
              property: "budget.monthly",
              observed: cost.reason,
              expected: "a ceiling that can be computed",
            },
          ],
        };
      const { ceilingUsd, budgetUsd } = cost;
      return {
        kind: "checked",
        resources: ["stack"],
        problems:
          ceilingUsd <= budgetUsd
            ? []
            : [
                {
                  status: "fail",
                  resource: "stack",
                  property: "budget.monthly",
                  observed: `ceiling ${ceilingUsd} USD per month`,
                  expected: `at most ${budgetUsd} USD`,
                },
              ],
      };
    },
  },
  {
    id: "COST-03",
    title: "Every autoscaler has a finite ceiling",
    sources: ["https://github.com/kedacore/keda/blob/8b4f083/apis/keda/v1alpha1/scaledobject_types.go"],
    severity: "high",
    platforms: ["aws", "gcp", "kubernetes"],
    legal: NONE,
    levels: ALWAYS,
    rationale: "An autoscaler without a maximum is a bill without a maximum.",
    remediation: "Set maxReplicas and the pool's nodes.max.",
    blindSpots: "Autoscalers inside third-party charts.",
    evaluate: (graph) =>
      checked(
        graph.nodes.filter(({ type }) =>
          [
            "kubernetes:keda.sh/v1alpha1:ScaledObject",
            "kubernetes:karpenter.sh/v1:NodePool",
            "aws:eks/nodeGroup:NodeGroup",
            "gcp:container/nodePool:NodePool",
          ].includes(type),
        ),
        gpuCeiling,
        "nothing scales",
      ),
  },
  {
    id: "COST-11",
    title: "A scaler's queries return one series",
    sources: ["https://keda.sh/docs/2.20/scalers/prometheus/"],
    severity: "high",
    platforms: ["kubernetes"],
    legal: NONE,
    levels: ALWAYS,
    rationale:
      "KEDA takes several series for an error, so a scaler that sums nothing never scales with more than one replica.",
    remediation: "Sum over the pods, and add sums only.",
    blindSpots:
      "Whether the metric exists; docs/testing.md says which engines' names were read from their source.",
    evaluate: (graph) =>
      checked(ofType(graph, "kubernetes:keda.sh/v1alpha1:ScaledObject"), severalSeries, "nothing scales"),
  },
  {
    id: "COST-04",
    title: "GPU quota per tenant",
    severity: "medium",
    platforms: ["kubernetes"],
    legal: NONE,
    levels: ALWAYS,
    rationale: "A quota holds even when somebody edits an autoscaler by hand.",
    remediation: "Declare the tenant with the Tenant component.",
    blindSpots: "Namespaces made outside of the stack.",
    evaluate: (graph, { tenantGpus }) => {
      const quotas = ofType(graph, "kubernetes:core/v1:ResourceQuota");
      const missing = Object.keys(tenantGpus).filter(
        (tenant) =>
          !quotas.some(({ inputs }) =>
            JSON.stringify(inputs["metadata"] ?? "").includes(`"namespace":"${tenant}"`),
          ),
      );
      if (Object.keys(tenantGpus).length === 0)
        return { kind: "not-applicable", reason: "there is no tenant" };
      const hard = quotas.flatMap((quota) =>
        expectInput(quota, "spec.hard", "requests.nvidia.com/gpu as declared for the tenant", (value) => {
          const namespace = (quota.inputs["metadata"] as Readonly<Record<string, GraphValue>> | undefined)?.[
            "namespace"
          ];
          const declared = typeof namespace === "string" ? tenantGpus[namespace] : undefined;
          const gpus = (value as Readonly<Record<string, GraphValue>> | undefined)?.[
            "requests.nvidia.com/gpu"
          ];
          return declared === undefined || gpus === String(declared);
        }),
      );
      return {
        kind: "checked",
        resources: quotas.map(({ urn }) => urn),
        problems: [
          ...hard,
          ...missing.map((tenant) => ({
            status: "fail" as const,
            resource: "stack",
            observed: `tenant ${tenant} has no quota`,
            expected: "a ResourceQuota with requests.nvidia.com/gpu",
          })),
        ],
      };
    },
  },
];
