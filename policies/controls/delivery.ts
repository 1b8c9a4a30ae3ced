import type { ResourceGraph, ResourceNode } from "../../graph/graph.ts";
import { ofType } from "../../graph/graph.ts";
import { isRecord, isUnknown, valueAt, type GraphValue } from "../../graph/values.ts";
import { ANNEX_III_FROM, STRICT, type Control, type ControlContext, type Problem } from "./control.ts";
import { gatewayOf } from "./gateway-configuration.ts";
import { checked, isBelow, listed, problemAt } from "./reading.ts";
import { surroundingHashes } from "./served.ts";

const DAY_MS = 86_400_000;
const ROLLOUT = "kubernetes:argoproj.io/v1alpha1:Rollout";
const STATEFUL_SET = "kubernetes:apps/v1:StatefulSet";
const TEMPLATE = "kubernetes:argoproj.io/v1alpha1:AnalysisTemplate";

/** An annotation of a rollout; unknown where the annotations are. */
function annotation(rollout: ResourceNode, key: string): GraphValue | undefined {
  const all = valueAt(rollout.inputs, "metadata.annotations");
  return isRecord(all) ? all[key] : all;
}

function expectAnnotation(rollout: ResourceNode, key: string, expected: GraphValue | undefined): Problem[] {
  const value = annotation(rollout, key);
  if (typeof value === "string" && value === expected) return [];
  const judged = isUnknown(expected) ? expected : value;
  const wanted = typeof expected === "string" ? expected : "what the gateway is configured with";
  return [problemAt(rollout.urn, `metadata.annotations["${key}"]`, judged, wanted)];
}

/** Weights as a report names them. */
function weights(content: string): string {
  return content.startsWith("sha256:") ? content : `gitCommit:${content}`;
}

/** Exactly what is served: weights from the stack file, prompts and guardrails from the gateway's own configuration. */
function sameVersion(graph: ResourceGraph, rollout: ResourceNode, { models }: ControlContext): Problem[] {
  const name = valueAt(rollout.inputs, "metadata.name");
  const subject = models.find((model) => model.name === name)?.subject;
  const content = subject?.slice(subject.indexOf("@") + 1);
  const configuration = gatewayOf(graph)?.configuration;
  const hashes =
    configuration === undefined || isUnknown(configuration) || typeof name !== "string"
      ? undefined
      : surroundingHashes(configuration, name);
  const unreadable: GraphValue = { $unknown: true };
  return [
    ...expectAnnotation(rollout, "llmops.io/evaluated-model", content && weights(content)),
    ...expectAnnotation(rollout, "llmops.io/evaluated-prompt", hashes?.prompt ?? unreadable),
    ...expectAnnotation(rollout, "llmops.io/evaluated-guardrails", hashes?.guardrails ?? unreadable),
  ];
}

function freshReport(
  rollout: ResourceNode,
  { asOf, evaluationMaxAgeDays }: Pick<ControlContext, "asOf" | "evaluationMaxAgeDays">,
): Problem[] {
  const report = annotation(rollout, "llmops.io/evaluation-report");
  const on = annotation(rollout, "llmops.io/evaluated-on");
  const ageDays = typeof on === "string" ? (Date.parse(asOf) - Date.parse(on)) / DAY_MS : Number.NaN;
  return [
    ...(typeof report === "string" && /^sha256:[0-9a-f]{64}$/.test(report)
      ? []
      : [
          problemAt(
            rollout.urn,
            'metadata.annotations["llmops.io/evaluation-report"]',
            report,
            "the digest of a signed evaluation report",
          ),
        ]),
    ...(ageDays >= 0 && ageDays <= evaluationMaxAgeDays
      ? []
      : [
          problemAt(
            rollout.urn,
            'metadata.annotations["llmops.io/evaluated-on"]',
            on,
            `a day at most ${evaluationMaxAgeDays} days ago`,
          ),
        ]),
  ];
}

function asksTemplate(analysis: GraphValue | undefined, names: ReadonlySet<GraphValue>): boolean {
  return (
    analysis !== undefined &&
    listed(valueAt(analysis, "templates")).some((each) => names.has(valueAt(each, "templateName") ?? null))
  );
}

