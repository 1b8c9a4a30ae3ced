import { parser } from "@prometheus-io/lezer-promql";
import { describe, expect, it } from "vitest";
import { PLATFORM_SERIES } from "../../components/observability/metrics/series.ts";
import { ofType, type ResourceGraph } from "../../graph/graph.ts";
import { valueAt, type GraphValue } from "../../graph/values.ts";
import { capture } from "../../plan/capture.ts";
import { costOptions } from "../../plan/cost-options.ts";
import { costOf, UnknownPriceError, type CostOptions } from "../../plan/cost.ts";
import { typeCounts } from "../../plan/plan.ts";
import { policyOf } from "../../plan/policy.ts";
import { sharedPlan } from "../../plan/testing/shared-plan.ts";
import { blocking } from "../../policies/report.ts";
import { platformProgram } from "../../stacks/program.ts";
import { parsePlatform } from "../../stacks/schema/parse.ts";
import type { PlatformConfig } from "../../stacks/schema/platform.ts";
import { configOf, NOW } from "../policy/environments.ts";
import { waitsInVain } from "./waits.ts";

type Shipped = "acme-prod" | "globex-prod";

/** Price of a million samples that the tests assume on AWS, USD. */
const ASSUMED_USD = 0.09;
const SKU = "aws/eu-south-2/use/metric-million-samples";

/** A shipped stack whose metrics go somewhere else, with what that is billed by. */
function withMetrics(stack: Shipped, metrics: object): PlatformConfig {
  const config = configOf(stack);
  const { onUnknownPrice, usage, ...budget } = config.budget;
  const parsed = parsePlatform({
    ...config,
    observability: { ...config.observability, metrics },
    budget: {
      ...budget,
      usage: { ...usage, metricMillionSamples: { expected: 5_000, max: 20_000 } },
      onUnknownPrice:
        onUnknownPrice.kind === "assume" && stack === "acme-prod"
          ? { ...onUnknownPrice, usdPerUnit: { ...onUnknownPrice.usdPerUnit, [SKU]: ASSUMED_USD } }
          : onUnknownPrice,
    },
  });
  if (parsed.kind === "invalid") throw new Error(JSON.stringify(parsed.problems));
  return parsed.config;
}

const graphs = new Map<string, Promise<ResourceGraph>>();

/** Graph of an environment, worked out once for all tests. */
function graphOf(stack: Shipped, config: PlatformConfig): Promise<ResourceGraph> {
  const key = `${stack} ${JSON.stringify(config.observability.metrics)}`;
  const graph = graphs.get(key) ?? capture({ stack, program: () => platformProgram(config) });
  graphs.set(key, graph);
  return graph;
}

async function plainGraph(stack: Shipped): Promise<ResourceGraph> {
  return (await sharedPlan(stack, configOf(stack))).plan.graph;
}

function optionsOf(config: PlatformConfig): CostOptions {
  const options = costOptions(config);
  if (options === undefined) throw new Error("nothing is rented");
  return options;
}

/** How many more resources of each type one graph has than another. */
function added(graph: ResourceGraph, before: ResourceGraph): Record<string, number> {
  const custom = ({ nodes }: ResourceGraph): Map<string, number> =>
    new Map(typeCounts(nodes.filter((node) => node.custom)));
  const counts = custom(graph);
  const earlier = custom(before);
  return Object.fromEntries(
    [...new Set([...counts.keys(), ...earlier.keys()])]
      .map((type) => [type, (counts.get(type) ?? 0) - (earlier.get(type) ?? 0)] as const)
      .filter(([, more]) => more !== 0),
  );
}

/** The Prometheus resource the chart is asked for. */
function prometheusOf(graph: ResourceGraph): GraphValue | undefined {
  const release = ofType(graph, "kubernetes:helm.sh/v3:Release").find(
    ({ inputs }) => inputs["name"] === "kube-prometheus-stack",
  );
  return release === undefined ? undefined : valueAt(release.inputs, "values.prometheus.prometheusSpec");
}

