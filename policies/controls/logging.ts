import { ofType } from "../../graph/graph.ts";
import { isUnknown, valueAt, type GraphValue } from "../../graph/values.ts";
import { auditBuckets, type AuditBucketView, type Setting } from "./audit-buckets.ts";
import {
  ANNEX_III_FROM,
  ALWAYS,
  GDPR_FROM,
  HIGH_RISK,
  STRICT,
  type Control,
  type Problem,
} from "./control.ts";
import { gatewayOf } from "./gateway-configuration.ts";
import { absent, checked, expectInput, naming, problemAt, shown } from "./reading.ts";

const NO_STORE = "there is no audit store; AIA-LOG-01 says whether there must be one";
const AI_ACT_LOGS = [
  { reference: "AI Act Art. 12(1)", appliesFrom: ANNEX_III_FROM },
  { reference: "AI Act Art. 19(1)", appliesFrom: ANNEX_III_FROM },
  { reference: "AI Act Art. 26(6)", appliesFrom: ANNEX_III_FROM },
];

/** Six months. @see AI Act Art. 19(1), 26(6) */
const LEAST_DAYS = 184;
/** Longest time without a law that asks for more; GDPR Art. 5(1)(e) sets no number, this is the blueprint's. */
const MOST_DAYS = 730;

const THIRTY_DAYS_SECONDS = 2_592_000;

/** Seconds of a duration such as `2592000s`; NaN for anything else. */
function seconds(value: GraphValue | undefined): number {
  return typeof value === "string" && /^\d+s$/.test(value) ? Number(value.slice(0, -1)) : NaN;
}

function judge<T>(
  view: AuditBucketView,
  property: string,
  setting: Setting<T>,
  expected: string,
  holds: (value: T) => boolean,
): Problem[] {
  const base = { resource: view.lockedBy.urn, property, expected };
  if (setting.kind === "unknown")
    return [{ ...base, status: "unknown", observed: "unknown before deployment" }];
  if (setting.kind === "absent") return [{ ...base, status: "fail", observed: "not set" }];
  return holds(setting.value) ? [] : [{ ...base, status: "fail", observed: String(setting.value) }];
}

function onBuckets(
  control: Omit<Control, "evaluate">,
  check: (view: AuditBucketView, risk: string, environment: string) => Problem[],
): Control {
  return {
    ...control,
    evaluate: (graph, { riskClass, environment }) => {
      const views = auditBuckets(graph);
      if (views.length === 0) return { kind: "not-applicable", reason: NO_STORE };
      return {
        kind: "checked",
        resources: views.map(({ node }) => node.urn),
        problems: views.flatMap((view) => check(view, riskClass, environment)),
      };
    },
  };
}

