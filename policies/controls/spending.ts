import type { ResourceGraph, ResourceNode } from "../../graph/graph.ts";
import { ofType } from "../../graph/graph.ts";
import { isRecord, isUnknown, valueAt, type GraphValue } from "../../graph/values.ts";
import { alertsWith, routingOf } from "./alerts.ts";
import { byStage, type Control, type Observation, type Problem } from "./control.ts";
import { gatewayOf, hasRole } from "./gateway-configuration.ts";
import { absent, checked, expectInput, listed, problemAt, textOf } from "./reading.ts";

const NONE: Control["legal"] = [];
const DAY_MS = 86_400_000;
/** Oldest exchange rate, days. */
const MAX_RATE_AGE_DAYS = 120;
const POOL_LABEL = "llmops.io/gpu-pool";

/** Days from a date to a time; NaN when the date cannot be read. */
function ageDays(date: string, asOf: string): number {
  return /^\d{4}-\d{2}-\d{2}$/.test(date) ? (Date.parse(asOf) - Date.parse(date)) / DAY_MS : NaN;
}

/** Resources that show on a bill, with the input that carries what they are allocated by. */
const TAGGED: Readonly<Record<string, string>> = {
  "aws:amp/workspace:Workspace": "tags",
  "aws:cloudtrail/trail:Trail": "tags",
  "aws:cloudwatch/logGroup:LogGroup": "tags",
  "aws:ec2/eip:Eip": "tags",
  "aws:ec2/natGateway:NatGateway": "tags",
  "aws:ec2/vpcEndpoint:VpcEndpoint": "tags",
  "aws:eks/cluster:Cluster": "tags",
  "aws:eks/nodeGroup:NodeGroup": "tags",
  "aws:kms/key:Key": "tags",
  "aws:s3/bucket:Bucket": "tags",
  "aws:sqs/queue:Queue": "tags",
  "gcp:container/cluster:Cluster": "resourceLabels",
  "gcp:container/nodePool:NodePool": "nodeConfig.resourceLabels",
  "gcp:kms/cryptoKey:CryptoKey": "labels",
  "gcp:storage/bucket:Bucket": "labels",
};

function allocated(node: ResourceNode): Problem[] {
  const path = TAGGED[node.type] ?? "tags";
  const keys = node.type.startsWith("aws:")
    ? ["llmops:client", "llmops:environment", "llmops:cost-owner"]
    : ["llmops-client", "llmops-environment"];
  const tags = valueAt(node.inputs, path);
  if (isUnknown(tags)) return [problemAt(node.urn, path, tags, keys.join(", "))];
  return keys
    .filter((key) => !isRecord(tags) || typeof tags[key] !== "string")
    .map((key) =>
      problemAt(node.urn, `${path}["${key}"]`, isRecord(tags) ? tags[key] : undefined, "a value"),
    );
}

function isGpuPool(node: ResourceNode): boolean {
  return ["labels", "nodeConfig.labels", "metadata.labels"].some((path) => {
    const labels = valueAt(node.inputs, path);
    return isRecord(labels) && labels[POOL_LABEL] !== undefined;
  });
}

const POOLS = [
  "aws:eks/nodeGroup:NodeGroup",
  "kubernetes:karpenter.sh/v1:NodePool",
  "gcp:container/nodePool:NodePool",
];

function poolName(node: ResourceNode): string {
  const labels = ["labels", "nodeConfig.labels", "metadata.labels"]
    .map((path) => valueAt(node.inputs, path))
    .find((value) => isRecord(value) && value[POOL_LABEL] !== undefined);
  return isRecord(labels) ? textOf(labels[POOL_LABEL]) : "";
}

