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

/** A workload whose pods answer under a name, and what an evaluation must call the weights behind it. */
interface Answering {
  readonly workload: ResourceNode;
  readonly name: string;
  readonly weights: string;
}

/** What an annotation says about the evaluation of a name; unknown where the annotations are. */
function annotation(
  { workload, name }: Answering,
  key: string,
): { readonly path: string; readonly value: GraphValue | undefined } {
  const full = `${name}.evaluation.llmops.io/${key}`;
  const all = valueAt(workload.inputs, "metadata.annotations");
  return { path: `metadata.annotations["${full}"]`, value: isRecord(all) ? all[full] : all };
}

function expectAnnotation(answering: Answering, key: string, expected: GraphValue | undefined): Problem[] {
  const { path, value } = annotation(answering, key);
  if (typeof value === "string" && value === expected) return [];
  const judged = isUnknown(expected) ? expected : value;
  const wanted = typeof expected === "string" ? expected : "what the gateway is configured with";
  return [problemAt(answering.workload.urn, path, judged, wanted)];
}

/** Exactly what is served: weights from the stack file, prompts and guardrails from the gateway's own configuration. */
function sameVersion(graph: ResourceGraph, answering: Answering): Problem[] {
  const configuration = gatewayOf(graph)?.configuration;
  const hashes =
    configuration === undefined || isUnknown(configuration)
      ? undefined
      : surroundingHashes(configuration, answering.name);
  const unreadable: GraphValue = { $unknown: true };
  return [
    ...expectAnnotation(answering, "model", answering.weights),
    ...expectAnnotation(answering, "prompt", hashes?.prompt ?? unreadable),
    ...expectAnnotation(answering, "guardrails", hashes?.guardrails ?? unreadable),
  ];
}

function freshReport(
  answering: Answering,
  { asOf, evaluationMaxAgeDays }: Pick<ControlContext, "asOf" | "evaluationMaxAgeDays">,
): Problem[] {
  const { urn } = answering.workload;
  const report = annotation(answering, "report");
  const on = annotation(answering, "date");
  const ageDays =
    typeof on.value === "string" ? (Date.parse(asOf) - Date.parse(on.value)) / DAY_MS : Number.NaN;
  return [
    ...(typeof report.value === "string" && /^sha256:[0-9a-f]{64}$/.test(report.value)
      ? []
      : [problemAt(urn, report.path, report.value, "the digest of a signed evaluation report")]),
    ...(ageDays >= 0 && ageDays <= evaluationMaxAgeDays
      ? []
      : [problemAt(urn, on.path, on.value, `a day at most ${evaluationMaxAgeDays} days ago`)]),
  ];
}

function asksTemplate(analysis: GraphValue | undefined, names: ReadonlySet<GraphValue>): boolean {
  return (
    analysis !== undefined &&
    listed(valueAt(analysis, "templates")).some((each) => names.has(valueAt(each, "templateName") ?? null))
  );
}