/** Controls of logging and record-keeping. */
export const loggingControls: readonly Control[] = [
  {
    id: "AIA-LOG-01",
    title: "Audit store exists and the gateway writes to it",
    severity: "critical",
    platforms: ["aws", "gcp", "kubernetes"],
    legal: AI_ACT_LOGS,
    levels: STRICT,
    rationale: "A system that records its use into nothing, or into a store nobody created, has no log.",
    remediation: "Create the audit store and let the gateway's audit.store name its bucket.",
    blindSpots: "Whether records arrive; `llmops audit verify` on the bucket shows that.",
    evaluate: (graph, { models }) => {
      if (models.length === 0) return { kind: "not-applicable", reason: "the stack serves no model" };
      const gateway = gatewayOf(graph);
      if (gateway === undefined)
        return absent("models without a gateway", "a gateway that records every call");
      const store = valueAt(gateway.configuration, "audit.store.bucket");
      const names = auditBuckets(graph).map(({ name }) => name);
      const base = { resource: gateway.node.urn, property: "audit.store.bucket", observed: shown(store) };
      const resources = [gateway.node.urn, ...auditBuckets(graph).map(({ node }) => node.urn)];
      const expected = `a bucket of an audit store of this stack (${names.map(shown).join(", ") || "there is none"})`;
      if (isUnknown(store) || names.some(isUnknown))
        return { kind: "checked", resources, problems: [{ ...base, status: "unknown", expected }] };
      const linked = typeof store === "string" && names.includes(store);
      return { kind: "checked", resources, problems: linked ? [] : [{ ...base, status: "fail", expected }] };
    },
  },
  onBuckets(
    {
      id: "AIA-LOG-02",
      title: "Lock that nobody can shorten",
      sources: [
        "https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock-managing.html",
        "https://docs.cloud.google.com/storage/docs/bucket-lock",
      ],
      severity: "critical",
      platforms: ["aws", "gcp"],
      legal: [...AI_ACT_LOGS, { reference: "AI Act Art. 15(5)", appliesFrom: ANNEX_III_FROM }],
      levels: STRICT,
      rationale:
        "Logs that an administrator can delete are no evidence; the law asks for logs, the lock makes them worth having.",
      remediation: "Set objectLock: compliance (high-risk production) or governance.",
      blindSpots: "The retention of single objects that were written with another one.",
    },
    (view, risk, environment) => {
      const strict = risk === "high" && environment === "prod";
      const property = view.node.type.startsWith("aws:")
        ? "rule.defaultRetention.mode"
        : "retentionPolicy.isLocked";
      return judge(
        view,
        property,
        view.lock,
        strict ? "compliance (irreversible)" : "compliance or governance",
        (mode) => (strict ? mode === "compliance" : true),
      );
    },
  ),
  onBuckets(
    {
      id: "AIA-LOG-03",
      title: "Records kept for at least six months",
      sources: ["https://springlex.eu/en/ai-act/article-19"],
      severity: "high",
      platforms: ["aws", "gcp"],
      legal: AI_ACT_LOGS,
      levels: HIGH_RISK,
      rationale: "Providers and deployers of high-risk systems keep logs for at least six months.",
      remediation: `Raise audit.retentionDays to at least ${LEAST_DAYS}.`,
      blindSpots: "Longer times that other laws of the sector ask for.",
    },
    (view) =>
      judge(view, "retention days", view.days, `at least ${LEAST_DAYS} days`, (days) => days >= LEAST_DAYS),
  ),
  onBuckets(
    {
      id: "AIA-LOG-04",
      title: "Records not kept longer than needed",
      severity: "high",
      platforms: ["aws", "gcp"],
      legal: [{ reference: "GDPR Art. 5(1)(e)", appliesFrom: GDPR_FROM }],
      levels: STRICT,
      rationale: "Logs hold personal data, if only as digests, and a lock cannot be undone.",
      remediation: `Lower audit.retentionDays to at most ${MOST_DAYS} before the lock is set for the first time.`,
      blindSpots: "A law of the sector that asks for more than two years.",
    },
    (view) =>
      judge(view, "retention days", view.days, `at most ${MOST_DAYS} days`, (days) => days <= MOST_DAYS),
  ),
  {
    id: "AIA-LOG-06",
    title: "Audit store survives the stack",
    severity: "high",
    platforms: ["aws", "gcp"],
    legal: [{ reference: "AI Act Art. 12(1)", appliesFrom: ANNEX_III_FROM }],
    levels: HIGH_RISK,
    rationale: "Logs are kept over the lifetime of the system, not of a stack.",
    remediation: "Give the audit store a lock; the component then protects and retains it.",
    blindSpots:
      "What an administrator does outside of Pulumi; AIA-LOG-02 covers that. A Pulumi policy pack is not told retainOnDelete; `llmops plan` is.",
    evaluate: (graph) => {
      const nodes = auditBuckets(graph).map(({ node }) => node);
      return checked(
        nodes,
        (node) => [
          ...(["protect", "retainOnDelete"] as const).flatMap((option): Problem[] =>
            node.options[option] !== false
              ? []
              : [
                  {
                    status: "fail",
                    resource: node.urn,
                    property: `options.${option}`,
                    observed: "false",
                    expected: "true",
                  },
                ],
          ),
          ...expectInput(node, "forceDestroy", "false", (value) => value === false || value === undefined),
        ],
        NO_STORE,
      );
    },
  },
  {
    id: "AIA-LOG-08",
    title: "Audit records under an own key that cannot vanish",
    severity: "high",
    platforms: ["aws", "gcp"],
    legal: [
      { reference: "AI Act Art. 15(5)", appliesFrom: ANNEX_III_FROM },
      { reference: "GDPR Art. 32(1)(a)", appliesFrom: GDPR_FROM },
    ],
    levels: HIGH_RISK,
    rationale: "Whoever destroys the key destroys the records; whoever holds it can read them.",
    remediation: "Use the audit store component; it makes a rotating key with the longest deletion window.",
    blindSpots: "Grants on the key made outside of the stack.",
    evaluate: (graph) => {
      const aws = auditBuckets(graph).filter(({ node }) => node.type.startsWith("aws:"));
      const google = auditBuckets(graph).filter(({ node }) => node.type.startsWith("gcp:"));
      const type = "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration";
      const rule = "rules.0.applyServerSideEncryptionByDefault.kmsMasterKeyId";
      const problems = [
        ...aws.flatMap(({ node }): Problem[] => {
          const [encryption] = naming(graph, type, "bucket", node.urn);
          if (encryption === undefined)
            return [
              {
                status: "fail",
                resource: node.urn,
                observed: "no encryption of its own",
                expected: "a customer-managed key",
              },
            ];
          // The key's id is unknown before deployment; the dependency says which key it is.
          const key = graph.nodes.find(
            ({ urn, type: kind }) =>
              kind === "aws:kms/key:Key" && (encryption.propertyDependencies["rules"] ?? []).includes(urn),
          );
          if (key === undefined) {
            const observed = shown(valueAt(encryption.inputs, rule));
            return [
              {
                status: "fail",
                resource: encryption.urn,
                property: rule,
                observed,
                expected: "a key of this stack",
              },
            ];
          }
          return [
            ...expectInput(key, "enableKeyRotation", "true", (value) => value === true),
            ...expectInput(key, "deletionWindowInDays", "30", (value) => value === 30),
          ];
        }),
        ...google.flatMap(({ node }): Problem[] => {
          const key = graph.nodes.find(
            ({ urn, type: kind }) =>
              kind === "gcp:kms/cryptoKey:CryptoKey" &&
              (node.propertyDependencies["encryption"] ?? []).includes(urn),
          );
          if (key === undefined)
            return [
              {
                status: "fail",
                resource: node.urn,
                property: "encryption.defaultKmsKeyName",
                observed: shown(valueAt(node.inputs, "encryption.defaultKmsKeyName")),
                expected: "a key of this stack",
              },
            ];
          return [
            ...expectInput(key, "rotationPeriod", "a period", (value) => seconds(value) > 0),
            ...expectInput(
              key,
              "destroyScheduledDuration",
              "at least 30 days",
              (value) => seconds(value) >= THIRTY_DAYS_SECONDS,
            ),
          ];
        }),
      ];
      const resources = [...aws, ...google].map(({ node }) => node.urn);
      if (resources.length === 0) return { kind: "not-applicable", reason: NO_STORE };
      return { kind: "checked", resources, problems };
    },
  },
  {
    id: "AIA-LOG-09",
    title: "Access to the logs is logged",
    severity: "medium",
    platforms: ["aws", "gcp"],
    legal: [
      { reference: "AI Act Art. 15(5)", appliesFrom: ANNEX_III_FROM },
      { reference: "GDPR Art. 32(1)", appliesFrom: GDPR_FROM },
    ],
    levels: HIGH_RISK,
    rationale: "Who read the records is as much evidence as the records.",
    remediation:
      "Record data events of the audit bucket (CloudTrail), or DATA_READ and DATA_WRITE of Cloud Storage.",
    blindSpots: "Logging that is set up outside of this stack.",
    evaluate: (graph) => {
      const views = auditBuckets(graph);
      if (views.length === 0) return { kind: "not-applicable", reason: NO_STORE };
      const trails = ofType(graph, "aws:cloudtrail/trail:Trail");
      const configs = ofType(graph, "gcp:projects/iAMAuditConfig:IAMAuditConfig");
      const problems = views.flatMap(({ node, name }): Problem[] => {
        const isLogged = node.type.startsWith("aws:")
          ? trails.some(
              ({ inputs }) =>
                inputs["enableLogFileValidation"] === true &&
                JSON.stringify(inputs["advancedEventSelectors"] ?? "").includes(
                  `arn:aws:s3:::${typeof name === "string" ? name : "?"}/`,
                ),
            )
          : configs.some(
              ({ inputs }) =>
                inputs["service"] === "storage.googleapis.com" &&
                ["DATA_READ", "DATA_WRITE"].every((type) =>
                  JSON.stringify(inputs["auditLogConfigs"] ?? "").includes(type),
                ),
            );
        if (isLogged) return [];
        const unreadable = [...trails, ...configs].some(({ inputs }) =>
          ["enableLogFileValidation", "advancedEventSelectors", "auditLogConfigs"].some((key) =>
            isUnknown(inputs[key]),
          ),
        );
        const observed: GraphValue = unreadable ? { $unknown: true } : "no record of accesses";
        return [problemAt(node.urn, undefined, observed, "every read and write recorded")];
      });
      return {
        kind: "checked",
        resources: [...views.map(({ node }) => node.urn), ...[...trails, ...configs].map(({ urn }) => urn)],
        problems,
      };
    },
  },
  {
    id: "AIA-LOG-10",
    title: "The gateway records every call or refuses it",
    severity: "critical",
    platforms: ["kubernetes"],
    legal: [
      { reference: "AI Act Art. 12(2)", appliesFrom: ANNEX_III_FROM },
      { reference: "AI Act Art. 26(5)", appliesFrom: ANNEX_III_FROM },
    ],
    levels: STRICT,
    rationale: "A log with holes does not show what the system did.",
    remediation: "Set audit.mode: required.",
    blindSpots: "Engines outside of this stack; each engine's NetworkPolicy is checked by AIA-SEC-04.",
    evaluate: (graph, { models }) => {
      if (models.length === 0) return { kind: "not-applicable", reason: "the stack serves no model" };
      const gateway = gatewayOf(graph);
      if (gateway === undefined)
        return absent("models without a gateway", "a gateway that records every call");
      const mode = valueAt(gateway.configuration, "audit.mode");
      const base = {
        resource: gateway.node.urn,
        property: "audit.mode",
        observed: shown(mode),
        expected: '"required"',
      };
      const status = isUnknown(mode) ? ("unknown" as const) : ("fail" as const);
      return {
        kind: "checked",
        resources: [gateway.node.urn],
        problems: mode === "required" ? [] : [{ ...base, status }],
      };
    },
  },
  {
    id: "AIA-LOG-12",
    title: "Control-plane audit log is on",
    sources: [
      "https://docs.aws.amazon.com/eks/latest/userguide/control-plane-logs.html",
      "https://docs.cloud.google.com/kubernetes-engine/docs/how-to/audit-logging",
    ],
    severity: "medium",
    platforms: ["aws", "gcp"],
    legal: [{ reference: "AI Act Art. 15(5)", appliesFrom: ANNEX_III_FROM }],
    levels: { ...ALWAYS, dev: "advisory" },
    rationale: "Changes to the platform must be traceable to a person.",
    remediation: "Enable the audit and authenticator logs (EKS) or the API server's log (GKE).",
    blindSpots: "An existing cluster, whose control plane this stack does not manage.",
    evaluate: (graph) =>
      checked(
        [...ofType(graph, "aws:eks/cluster:Cluster"), ...ofType(graph, "gcp:container/cluster:Cluster")],
        (node) =>
          node.type.startsWith("aws:")
            ? expectInput(node, "enabledClusterLogTypes", "audit, authenticator and api", (value) =>
                ["audit", "authenticator", "api"].every((log) => Array.isArray(value) && value.includes(log)),
              )
            : expectInput(
                node,
                "loggingConfig.enableComponents",
                "SYSTEM_COMPONENTS and APISERVER",
                (value) =>
                  ["SYSTEM_COMPONENTS", "APISERVER"].every(
                    (part) => Array.isArray(value) && value.includes(part),
                  ),
              ),
        "this stack manages no control plane",
      ),
  },
];
