import type { ResourceGraph, ResourceNode } from "../../graph/graph.ts";
import { ofType } from "../../graph/graph.ts";
import { isRecord, isUnknown, valueAt, type GraphValue } from "../../graph/values.ts";
import { subjectKeyBuckets } from "./audit-buckets.ts";
import { GDPR_FROM, byRisk, STRICT, type Control, type Problem } from "./control.ts";
import { engines } from "./engines.ts";
import { gatewayOf, hasRole } from "./gateway-configuration.ts";
import { absent, expectInput, listed, naming, problemAt } from "./reading.ts";
import { telemetryBucketProblems, telemetryBuckets } from "./telemetry-buckets.ts";

/** Longest life of a secondary copy, days: two years in the steps CloudWatch takes. */
const MOST_DAYS = 731;

function shreddable(graph: ResourceGraph): Problem[] {
  return subjectKeyBuckets(graph).flatMap(({ node }): Problem[] => {
    const lock = naming(
      graph,
      "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration",
      "bucket",
      node.urn,
    );
    const versions = naming(graph, "aws:s3/bucketVersioning:BucketVersioning", "bucket", node.urn);
    const off = (value: GraphValue | undefined): boolean =>
      value === undefined || value === null || value === false;
    return [
      ...expectInput(node, "objectLockEnabled", "no lock on keys", off),
      ...expectInput(node, "retentionPolicy", "no retention on keys", off),
      ...expectInput(node, "versioning.enabled", "no versions of keys", off),
      ...[...lock, ...versions].map(({ urn }) =>
        problemAt(urn, undefined, "kept beyond deletion", "keys that are gone when deleted"),
      ),
    ];
  });
}

function days(value: GraphValue | undefined): boolean {
  const text = typeof value === "string" ? /^(\d+)d$/.exec(value)?.[1] : undefined;
  return text !== undefined && Number(text) > 0 && Number(text) <= MOST_DAYS;
}

function quietEngine(engine: ResourceNode): Problem[] {
  return listed(valueAt(engine.inputs, "spec.template.spec.containers")).flatMap((container, at) => {
    const args = valueAt(container, "args");
    const property = `spec.template.spec.containers.${at}.args`;
    const expected = "no flag that writes requests into the log";
    if (isUnknown(args)) return [problemAt(engine.urn, property, args, expected)];
    return listed(args)
      .filter(
        (each) =>
          typeof each === "string" && /^--(enable-log-requests|log-requests|enable-log-outputs)/.test(each),
      )
      .map((flag) => problemAt(engine.urn, property, flag, expected));
  });
}

function namespacesOfWorkloads(graph: ResourceGraph): string[] {
  const names = graph.nodes
    .filter(({ type }) => /^kubernetes:apps\/v1:(Deployment|StatefulSet)$/.test(type))
    .map(({ inputs }) => valueAt(inputs, "metadata.namespace"))
    .filter((name) => typeof name === "string");
  return [...new Set(names)];
}

function deniesEgress({ inputs }: ResourceNode, namespace: string): boolean {
  const selector = valueAt(inputs, "spec.podSelector");
  return (
    valueAt(inputs, "metadata.namespace") === namespace &&
    isRecord(selector) &&
    Object.keys(selector).length === 0 &&
    listed(valueAt(inputs, "spec.policyTypes")).includes("Egress") &&
    listed(valueAt(inputs, "spec.egress")).length === 0 &&
    !isUnknown(valueAt(inputs, "spec.egress"))
  );
}

