import type { ResourceGraph, ResourceNode } from "../../graph/graph.ts";
import { ofType } from "../../graph/graph.ts";
import { isUnknown, valueAt, type GraphValue } from "../../graph/values.ts";
import { alertsWith } from "./alerts.ts";
import { auditBuckets, type AuditBucketView } from "./audit-buckets.ts";
import { ANNEX_III_FROM, GDPR_FROM, byRisk, type Control, type Problem } from "./control.ts";
import { isBelow, listed, naming, problemAt, textOf } from "./reading.ts";
import { refusesPlainConnections, statements } from "./resource-policies.ts";

const NO_STORE = "there is no audit store; AIA-LOG-01 says whether there must be one";
/** Days objects may outlive their lock. */
const SLACK_DAYS = 30;

function onAwsBuckets(graph: ResourceGraph, view: AuditBucketView, suffix: string): ResourceNode | undefined {
  return naming(graph, `aws:s3/${suffix}`, "bucket", view.node.urn)[0];
}

function expiryProblems(resource: string, ages: readonly GraphValue[], view: AuditBucketView): Problem[] {
  const property = "lifecycle expiration";
  if (view.days.kind !== "set") return [];
  const least = view.days.value;
  const expected = `expiry after more than ${least} and at most ${least + SLACK_DAYS} days`;
  if (ages.length === 0) return [problemAt(resource, property, undefined, expected)];
  return ages
    .filter((age) => !(typeof age === "number" && age > least && age <= least + SLACK_DAYS))
    .map((age) => problemAt(resource, property, age, expected));
}

function lifecycle(graph: ResourceGraph, view: AuditBucketView): Problem[] {
  if (view.node.type.startsWith("gcp:")) {
    const rules = view.node.inputs["lifecycleRules"];
    if (isUnknown(rules))
      return [problemAt(view.node.urn, "lifecycleRules", rules, "a rule that deletes by age")];
    const ages = listed(rules)
      .filter((rule) => valueAt(rule, "action.type") === "Delete")
      .map((rule) => valueAt(rule, "condition.age") ?? null);
    return expiryProblems(view.node.urn, ages, view);
  }
  const configuration = onAwsBuckets(
    graph,
    view,
    "bucketLifecycleConfiguration:BucketLifecycleConfiguration",
  );
  if (configuration === undefined)
    return [problemAt(view.node.urn, undefined, undefined, "a lifecycle rule that ends records")];
  const rules = configuration.inputs["rules"];
  if (isUnknown(rules)) return [problemAt(configuration.urn, "rules", rules, "rules that end records")];
  const days = listed(rules).flatMap((rule) => [
    valueAt(rule, "expiration.days") ?? null,
    valueAt(rule, "noncurrentVersionExpiration.noncurrentDays") ?? null,
  ]);
  return expiryProblems(configuration.urn, days, view);
}

function actionsOf(statement: GraphValue): readonly string[] {
  const actions = valueAt(statement, "Action");
  return (typeof actions === "string" ? [actions] : listed(actions)).filter(
    (action): action is string => typeof action === "string",
  );
}

function denies(all: readonly GraphValue[], action: string): boolean {
  return all.some(
    (statement) => valueAt(statement, "Effect") === "Deny" && actionsOf(statement).includes(action),
  );
}

/** Actions that take a record away or weaken its lock. */
const DESTRUCTIVE =
  /^s3:(\*|Delete|Bypass|PutBucketObjectLock|PutLifecycle|PutBucketPolicy|PutObjectRetention)/;
/** What gives rights to roles. */
const GRANTS: readonly string[] = ["aws:iam/rolePolicy:RolePolicy", "aws:iam/policy:Policy"];
const DENIED = ["s3:DeleteObjectVersion", "s3:BypassGovernanceRetention"];
const CLOSED = ["blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets"];