/** Whether the gate stands before the first request, before the switch or before the first weight above zero, and asks for all of these weights. */
function gateFirst(graph: ResourceGraph, rollout: ResourceNode, weights: readonly string[]): Problem[] {
  const gates = new Set(
    ofType(graph, TEMPLATE)
      .filter(
        ({ inputs }) =>
          valueAt(inputs, "metadata.namespace") === valueAt(rollout.inputs, "metadata.namespace") &&
          listed(valueAt(inputs, "spec.metrics")).some((metric) => {
            const asked = listed(valueAt(metric, "provider.job.spec.template.spec.containers")).flatMap(
              (container) => listed(valueAt(container, "args")),
            );
            return (
              valueAt(metric, "name") === "signed-evaluation" &&
              weights.every((each) => asked.includes(`--model=${each}`))
            );
          }),
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

/** Whether pods have a gate of this name among what runs first, and it asks for this. */
function podsGated(
  { urn, inputs }: ResourceNode,
  pod: string,
  name: string,
  wanted: readonly (string | undefined)[],
): Problem[] {
  const path = `${pod}.initContainers`;
  const containers = valueAt(inputs, path);
  const gate = listed(containers).find((each) => valueAt(each, "name") === `gate-${name}`);
  const given = listed(gate === undefined ? undefined : valueAt(gate, "args"));
  if (wanted.every((each) => each !== undefined && given.includes(each))) return [];
  const observed = isUnknown(containers) ? containers : gate === undefined ? "no gate" : given;
  return [
    problemAt(urn, path, observed, `gate-${name}, which verifies the report ${name} is annotated with`),
  ];
}

/**
 * The gateway stands behind the same gate: its prompts and guardrails change without a pod of the model, so the gate of the model's delivery never
 * sees them.
 */
function gatewayGated(graph: ResourceGraph, answering: Answering): Problem[] {
  const { workload, name } = answering;
  const set = graph.nodes.find(
    (each) => each.type === STATEFUL_SET && isBelow(graph, each, ["llmops:gateway:Gateway"]),
  );
  const unreadable: GraphValue = { $unknown: true };
  if (set === undefined)
    return [problemAt(workload.urn, "gateway", unreadable, "a gateway that verifies the signed report")];
  const wanted = (["report", "prompt", "guardrails"] as const).map((what) => {
    const { value } = annotation(answering, what);
    return typeof value === "string" ? `--${what}=${value}` : undefined;
  });
  return podsGated(set, "spec.template.spec", name, wanted);
}

/** Where the workloads of engines describe the pods that answer. */
const ENGINE_PODS: ReadonlyMap<string, string> = new Map([
  ["kubernetes:apps/v1:Deployment", "spec.template.spec"],
  ["kubernetes:leaderworkerset.x-k8s.io/v1:LeaderWorkerSet", "spec.leaderWorkerTemplate.leaderTemplate.spec"],
]);

/** What answers through a workload: everything the model of its name is called by. */
function answeringOf(workload: ResourceNode, { models }: ControlContext): Answering[] | undefined {
  const model = models.find(({ name }) => name === valueAt(workload.inputs, "metadata.name"));
  return model?.answers.map(({ name, weights }) => ({ workload, name, weights }));
}

/** Whether a workload rests on evaluations of exactly what is served, and nothing gets traffic before they are verified. */
function evaluated(
  graph: ResourceGraph,
  workload: ResourceNode,
  context: ControlContext,
  gated: (answering: readonly Answering[]) => readonly Problem[],
): Problem[] {
  const answering = answeringOf(workload, context);
  if (answering === undefined)
    return [
      problemAt(workload.urn, "metadata.name", { $unknown: true }, "a model that the stack file declares"),
    ];
  return [
    ...answering.flatMap((each) => [
      ...sameVersion(graph, each),
      ...freshReport(each, context),
      ...gatewayGated(graph, each),
    ]),
    ...gated(answering),
  ];
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
      "Evaluate exactly this version, sign the report, commit it and write its digest under models[].delivery.evaluation, or under engine.adapters[].evaluation for an adapter.",
    blindSpots:
      "The signature and the verdict of the report: the gates verify both in the cluster, before a switch and before a pod of an engine or of the gateway starts. Models of external providers.",
    evaluate: (graph, context) => {
      const rollouts = ofType(graph, ROLLOUT);
      const inSteps = new Set(rollouts.map(({ inputs }) => valueAt(inputs, "metadata.name")));
      // What a rollout delivers starts no pod of its own.
      const engines = graph.nodes.filter(
        (node) =>
          ENGINE_PODS.has(node.type) &&
          isBelow(graph, node, ["llmops:serving:ModelService"]) &&
          !inSteps.has(valueAt(node.inputs, "metadata.name")),
      );
      return checked(
        [...rollouts, ...engines],
        (node) =>
          evaluated(graph, node, context, (answering) =>
            node.type === ROLLOUT
              ? gateFirst(
                  graph,
                  node,
                  answering.map(({ weights }) => weights),
                )
              : answering.flatMap(({ name, weights }) =>
                  podsGated(node, ENGINE_PODS.get(node.type) ?? "", name, [`--model=${weights}`]),
                ),
          ),
        "no model is served",
      );
    },
  },
];