const BUCKET_ON_AWS = {
  "aws:kms/alias:Alias": 1,
  "aws:kms/key:Key": 1,
  "aws:s3/bucket:Bucket": 1,
  "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": 1,
  "aws:s3/bucketOwnershipControls:BucketOwnershipControls": 1,
  "aws:s3/bucketPolicy:BucketPolicy": 1,
  "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": 1,
  "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": 1,
};
const THANOS_OBJECTS = {
  "kubernetes:apps/v1:Deployment": 1,
  "kubernetes:apps/v1:StatefulSet": 2,
  "kubernetes:core/v1:ConfigMap": 1,
  "kubernetes:core/v1:Namespace": 1,
  "kubernetes:core/v1:Secret": 2,
  "kubernetes:core/v1:Service": 3,
  "kubernetes:core/v1:ServiceAccount": 2,
  "kubernetes:networking.k8s.io/v1:NetworkPolicy": 4,
  "kubernetes:policy/v1:PodDisruptionBudget": 1,
};
const REMOTE = {
  kind: "remote-write",
  url: "https://mimir.acme.example/api/v1/push",
  authorization: { kind: "bearer", token: { name: "metrics", key: "token" } },
};

const CHOICES: readonly [Shipped, object, Record<string, number>][] = [
  ["acme-prod", REMOTE, {}],
  [
    "acme-prod",
    { kind: "amazon-managed" },
    {
      "aws:amp/workspace:Workspace": 1,
      "aws:eks/podIdentityAssociation:PodIdentityAssociation": 1,
      "aws:iam/role:Role": 1,
      "aws:iam/rolePolicy:RolePolicy": 1,
      "aws:kms/alias:Alias": 1,
      "aws:kms/key:Key": 1,
    },
  ],
  [
    "globex-prod",
    { kind: "google-managed" },
    {
      "gcp:projects/iAMMember:IAMMember": 1,
      "kubernetes:rbac.authorization.k8s.io/v1:Role": 1,
      "kubernetes:rbac.authorization.k8s.io/v1:RoleBinding": 1,
    },
  ],
  [
    "acme-prod",
    { kind: "thanos" },
    {
      ...BUCKET_ON_AWS,
      ...THANOS_OBJECTS,
      "aws:eks/podIdentityAssociation:PodIdentityAssociation": 3,
      "aws:iam/role:Role": 3,
      "aws:iam/rolePolicy:RolePolicy": 3,
    },
  ],
  [
    "globex-prod",
    { kind: "thanos", volumeGiB: 70 },
    {
      ...THANOS_OBJECTS,
      "gcp:kms/cryptoKey:CryptoKey": 1,
      "gcp:kms/cryptoKeyIAMMember:CryptoKeyIAMMember": 1,
      "gcp:kms/keyRing:KeyRing": 1,
      "gcp:storage/bucket:Bucket": 1,
      "gcp:storage/bucketIAMMember:BucketIAMMember": 3,
    },
  ],
];