function appendOnlyOnAws(graph: ResourceGraph, view: AuditBucketView): Problem[] {
  const bucketPolicy = onAwsBuckets(graph, view, "bucketPolicy:BucketPolicy");
  const closed = onAwsBuckets(graph, view, "bucketPublicAccessBlock:BucketPublicAccessBlock");
  const text = bucketPolicy?.inputs["policy"];
  const own = statements(text);
  const place = bucketPolicy?.urn ?? view.node.urn;
  const isLocked = view.lock.kind === "set";
  const onPolicy =
    own === undefined
      ? [problemAt(place, "policy", text, "a policy that can be read")]
      : [
          ...(refusesPlainConnections(own)
            ? []
            : [problemAt(place, "policy", "no rule", "encrypted connections only")]),
          ...(isLocked
            ? DENIED.filter((action) => !denies(own, action)).map((action) =>
                problemAt(place, "policy", "not denied", `${action} denied to everybody`),
              )
            : []),
        ];
  const onAccess =
    closed === undefined
      ? [problemAt(view.node.urn, undefined, undefined, "public access blocked")]
      : CLOSED.filter((key) => closed.inputs[key] !== true).map((key) =>
          problemAt(closed.urn, key, closed.inputs[key], "true"),
        );
  const name = typeof view.name === "string" ? view.name : "?";
  // Whoever holds what nobody can read yet: a denial in the bucket's own policy goes before any right.
  const isDenied = isLocked && own !== undefined && DENIED.every((action) => denies(own, action));
  const grants = graph.nodes
    .filter(({ type }) => GRANTS.includes(type))
    .flatMap((node) => {
      const granted = statements(node.inputs["policy"]);
      if (granted === undefined)
        return isDenied && !isBelow(graph, node, ["llmops:audit:AwsAuditStore"])
          ? []
          : [problemAt(node.urn, "policy", node.inputs["policy"], "a policy that can be read")];
      return granted
        .filter((statement) => valueAt(statement, "Effect") === "Allow")
        .filter((statement) => {
          const resources = JSON.stringify(valueAt(statement, "Resource") ?? "");
          return resources.includes(`:::${name}`) || resources.includes(":::*") || resources === '"*"';
        })
        .flatMap((statement) => actionsOf(statement).filter((action) => DESTRUCTIVE.test(action)))
        .map((action) => problemAt(node.urn, "policy", action, "no right to take records away"));
    });
  return [...onPolicy, ...onAccess, ...grants];
}

const WRITER_ROLES = ["roles/storage.objectCreator", "roles/storage.objectViewer"];

function appendOnlyOnGoogle(graph: ResourceGraph, view: AuditBucketView): Problem[] {
  const { node, name } = view;
  const grants = graph.nodes.filter(
    ({ type, inputs }) => type === "gcp:storage/bucketIAMMember:BucketIAMMember" && inputs["bucket"] === name,
  );
  return [
    ...(node.inputs["uniformBucketLevelAccess"] === true
      ? []
      : [problemAt(node.urn, "uniformBucketLevelAccess", node.inputs["uniformBucketLevelAccess"], "true")]),
    ...(node.inputs["publicAccessPrevention"] === "enforced"
      ? []
      : [problemAt(node.urn, "publicAccessPrevention", node.inputs["publicAccessPrevention"], '"enforced"')]),
    ...grants
      .filter(({ inputs }) => !WRITER_ROLES.includes(textOf(inputs["role"])))
      .map((grant) =>
        problemAt(grant.urn, "role", grant.inputs["role"], "objectCreator or objectViewer only"),
      ),
  ];
}

function onStores(
  control: Omit<Control, "evaluate">,
  check: (graph: ResourceGraph, view: AuditBucketView) => Problem[],
): Control {
  return {
    ...control,
    evaluate: (graph) => {
      const views = auditBuckets(graph);
      if (views.length === 0) return { kind: "not-applicable", reason: NO_STORE };
      return {
        kind: "checked",
        resources: views.map(({ node }) => node.urn),
        problems: views.flatMap((view) => check(graph, view)),
      };
    },
  };
}