/** Controls of copies of data, their keys and their ways out. */
export const dataCopyControls: readonly Control[] = [
  {
    id: "AIA-DPR-03",
    title: "Content can be erased by destroying its key",
    severity: "high",
    platforms: ["aws", "gcp", "kubernetes"],
    legal: [
      { reference: "GDPR Art. 17", appliesFrom: GDPR_FROM },
      { reference: "GDPR Art. 5(1)(e)", appliesFrom: GDPR_FROM },
    ],
    levels: byRisk("M", "A", "M", "-"),
    rationale: "Content under a lock is erased only when its key is gone and stays gone.",
    remediation: "Use the SubjectKeys component and give a key of gateway.admins the role erase.",
    blindSpots:
      "Backups outside of this stack. No authority has said that destroying a key is erasure in every case; the impact assessment must.",
    evaluate: (graph, { models }) => {
      if (models.length === 0) return { kind: "not-applicable", reason: "the stack serves no model" };
      const gateway = gatewayOf(graph);
      if (gateway === undefined)
        return { kind: "not-applicable", reason: "there is no gateway; AIA-LOG-01 asks for one" };
      const kind = valueAt(gateway.configuration, "audit.content.kind");
      if (isUnknown(kind))
        return {
          kind: "checked",
          resources: [gateway.node.urn],
          problems: [problemAt(gateway.node.urn, "audit.content.kind", kind, "none or encrypted")],
        };
      if (kind !== "encrypted") return { kind: "not-applicable", reason: "no content is kept" };
      const buckets = subjectKeyBuckets(graph);
      if (buckets.length === 0) return absent("no store of keys", "a bucket of its own for keys");
      return {
        kind: "checked",
        resources: [gateway.node.urn, ...buckets.map(({ node }) => node.urn)],
        problems: [
          ...shreddable(graph),
          ...(hasRole(gateway, "erase")
            ? []
            : [problemAt(gateway.node.urn, "admin.keys", "nobody", 'a key with the role "erase"')]),
        ],
      };
    },
  },
  {
    id: "AIA-DPR-04",
    title: "Secondary copies end",
    severity: "high",
    platforms: ["aws", "gcp", "kubernetes"],
    legal: [
      { reference: "GDPR Art. 5(1)(e)", appliesFrom: GDPR_FROM },
      { reference: "GDPR Art. 25(1)", appliesFrom: GDPR_FROM },
    ],
    levels: STRICT,
    rationale: "Logs, traces and metrics outlive their purpose unless somebody ends them.",
    remediation: `Set a retention of at most ${MOST_DAYS} days, no public access to buckets of telemetry, and no request logging on engines.`,
    blindSpots: "Google Cloud's default log bucket (30 days), and sinks outside of this stack.",
    evaluate: (graph) => {
      const groups = ofType(graph, "aws:cloudwatch/logGroup:LogGroup");
      const prometheus = ofType(graph, "kubernetes:helm.sh/v3:Release").filter(
        ({ inputs }) => inputs["name"] === "kube-prometheus-stack",
      );
      const served = engines(graph);
      const nodes = [...groups, ...prometheus, ...served, ...telemetryBuckets(graph)];
      if (nodes.length === 0) return { kind: "not-applicable", reason: "nothing here keeps copies" };
      return {
        kind: "checked",
        resources: nodes.map(({ urn }) => urn),
        problems: [
          ...groups.flatMap((group) =>
            expectInput(
              group,
              "retentionInDays",
              `1 to ${MOST_DAYS}`,
              (value) => typeof value === "number" && value > 0 && value <= MOST_DAYS,
            ),
          ),
          ...prometheus.flatMap((release) =>
            expectInput(
              release,
              "values.prometheus.prometheusSpec.retention",
              `a number of days up to ${MOST_DAYS}d`,
              days,
            ),
          ),
          ...served.flatMap(quietEngine),
          ...telemetryBucketProblems(graph, MOST_DAYS),
        ],
      };
    },
  },
  {
    id: "AIA-DPR-05",
    title: "Data leaves by named ways only",
    severity: "high",
    platforms: ["kubernetes", "configuration"],
    legal: [
      { reference: "GDPR Art. 28", appliesFrom: GDPR_FROM },
      { reference: "GDPR Art. 44", appliesFrom: GDPR_FROM },
    ],
    levels: byRisk("M", "A", "A", "-"),
    rationale: "A closed way out needs no promise; an open one needs a contract.",
    remediation:
      "Close egress of every namespace first; for providers write region, agreement and trainingUse: excluded.",
    blindSpots: "What a provider does with data in spite of its agreement.",
    evaluate: (graph, { providers, allowedRegions }) => {
      const namespaces = namespacesOfWorkloads(graph);
      const policies = ofType(graph, "kubernetes:networking.k8s.io/v1:NetworkPolicy");
      if (namespaces.length + providers.length === 0)
        return { kind: "not-applicable", reason: "there is no workload and no provider" };
      const closed = namespaces.flatMap((namespace): Problem[] => {
        if (policies.some((policy) => deniesEgress(policy, namespace))) return [];
        const unknown = policies.find(
          ({ inputs }) =>
            valueAt(inputs, "metadata.namespace") === namespace &&
            ["spec", "spec.egress", "spec.podSelector", "spec.policyTypes"].some((path) =>
              isUnknown(valueAt(inputs, path)),
            ),
        );
        return [
          problemAt(
            unknown?.urn ?? "stack",
            `namespace ${namespace}`,
            unknown === undefined ? "open" : { $unknown: true },
            "a policy that denies all egress first",
          ),
        ];
      });
      const contracts = providers.flatMap(({ name, region, trainingUse, agreement }): Problem[] => [
        ...(trainingUse === "excluded"
          ? []
          : [problemAt("stack", `providers ${name} trainingUse`, trainingUse, "excluded")]),
        ...(allowedRegions.has(region) || region.toLowerCase() === "eu"
          ? []
          : [problemAt("stack", `providers ${name} region`, region, "a region of the EU-27")]),
        ...(agreement.trim().length > 0
          ? []
          : [
              problemAt("stack", `providers ${name} agreement`, agreement, "an agreement under GDPR Art. 28"),
            ]),
      ]);
      return {
        kind: "checked",
        resources: [...policies.map(({ urn }) => urn), ...providers.map(({ name }) => `provider ${name}`)],
        problems: [...closed, ...contracts],
      };
    },
  },
];