/** Whether a group of nodes can be taken away at short notice; undefined when nobody can say. */
function isSpot(node: ResourceNode): boolean | undefined {
  const known = (value: GraphValue | undefined, spot: GraphValue): boolean | undefined =>
    isUnknown(value) ? undefined : value === spot;
  if (node.type.startsWith("aws:")) return known(node.inputs["capacityType"], "SPOT");
  if (node.type.startsWith("gcp:")) return known(valueAt(node.inputs, "nodeConfig.spot"), true);
  const requirements = valueAt(node.inputs, "spec.template.spec.requirements");
  if (isUnknown(requirements)) return undefined;
  const capacity = listed(requirements).find((each) => valueAt(each, "key") === "karpenter.sh/capacity-type");
  const values = listed(valueAt(capacity ?? null, "values"));
  return values.length > 0 && values.every((value) => value === "spot");
}

function idleAndSpot(graph: ResourceGraph, isProduction: boolean): Observation {
  const groups = graph.nodes.filter((node) => POOLS.includes(node.type) && isGpuPool(node));
  if (groups.length === 0) return { kind: "not-applicable", reason: "there are no GPU nodes" };
  const resources = groups.map(({ urn }) => urn);
  if (isProduction) {
    const pools = [...new Set(groups.map(poolName))];
    const problems = pools.flatMap((pool): Problem[] => {
      const members = groups.filter((group) => poolName(group) === pool);
      const states = members.map(isSpot);
      if (states.includes(false)) return [];
      const observed: GraphValue = states.includes(undefined) ? { $unknown: true } : "spot only";
      return [
        problemAt(
          members[0]?.urn ?? "stack",
          `pool ${pool} capacity`,
          observed,
          "on-demand or reserved nodes to fall back on",
        ),
      ];
    });
    return { kind: "checked", resources, problems };
  }
  const problems = groups.flatMap((node): Problem[] => {
    if (node.type.startsWith("kubernetes:")) return [];
    const path = node.type.startsWith("aws:") ? "scalingConfig.minSize" : "autoscaling.totalMinNodeCount";
    return expectInput(node, path, "0: no GPU idles outside of production", (value) => value === 0);
  });
  return { kind: "checked", resources, problems };
}