/** Controls of how records are kept: ended in time, only ever added, not lost on the way. */
export const logKeepingControls: readonly Control[] = [
  onStores(
    {
      id: "AIA-LOG-05",
      title: "Records end soon after their lock",
      severity: "medium",
      platforms: ["aws", "gcp"],
      legal: [
        { reference: "GDPR Art. 5(1)(e)", appliesFrom: GDPR_FROM },
        { reference: "AI Act Art. 19(1)", appliesFrom: ANNEX_III_FROM },
      ],
      levels: byRisk("M", "A", "A", "-"),
      rationale: "A lock keeps records; only a lifecycle rule ends them.",
      remediation: `Expire objects within ${SLACK_DAYS} days after the lock; the audit store component does.`,
      blindSpots: "Objects under a legal hold.",
    },
    lifecycle,
  ),
  onStores(
    {
      id: "AIA-LOG-07",
      title: "Writers add records and take none away",
      severity: "critical",
      platforms: ["aws", "gcp"],
      legal: [
        { reference: "AI Act Art. 12(1)", appliesFrom: ANNEX_III_FROM },
        { reference: "GDPR Art. 32(1)(b)", appliesFrom: GDPR_FROM },
      ],
      levels: byRisk("M", "M", "A", "A"),
      rationale: "Whoever may delete records or bypass the lock can rewrite what happened.",
      remediation: "Use the audit store component; its policies allow adding and reading only.",
      blindSpots: "Rights granted outside of this stack, and those of the account's administrators.",
      sources: [
        "https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock-managing.html",
        "https://cloud.google.com/storage/docs/access-control/iam-roles",
      ],
    },
    (graph, view) =>
      view.node.type.startsWith("aws:") ? appendOnlyOnAws(graph, view) : appendOnlyOnGoogle(graph, view),
  ),
  {
    id: "AIA-LOG-11",
    title: "Records survive a pod, a node and an outage of the store",
    severity: "high",
    platforms: ["kubernetes"],
    legal: [
      { reference: "AI Act Art. 12(1)", appliesFrom: ANNEX_III_FROM },
      { reference: "AI Act Art. 72(2)", appliesFrom: ANNEX_III_FROM },
    ],
    levels: byRisk("M", "A", "A", "-"),
    rationale: "Between the call and the bucket a record lies on one disk; its loss must be noticed.",
    remediation: "Run at least two gateway replicas with volumes, and deploy the platform's alerts.",
    blindSpots: "Whether somebody reads the alerts; AIA-INC-01 checks where they go.",
    evaluate: (graph, { models, providers }) => {
      if (models.length + providers.length === 0)
        return { kind: "not-applicable", reason: "the stack serves no model" };
      const set = ofType(graph, "kubernetes:apps/v1:StatefulSet").find((node) =>
        isBelow(graph, node, ["llmops:gateway:Gateway"]),
      );
      if (set === undefined)
        return {
          kind: "checked",
          resources: [],
          problems: [problemAt("stack", undefined, "no gateway", "a gateway with volumes")],
        };
      const replicas = valueAt(set.inputs, "spec.replicas");
      const claims = valueAt(set.inputs, "spec.volumeClaimTemplates");
      const budget = graph.nodes.some(
        (node) =>
          node.type === "kubernetes:policy/v1:PodDisruptionBudget" &&
          isBelow(graph, node, ["llmops:gateway:Gateway"]),
      );
      const alerts = alertsWith(graph, { signal: "audit" });
      return {
        kind: "checked",
        resources: [set.urn, ...alerts.rules.map(({ urn }) => urn)],
        problems: [
          ...(typeof replicas === "number" && replicas >= 2
            ? []
            : [problemAt(set.urn, "spec.replicas", replicas, "at least 2")]),
          ...(listed(claims).length > 0
            ? []
            : [problemAt(set.urn, "spec.volumeClaimTemplates", claims, "a volume for each replica")]),
          ...(budget ? [] : [problemAt(set.urn, undefined, "no disruption budget", "a PodDisruptionBudget")]),
          ...alerts.problems,
        ],
      };
    },
  },
  {
    id: "AIA-LOG-13",
    title: "Remote biometric identification is recorded as the law lists it",
    severity: "critical",
    platforms: ["configuration"],
    legal: [{ reference: "AI Act Art. 12(3)", appliesFrom: ANNEX_III_FROM }],
    levels: byRisk("M", "M", "-", "-"),
    rationale: "For these systems the law itself lists what each record must hold.",
    remediation:
      "Record reference database, matched input and the two people who verified in the application, and declare it.",
    blindSpots: "Everything: the gateway records the period of each use, the rest lies in the application.",
    evaluate: (_graph, { biometricIdentification }) => {
      if (biometricIdentification === "none")
        return { kind: "not-applicable", reason: "the system identifies nobody by biometrics" };
      const demand = (
        subject: string,
        what: string,
      ): { subject: string; what: string; maxAgeDays: number } => ({
        subject,
        what,
        maxAgeDays: 365,
      });
      return {
        kind: "checked",
        resources: ["stack"],
        problems: [],
        demands: [
          demand("reference-database", "records of the reference database (Art. 12(3)(b))"),
          demand("matched-input", "records of the input that led to a match (Art. 12(3)(c))"),
          demand("two-reviewers", "records of the two people who verified (Art. 12(3)(d), 14(5))"),
        ],
      };
    },
  },
];
