import type { ResourceNode } from "../../graph/graph.ts";
import { isRecord, valueAt } from "../../graph/values.ts";
import { ALWAYS, ANNEX_III_FROM, GENERAL_FROM, STRICT, type Control, type Problem } from "./control.ts";
import { checked, expectInput, problemAt } from "./reading.ts";
import { workloads } from "./workloads.ts";

function containers(node: ResourceNode): number {
  const list = valueAt(node.inputs, "spec.template.spec.containers");
  return Array.isArray(list) ? list.length : 0;
}

function pinned(node: ResourceNode): Problem[] {
  return Array.from({ length: containers(node) }, (_, at) =>
    expectInput(
      node,
      `spec.template.spec.containers.${at}.image`,
      "an image with @sha256: and its digest",
      (value) => typeof value === "string" && /@sha256:[0-9a-f]{64}$/.test(value),
    ),
  ).flat();
}

/** Controls of governance. */
export const governanceControls: readonly Control[] = [
  {
    id: "AIA-GOV-01",
    title: "System declared and classified",
    severity: "high",
    platforms: ["configuration"],
    legal: [
      { reference: "AI Act Art. 6", appliesFrom: ANNEX_III_FROM },
      { reference: "AI Act Art. 26(1)", appliesFrom: ANNEX_III_FROM },
    ],
    levels: ALWAYS,
    rationale: "Which rules apply follows from what the system is for.",
    remediation: "Fill in riskClass: level, role, intendedPurpose, owner.",
    blindSpots: "Whether the classification is right.",
    evaluate: (graph, { models, intendedPurpose, owner }) => {
      if (models.length === 0) return { kind: "not-applicable", reason: "the stack serves no model" };
      const missing = [
        ...(intendedPurpose.trim().length < 20 ? ["riskClass.intendedPurpose"] : []),
        ...(owner.trim() === "" ? ["riskClass.owner"] : []),
      ];
      return {
        kind: "checked",
        resources: graph.nodes
          .filter(({ type }) => type === "llmops:serving:ModelService")
          .map(({ urn }) => urn),
        problems: missing.map((property) => ({
          status: "fail",
          resource: "stack",
          property,
          observed: "empty or too short",
          expected: "a sentence that says what the system is for, and who answers for it",
        })),
      };
    },
  },
  {
    id: "AIA-GOV-02",
    title: "Every workload names its client and environment",
    severity: "medium",
    platforms: ["kubernetes"],
    legal: [{ reference: "AI Act Art. 12(2)", appliesFrom: ANNEX_III_FROM }],
    levels: STRICT,
    rationale: "Records and costs can be traced to a system only when its workloads carry its name.",
    remediation: "Pass labels to the component.",
    blindSpots: "Workloads that charts create.",
    evaluate: (graph) =>
      checked(
        workloads(graph),
        (node) => {
          const labels = valueAt(node.inputs, "metadata.labels");
          return ["llmops.io/client", "llmops.io/environment"]
            .map((key) => [key, isRecord(labels) ? labels[key] : labels] as const)
            .filter(([, value]) => typeof value !== "string")
            .map(([key, value]) => problemAt(node.urn, `metadata.labels["${key}"]`, value, "a label"));
        },
        "there is no workload",
      ),
  },
  {
    id: "AIA-GOV-03",
    title: "Images pinned by digest",
    severity: "high",
    platforms: ["kubernetes"],
    legal: [
      { reference: "AI Act Art. 12(2)(a)", appliesFrom: ANNEX_III_FROM },
      { reference: "AI Act Annex IV(2)", appliesFrom: GENERAL_FROM },
    ],
    levels: STRICT,
    rationale: "A tag can change under a running system; a digest cannot, so a change of the system shows.",
    remediation: "Write <image>@sha256:<digest>.",
    blindSpots: "Images inside third-party charts.",
    evaluate: (graph) => checked(workloads(graph), pinned, "there is no workload"),
  },
];