describe("where metrics go", () => {
  it.each(CHOICES)(
    "%s with %j has exactly these resources more, and no finding",
    async (stack, metrics, more) => {
      const config = withMetrics(stack, metrics);
      const graph = await graphOf(stack, config);
      expect(added(graph, await plainGraph(stack))).toEqual(more);
      expect(waitsInVain(graph)).toEqual([]);
      expect(blocking(policyOf({ graph, config, asOf: NOW }))).toEqual([]);
    },
  );

  it("needs Amazon's price, knows Google's, and counts every volume", async () => {
    const amazon = withMetrics("acme-prod", { kind: "amazon-managed" });
    const amazonGraph = await graphOf("acme-prod", amazon);
    const known = optionsOf(amazon);
    const samples = (report: ReturnType<typeof costOf>): unknown =>
      report.use.find(({ name }) => name === "metric-million-samples")?.monthlyUsd;
    expect(samples(costOf(amazonGraph, known))).toEqual({ min: "0.00", expected: "450.00", max: "1800.00" });
    const others = Object.fromEntries(
      Object.entries(known.assumed.usdPerUnit).filter(([sku]) => sku !== SKU),
    );
    const unknown = { ...known, assumed: { ...known.assumed, usdPerUnit: others } };
    expect(() => costOf(amazonGraph, unknown)).toThrow(new UnknownPriceError([SKU]));
    const google = withMetrics("globex-prod", { kind: "google-managed" });
    const googleCost = costOf(await graphOf("globex-prod", google), optionsOf(google));
    expect(samples(googleCost)).toEqual({ min: "0.00", expected: "300.00", max: "1200.00" });
    const thanos = withMetrics("globex-prod", { kind: "thanos", volumeGiB: 70 });
    const { lines } = costOf(await graphOf("globex-prod", thanos), optionsOf(thanos));
    expect(
      lines
        .filter(({ name }) => /thanos|monitoring-chart/.test(name))
        .map(({ name, units }) => [name, units.max.quantity]),
    ).toEqual([
      ["globex-prod-monitoring-chart-release", 100],
      ["globex-prod-thanos-thanos-compactor", 70],
      ["globex-prod-thanos-thanos-store", 10],
    ]);
  });

  it("is told to Prometheus with a label of the cluster, and to nobody by default", async () => {
    expect(prometheusOf(await plainGraph("acme-prod"))).toEqual({
      retention: "30d",
      replicas: 2,
      storageSpec: {
        volumeClaimTemplate: {
          spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "50Gi" } } },
        },
      },
      nodeSelector: { "llmops.io/node-role": "system" },
      podMonitorSelectorNilUsesHelmValues: false,
      serviceMonitorSelectorNilUsesHelmValues: false,
      ruleSelectorNilUsesHelmValues: false,
    });
    const sent = prometheusOf(await graphOf("acme-prod", withMetrics("acme-prod", REMOTE)));
    expect(sent).toMatchObject({
      externalLabels: { cluster: "acme-prod" },
      replicaExternalLabelName: "__replica__",
      remoteWrite: [
        {
          url: "https://mimir.acme.example/api/v1/push",
          name: "platform",
          authorization: { type: "Bearer", credentials: { name: "metrics", key: "token" } },
          queueConfig: { capacity: 10_000, maxShards: 50, maxSamplesPerSend: 2_000 },
          writeRelabelConfigs: [{ sourceLabels: ["__name__"], regex: PLATFORM_SERIES, action: "keep" }],
        },
      ],
    });
  });

  it("lets Prometheus write into the workspace only", async () => {
    const graph = await graphOf("acme-prod", withMetrics("acme-prod", { kind: "amazon-managed" }));
    const association = ofType(graph, "aws:eks/podIdentityAssociation:PodIdentityAssociation").find(
      ({ name }) => name === "acme-prod-prometheus-writer-association",
    );
    expect(association?.inputs).toMatchObject({ namespace: "monitoring", serviceAccount: "prometheus" });
    const release = ofType(graph, "kubernetes:helm.sh/v3:Release").find(
      ({ inputs }) => inputs["name"] === "kube-prometheus-stack",
    );
    expect(release?.dependencies).toContain(association?.urn);
    expect(valueAt(release?.inputs ?? {}, "values.prometheus.serviceAccount")).toEqual({
      name: "prometheus",
    });
  });
});

/** Every PromQL expression below a value. */
function expressions(value: GraphValue): string[] {
  if (Array.isArray(value)) return (value as readonly GraphValue[]).flatMap(expressions);
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value as Record<string, GraphValue>).flatMap(([key, inner]) =>
    key === "expr" && typeof inner === "string" ? [inner] : expressions(inner),
  );
}

/** Names of the metrics an expression reads. */
function metricsIn(expression: string): string[] {
  const text = expression.replace(/\$__(rate_interval|range)/g, "5m");
  const names: string[] = [];
  parser.parse(text).iterate({
    enter: ({ type, node, from, to }) => {
      if (type.name === "Identifier" && node.parent?.type.name === "VectorSelector")
        names.push(text.slice(from, to));
    },
  });
  return names;
}

describe("the series that leave the cluster", () => {
  const matches = new RegExp(`^(?:${PLATFORM_SERIES})$`);

  it.each(["acme-prod", "globex-prod"] as const)(
    "are all that rules and dashboards of %s read and record",
    async (stack) => {
      const graph = await plainGraph(stack);
      const rules = ofType(graph, "kubernetes:monitoring.coreos.com/v1:PrometheusRule");
      const dashboards = ofType(graph, "kubernetes:core/v1:ConfigMap").flatMap(({ inputs }) =>
        Object.entries((valueAt(inputs, "data") ?? {}) as Record<string, GraphValue>)
          .filter(([file]) => file.endsWith(".json") && file.startsWith("llmops"))
          .map(([, text]) => JSON.parse(text as string) as GraphValue),
      );
      const read = [...rules.map(({ inputs }) => inputs), ...dashboards]
        .flatMap(expressions)
        .flatMap(metricsIn);
      expect(new Set(read).size).toBeGreaterThan(40);
      expect([...new Set(read)].filter((name) => !matches.test(name))).toEqual([]);
    },
  );

  it("are not those of every node and container", () => {
    for (const name of [
      "node_cpu_seconds_total",
      "container_memory_rss",
      "apiserver_request_total",
      "upstream",
    ])
      expect(matches.test(name), name).toBe(false);
  });
});