/** Whether the gate stands before the first request: before the switch, or before the first weight above zero. */
function gateFirst(graph: ResourceGraph, rollout: ResourceNode): Problem[] {
  const gates = new Set(
    ofType(graph, TEMPLATE)
      .filter(
        ({ inputs }) =>
          valueAt(inputs, "metadata.namespace") === valueAt(rollout.inputs, "metadata.namespace") &&
          listed(valueAt(inputs, "spec.metrics")).some(
            (metric) => valueAt(metric, "name") === "signed-evaluation",
          ),
      )
      .map(({ inputs }) => valueAt(inputs, "metadata.name") ?? null),
  );
  const strategy = valueAt(rollout.inputs, "spec.strategy");
  const steps = listed(valueAt(rollout.inputs, "spec.strategy.canary.steps"));
  const firstWeight = steps.findIndex((step) => (valueAt(step, "setWeight") ?? 0) !== 0);
  const isGated =
    asksTemplate(valueAt(rollout.inputs, "spec.strategy.blueGreen.prePromotionAnalysis"), gates) ||
    steps.slice(0, Math.max(0, firstWeight)).some((step) => asksTemplate(valueAt(step, "analysis"), gates));
  if (isGated) return [];
  const observed: GraphValue = isUnknown(strategy) ? strategy : "traffic before a signed evaluation";
  return [
    problemAt(rollout.urn, "spec.strategy", observed, "an analysis that verifies the signed report first"),
  ];
}

/**
 * The gateway stands behind the same gate: its prompts and guardrails change without a pod of the model, so the gate of the model's delivery never
 * sees them.
 */
function gatewayGated(graph: ResourceGraph, rollout: ResourceNode): Problem[] {
  const set = graph.nodes.find(
    (each) => each.type === STATEFUL_SET && isBelow(graph, each, ["llmops:gateway:Gateway"]),
  );
  const path = "spec.template.spec.initContainers";
  const name = valueAt(rollout.inputs, "metadata.name");
  const unreadable: GraphValue = { $unknown: true };
  if (set === undefined || typeof name !== "string")
    return [problemAt(rollout.urn, "gateway", unreadable, "a gateway that verifies the signed report")];
  const containers = valueAt(set.inputs, path);
  const gate = listed(containers).find((each) => valueAt(each, "name") === `gate-${name}`);
  const given = listed(gate === undefined ? undefined : valueAt(gate, "args"));
  const wanted = (["report", "prompt", "guardrails"] as const).map((what) => {
    const key = what === "report" ? "llmops.io/evaluation-report" : `llmops.io/evaluated-${what}`;
    const value = annotation(rollout, key);
    return typeof value === "string" ? `--${what}=${value}` : undefined;
  });
  if (wanted.every((each) => each !== undefined && given.includes(each))) return [];
  const observed = isUnknown(containers) ? containers : gate === undefined ? "no gate" : given;
  return [problemAt(set.urn, path, observed, `gate-${name}, which verifies the report the rollout names`)];
}

/** Controls of how new versions get traffic. */
export const deliveryControls: readonly Control[] = [
  {
    id: "AIA-TST-03",
    title: "Traffic only for what a signed evaluation covers",
    severity: "high",
    platforms: ["kubernetes"],
    legal: [
      { reference: "AI Act Art. 9(8)", appliesFrom: ANNEX_III_FROM },
      { reference: "AI Act Art. 15(1)", appliesFrom: ANNEX_III_FROM },
    ],
    levels: STRICT,
    rationale: "Weights, prompts and guardrails answer together; a change of one of them is a new system.",
    remediation:
      "Evaluate exactly this version, sign the report, commit it and write its digest under models[].delivery.evaluation.",
    blindSpots:
      "The signature and the verdict of the report: the gate verifies both in the cluster before the switch and before a pod of the gateway starts. Rolling updates, and the first version of a model, which Argo Rollouts puts into service at once.",
    evaluate: (graph, context) =>
      checked(
        ofType(graph, ROLLOUT),
        (rollout) => [
          ...sameVersion(graph, rollout, context),
          ...freshReport(rollout, context),
          ...gateFirst(graph, rollout),
          ...gatewayGated(graph, rollout),
        ],
        "no model is delivered in steps",
      ),
  },
];