/** Controls of what may be spent. */
export const spendingControls: readonly Control[] = [
  {
    id: "COST-01",
    title: "A budget with an owner and a dated rate",
    severity: "medium",
    platforms: ["configuration"],
    legal: NONE,
    levels: byStage("M", "M", "M"),
    rationale: "A figure nobody answers for, or in a currency of unknown worth, limits nothing.",
    remediation: "Write budget.owner, and budget.rateAsOf with budget.usdPerUnit.",
    blindSpots: "Whether the rate is right.",
    evaluate: (_graph, { budget, cost, asOf }) => {
      if (cost.kind === "nothing-rented") return { kind: "not-applicable", reason: "nothing is rented" };
      const { owner, usdPerUnit, rateAsOf } = budget;
      const age = rateAsOf === undefined ? 0 : ageDays(rateAsOf, asOf);
      return {
        kind: "checked",
        resources: ["stack"],
        problems: [
          ...(owner.trim() === "" ? [problemAt("stack", "budget.owner", owner, "somebody")] : []),
          ...(usdPerUnit !== 1 && rateAsOf === undefined
            ? [problemAt("stack", "budget.rateAsOf", undefined, "the day the rate was read")]
            : []),
          ...(Number.isNaN(age) || age > MAX_RATE_AGE_DAYS
            ? [
                problemAt(
                  "stack",
                  "budget.rateAsOf",
                  Number.isNaN(age) ? { $unknown: true } : (rateAsOf ?? null),
                  `a rate of the last ${MAX_RATE_AGE_DAYS} days`,
                ),
              ]
            : []),
        ],
      };
    },
  },
  {
    id: "COST-05",
    title: "Figures rest on prices of known age",
    severity: "medium",
    platforms: ["prices"],
    legal: NONE,
    levels: byStage("M", "M", "M"),
    rationale: "A ceiling computed from last year's prices is last year's ceiling.",
    remediation: "Refresh the price tables, or ask the provider again and write the new asOf.",
    blindSpots: "Discounts and commitments, which make it cheaper; prices that changed since their date.",
    evaluate: (_graph, { cost, budget, asOf }) => {
      if (cost.kind === "nothing-rented") return { kind: "not-applicable", reason: "nothing is rented" };
      if (cost.kind === "not-computed")
        return {
          kind: "checked",
          resources: [],
          problems: [problemAt("stack", "prices", { $unknown: true }, "prices that are known")],
        };
      const expected = `a price of the last ${budget.maxPriceAgeDays} days`;
      return {
        kind: "checked",
        resources: cost.prices.map(({ sku }) => sku),
        problems: cost.prices.flatMap((price): Problem[] => {
          const age = ageDays(price.asOf, asOf);
          if (age <= budget.maxPriceAgeDays) return [];
          const observed: GraphValue = Number.isNaN(age) ? { $unknown: true } : `price of ${price.asOf}`;
          return [problemAt("stack", `price ${price.sku}`, observed, expected)];
        }),
      };
    },
  },
  {
    id: "COST-06",
    title: "The cloud's own billing warns",
    severity: "medium",
    platforms: ["aws", "gcp"],
    legal: NONE,
    levels: byStage("M", "A", "A"),
    rationale: "It comes hours late, but from whoever sends the bill.",
    remediation: "Set budget.alarm: { kind: cloud, emails: [...] }.",
    blindSpots: "It warns and does not stop anything.",
    sources: [
      "https://docs.aws.amazon.com/cost-management/latest/userguide/budgets-best-practices.html",
      "https://cloud.google.com/billing/docs/how-to/budgets",
    ],
    evaluate: (graph, { cost }) => {
      if (cost.kind === "nothing-rented") return { kind: "not-applicable", reason: "nothing is rented" };
      const aws = ofType(graph, "aws:budgets/budget:Budget");
      const google = ofType(graph, "gcp:billing/budget:Budget");
      if (aws.length + google.length === 0)
        return absent("no budget in the cloud", "a budget that tells somebody");
      return checked(
        [...aws, ...google],
        (node) =>
          node.type.startsWith("aws:")
            ? expectInput(
                node,
                "notifications",
                "notices at 80 and 100 % of the actual and at 100 % of the forecast cost",
                (value) =>
                  listed(value).some((each) => valueAt(each, "notificationType") === "FORECASTED") &&
                  [80, 100].every((percent) =>
                    listed(value).some(
                      (each) =>
                        valueAt(each, "notificationType") === "ACTUAL" &&
                        valueAt(each, "threshold") === percent,
                    ),
                  ),
              )
            : expectInput(node, "thresholdRules", "rules on current and on forecast spend", (value) =>
                ["CURRENT_SPEND", "FORECASTED_SPEND"].every((basis) =>
                  listed(value).some((each) => valueAt(each, "spendBasis") === basis),
                ),
              ),
        "there is no budget",
      );
    },
  },
  {
    id: "COST-07",
    title: "A cost spike throttles within minutes",
    severity: "medium",
    platforms: ["kubernetes"],
    legal: NONE,
    levels: byStage("M", "A", "-"),
    rationale: "Billing data comes hours late; the gateway counts as it goes.",
    remediation: 'Set alerting.throttle and give a key of gateway.admins the role "throttle".',
    blindSpots: "Whether the key in Alertmanager's Secret is the right one.",
    evaluate: (graph, { models, providers }) => {
      if (models.length + providers.length === 0)
        return { kind: "not-applicable", reason: "the stack serves no model" };
      const alert = alertsWith(graph, { signal: "cost", action: "throttle" });
      const routing = routingOf(graph);
      const gateway = gatewayOf(graph);
      const wired = routing
        ?.receiversOf("action", "throttle")
        .some(({ body }) =>
          listed(valueAt(body, "webhookConfigs")).some((hook) =>
            textOf(valueAt(hook, "url")).endsWith("/admin/alerts"),
          ),
        );
      const unreadable =
        routing !== undefined &&
        ["spec.route", "spec.receivers"].some((path) => isUnknown(valueAt(routing.node.inputs, path)));
      return {
        kind: "checked",
        resources: [...alert.rules, ...(routing === undefined ? [] : [routing.node])].map(({ urn }) => urn),
        problems: [
          ...alert.problems,
          ...(wired === true
            ? []
            : [
                problemAt(
                  routing?.node.urn ?? "stack",
                  "spec.route.routes",
                  unreadable ? { $unknown: true } : "no route to the gateway",
                  'action="throttle" to the gateway',
                ),
              ]),
          ...(gateway !== undefined && hasRole(gateway, "throttle")
            ? []
            : [
                problemAt(
                  gateway?.node.urn ?? "stack",
                  "admin.keys",
                  gateway !== undefined && isUnknown(gateway.configuration) ? { $unknown: true } : "nobody",
                  'a key with the role "throttle"',
                ),
              ]),
        ],
      };
    },
  },
  {
    id: "COST-08",
    title: "Every bill can be allocated",
    severity: "low",
    platforms: ["aws", "gcp"],
    legal: NONE,
    levels: byStage("M", "M", "A"),
    rationale: "A cost without client and environment is everybody's and nobody's.",
    remediation: "Pass the stack's tags or labels to the resource.",
    blindSpots: "Traffic and requests, and whether AWS has activated the tags for billing.",
    evaluate: (graph) =>
      checked(
        graph.nodes.filter(({ type }) => TAGGED[type] !== undefined),
        (node) => [
          ...allocated(node),
          ...(node.type === "gcp:container/cluster:Cluster"
            ? expectInput(node, "costManagementConfig.enabled", "true", (value) => value === true)
            : []),
        ],
        "nothing here shows on a bill",
      ),
  },
  {
    id: "COST-09",
    title: "GPUs do not idle, and production does not stand on spot alone",
    severity: "medium",
    platforms: ["aws", "gcp"],
    legal: NONE,
    levels: byStage("A", "M", "M"),
    rationale: "Idle GPUs are most of the waste; spot nodes can be taken away together.",
    remediation: "Set gpuPools[].nodes.min: 0 outside of production; add on-demand to the capacity ladder.",
    blindSpots: "Replicas that idle on nodes that are paid anyway.",
    evaluate: (graph, { environment }) => idleAndSpot(graph, environment === "prod"),
  },
  {
    id: "COST-10",
    title: "External models have a cap for each client",
    severity: "high",
    platforms: ["kubernetes"],
    legal: NONE,
    levels: byStage("M", "M", "A"),
    rationale: "A token price without a cap is a bill without a maximum.",
    remediation: "Set providers[].monthlyCapUsd; the gateway shares it among the clients.",
    blindSpots: "Keys of the provider that are used past the gateway.",
    evaluate: (graph, { providers }) => {
      if (providers.length === 0)
        return { kind: "not-applicable", reason: "the stack uses no external model" };
      const gateway = gatewayOf(graph);
      if (gateway === undefined) return absent("providers without a gateway", "a gateway that counts");
      const { configuration, node } = gateway;
      if (isUnknown(configuration))
        return {
          kind: "checked",
          resources: [node.urn],
          problems: [problemAt(node.urn, "clients", configuration, "a budget for each client")],
        };
      const priced = new Set(
        listed(valueAt(configuration, "models"))
          .filter((model) => isRecord(valueAt(model, "price")))
          .map((model) => valueAt(model, "name")),
      );
      const problems = listed(valueAt(configuration, "clients")).flatMap((client): Problem[] => {
        const spends = listed(valueAt(client, "models")).some((model) => priced.has(model));
        const amount = valueAt(client, "budget.amount");
        return !spends || typeof amount === "string"
          ? []
          : [problemAt(node.urn, `clients ${textOf(valueAt(client, "id"))} budget`, amount, "an amount")];
      });
      return { kind: "checked", resources: [node.urn], problems };
    },
  },
];
