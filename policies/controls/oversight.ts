import type { ResourceGraph, ResourceNode } from "../../graph/graph.ts";
import { ofType } from "../../graph/graph.ts";
import { isUnknown, valueAt, type GraphValue } from "../../graph/values.ts";
import { alertsWith, routingOf } from "./alerts.ts";
import { ANNEX_III_FROM, GDPR_FROM, byRisk, profileOf, type Control, type Problem } from "./control.ts";
import { engines, selects } from "./engines.ts";
import { gatewayOf, hasRole, type GatewayView } from "./gateway-configuration.ts";
import { absent, listed, problemAt, shown } from "./reading.ts";

const NO_MODEL = "the stack serves no model";
const HALF_A_YEAR_DAYS = 180;

function role(gateway: GatewayView, wanted: "review" | "stop"): Problem[] {
  if (hasRole(gateway, wanted)) return [];
  const keys = valueAt(gateway.configuration, "admin.keys");
  const observed: GraphValue = isUnknown(keys) ? keys : "nobody";
  return [problemAt(gateway.node.urn, "admin.keys", observed, `a key with the role "${wanted}"`)];
}

function disruption(graph: ResourceGraph, engine: ResourceNode): Problem[] {
  const labels = valueAt(engine.inputs, "spec.template.metadata.labels");
  const namespace = valueAt(engine.inputs, "metadata.namespace");
  const covered = ofType(graph, "kubernetes:policy/v1:PodDisruptionBudget").some(
    (budget) =>
      valueAt(budget.inputs, "metadata.namespace") === namespace &&
      selects(valueAt(budget.inputs, "spec.selector.matchLabels"), labels),
  );
  return covered ? [] : [problemAt(engine.urn, undefined, "no disruption budget", "a PodDisruptionBudget")];
}

function fallback(graph: ResourceGraph, engine: ResourceNode, least: number): Problem[] {
  const history = valueAt(engine.inputs, "spec.revisionHistoryLimit");
  const spread = valueAt(engine.inputs, "spec.template.spec.topologySpreadConstraints");
  const name = valueAt(engine.inputs, "metadata.name");
  const scaler = ofType(graph, "kubernetes:keda.sh/v1alpha1:ScaledObject").find(
    ({ inputs }) => valueAt(inputs, "spec.scaleTargetRef.name") === name,
  );
  const floor = scaler === undefined ? undefined : valueAt(scaler.inputs, "spec.minReplicaCount");
  return [
    ...disruption(graph, engine),
    ...(history === 0 || isUnknown(history)
      ? [problemAt(engine.urn, "spec.revisionHistoryLimit", history, "an earlier revision to go back to")]
      : []),
    ...(listed(spread).length > 0
      ? []
      : [
          problemAt(
            engine.urn,
            "spec.template.spec.topologySpreadConstraints",
            spread,
            "replicas spread over zones",
          ),
        ]),
    ...(typeof floor === "number" && floor >= least
      ? []
      : least === 0
        ? []
        : [
            problemAt(scaler?.urn ?? engine.urn, "spec.minReplicaCount", floor, `at least ${least} replicas`),
          ]),
  ];
}

/** Controls of human oversight, tests and incidents. */
export const oversightControls: readonly Control[] = [
  {
    id: "AIA-OVR-01",
    title: "A person can stop the system, and has tried",
    severity: "critical",
    platforms: ["kubernetes", "configuration"],
    legal: [
      { reference: "AI Act Art. 14(4)(e)", appliesFrom: ANNEX_III_FROM },
      { reference: "AI Act Art. 26(5)", appliesFrom: ANNEX_III_FROM },
    ],
    levels: byRisk("M", "A", "A", "-"),
    rationale: "A stop switch that nobody holds, or nobody ever pulled, is a drawing of one.",
    remediation:
      'Give a key of gateway.admins the role "stop", pull it in a drill (`llmops audit stop`), declare the drill.',
    blindSpots: "Whether the people on duty have the key.",
    evaluate: (graph, { models }) => {
      if (models.length === 0) return { kind: "not-applicable", reason: NO_MODEL };
      const gateway = gatewayOf(graph);
      if (gateway === undefined) return absent("models without a gateway", "a gateway with a stop switch");
      const alert = alertsWith(graph, { signal: "oversight" });
      return {
        kind: "checked",
        resources: [gateway.node.urn, ...alert.rules.map(({ urn }) => urn)],
        problems: [...role(gateway, "stop"), ...alert.problems],
        demands: [{ subject: "drill", what: "a drill of the stop switch", maxAgeDays: HALF_A_YEAR_DAYS }],
      };
    },
  },
  {
    id: "AIA-OVR-02",
    title: "A person can look at an answer before it counts",
    severity: "high",
    platforms: ["kubernetes"],
    legal: [
      { reference: "AI Act Art. 14(1)", appliesFrom: ANNEX_III_FROM },
      { reference: "AI Act Art. 26(2)", appliesFrom: ANNEX_III_FROM },
      { reference: "GDPR Art. 22", appliesFrom: GDPR_FROM },
    ],
    levels: byRisk("M", "A", "-", "-"),
    rationale: "Where decisions concern people, a person must be able to hold an answer back.",
    remediation:
      'Set a guardrail to "flag" with oversight.review: flagged, and give a key the role "review".',
    blindSpots: "Whether reviewers have the time and the training.",
    evaluate: (graph, { models, decisions }) => {
      if (models.length === 0) return { kind: "not-applicable", reason: NO_MODEL };
      if (decisions === "none")
        return { kind: "not-applicable", reason: "the system takes no part in decisions about people" };
      const gateway = gatewayOf(graph);
      if (gateway === undefined) return absent("models without a gateway", "a gateway with a review queue");
      const guards = valueAt(gateway.configuration, "guards");
      const rules = ["input", "output"].flatMap((side) => listed(valueAt(guards ?? null, side)));
      const reviewed = rules.some((rule) => valueAt(rule, "action") === "review");
      return {
        kind: "checked",
        resources: [gateway.node.urn],
        problems: [
          ...role(gateway, "review"),
          ...(reviewed
            ? []
            : [
                problemAt(
                  gateway.node.urn,
                  "guards",
                  isUnknown(guards) ? guards : "no rule asks a person",
                  'a rule with the action "review"',
                ),
              ]),
        ],
      };
    },
  },
  {
    id: "AIA-OVR-03",
    title: "The system falls back instead of falling over",
    severity: "high",
    platforms: ["kubernetes"],
    legal: [
      { reference: "AI Act Art. 15(4)", appliesFrom: ANNEX_III_FROM },
      { reference: "AI Act Art. 20(1)", appliesFrom: ANNEX_III_FROM },
    ],
    levels: byRisk("M", "A", "M", "-"),
    rationale: "Redundancy and an earlier revision are what a rollback goes back to.",
    remediation: "Use the ModelService component, and minReplicas of at least 2 in high-risk production.",
    blindSpots:
      "Evidence before a rollback (AI Act Art. 73(6)): a loop may abort a delivery; whether its evidence record is looked at first.",
    evaluate: (graph, context) => {
      const found = engines(graph);
      if (found.length === 0) return { kind: "not-applicable", reason: "there is no engine" };
      const least = profileOf(context) === "high-prod" ? 2 : 0;
      return {
        kind: "checked",
        resources: found.map(({ urn }) => urn),
        problems: found.flatMap((engine) => fallback(graph, engine, least)),
      };
    },
  },
  {
    id: "AIA-TST-01",
    title: "Exactly what is served was evaluated",
    severity: "high",
    platforms: ["configuration"],
    legal: [
      { reference: "AI Act Art. 9(8)", appliesFrom: ANNEX_III_FROM },
      { reference: "AI Act Art. 15(1)", appliesFrom: ANNEX_III_FROM },
      { reference: "AI Act Annex IV(2)(g)", appliesFrom: ANNEX_III_FROM },
    ],
    levels: byRisk("M", "M", "A", "-"),
    rationale: "An evaluation of another revision says nothing about this one.",
    remediation: "Run the evaluation for the new revision and declare it with subject <model>@<revision>.",
    blindSpots: "Whether thresholds were set before the run; the report must show it.",
    evaluate: (_graph, { models, evaluationMaxAgeDays }) => {
      if (models.length === 0) return { kind: "not-applicable", reason: NO_MODEL };
      return {
        kind: "checked",
        resources: models.map(({ subject }) => subject),
        problems: [],
        demands: models.map(({ subject }) => ({
          subject,
          what: `a passed evaluation of ${subject}`,
          maxAgeDays: evaluationMaxAgeDays,
        })),
      };
    },
  },
  {
    id: "AIA-TST-02",
    title: "Quality, drift and availability are watched",
    severity: "medium",
    platforms: ["kubernetes"],
    legal: [
      { reference: "AI Act Art. 72(1)", appliesFrom: ANNEX_III_FROM },
      { reference: "AI Act Art. 26(5)", appliesFrom: ANNEX_III_FROM },
    ],
    levels: byRisk("M", "A", "A", "-"),
    rationale: "What nobody watches changes unseen.",
    remediation: "Deploy the platform's alerts (they come with models).",
    blindSpots: "Whether thresholds suit the system.",
    evaluate: (graph, { models }) => {
      if (models.length === 0) return { kind: "not-applicable", reason: NO_MODEL };
      const found = ["quality", "drift", "availability"].map((signal) => alertsWith(graph, { signal }));
      return {
        kind: "checked",
        resources: [...new Set(found.flatMap(({ rules }) => rules.map(({ urn }) => urn)))],
        problems: found.flatMap(({ problems }) => problems),
      };
    },
  },
  {
    id: "AIA-INC-01",
    title: "Serious incidents reach a person at once",
    severity: "high",
    platforms: ["kubernetes"],
    legal: [
      { reference: "AI Act Art. 73(2)", appliesFrom: ANNEX_III_FROM },
      { reference: "AI Act Art. 26(5)", appliesFrom: ANNEX_III_FROM },
      { reference: "GDPR Art. 33(1)", appliesFrom: GDPR_FROM },
    ],
    levels: byRisk("M", "A", "A", "-"),
    rationale: "The clocks of Art. 73 (2, 10 or 15 days) start when somebody knows.",
    remediation: "Name receivers under alerting.receivers.",
    blindSpots: "Whether the receiver's key is filled and somebody is on duty.",
    evaluate: (graph, { models }) => {
      if (models.length === 0) return { kind: "not-applicable", reason: NO_MODEL };
      const alert = alertsWith(graph, { severity: "serious_incident" });
      const routing = routingOf(graph);
      if (routing === undefined)
        return {
          kind: "checked",
          resources: alert.rules.map(({ urn }) => urn),
          problems: [
            ...alert.problems,
            problemAt("stack", undefined, "alerts go nowhere", "a route for serious incidents"),
          ],
        };
      const unreadable = ["spec.route", "spec.receivers"].find((path) =>
        isUnknown(valueAt(routing.node.inputs, path)),
      );
      const receivers = routing.receiversOf("severity", "serious_incident");
      const reached = receivers.some(({ integrations }) => integrations.length > 0);
      return {
        kind: "checked",
        resources: [routing.node.urn, ...alert.rules.map(({ urn }) => urn)],
        problems: [
          ...alert.problems,
          ...(reached
            ? []
            : [
                problemAt(
                  routing.node.urn,
                  "spec.route.routes",
                  unreadable === undefined
                    ? shown(receivers.length === 0 ? "no route" : "a receiver that reaches nobody")
                    : { $unknown: true },
                  'a route for severity="serious_incident" to people',
                ),
              ]),
        ],
      };
    },
  },
];
