import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { beforeAll, describe, expect, it } from "vitest";
import type { ResourceGraph } from "../graph/graph.ts";
import { valueAt } from "../graph/values.ts";
import type { StackPlan } from "../plan/stack-plan.ts";
import { sharedPlan } from "../plan/testing/shared-plan.ts";
import { readStack } from "../stacks/schema/stack-file.ts";
import type { PlatformConfig } from "../stacks/schema/platform.ts";
import { sumOf } from "./apportion.ts";
import type { Part } from "./breakdown.ts";
import { costCsv } from "./csv.ts";
import { environmentCost, type EnvironmentCost } from "./environment.ts";
import { costPage } from "./html.ts";

const FOLDER = join(import.meta.dirname, "../stacks");
const STACKS = ["acme-prod", "acme-staging", "dev", "globex-prod"] as const;

/** List prices as the sources give them, typed once more: USD per hour, then USD per unit. */
const RAW: Readonly<Record<string, string>> = {
  "aws/eu-south-2/machine/m7i.xlarge/on-demand": "0.2247",
  "aws/eu-south-2/machine/g6e.xlarge/on-demand": "1.961",
  "aws/eu-south-2/machine/g6e.xlarge/spot": "0.550",
  "aws/eu-south-2/machine/g6e.12xlarge/on-demand": "11.05645",
  "aws/eu-south-2/cluster": "0.10",
  "aws/eu-south-2/public-ipv4": "0.005",
  "gcp/europe-west4/machine/e2-standard-4/on-demand": "0.14754",
  "gcp/europe-west4/machine/g2-standard-8/on-demand": "0.89661",
  "gcp/europe-west4/machine/g2-standard-8/spot": "0.38679",
  "gcp/europe-west4/cluster": "0.10",
  "gcp/europe-west4/nat-gateway": "0.0448",
  "aws/eu-south-2/encryption-key": "0.00136987",
  "gcp/europe-west4/use/egress-gib": "0.12",
  "gcp/europe-west4/use/nat-gib": "0.045",
  "gcp/europe-west4/use/log-gib": "0.50",
  "gcp/europe-west4/use/flow-log-gib": "0.25",
};

/** Machine of a pool that names none. */
const MACHINES: Readonly<Record<string, string>> = { "L40S x1": "g6e.xlarge", "L40S x4": "g6e.12xlarge" };

/** Boot disk of a node without GPU, GiB. */
const SYSTEM_DISK = 100;

interface StackYaml {
  readonly cloud: {
    readonly provider: "aws" | "gcp";
    readonly region: string;
    readonly cluster: {
      readonly systemNodes: { instanceType: string; min: number; expected: number; max: number };
    };
  };
  readonly gpuPools: readonly {
    name: string;
    accelerator: string;
    gpusPerNode: number;
    instanceType?: string;
    capacity: string[];
    diskGiB?: number;
    nodes: { expected: number; max: number };
  }[];
  readonly models: readonly {
    gpu: { pool: string; tensorParallel?: number };
    autoscaling: { minReplicas: number };
  }[];
  readonly observability?: {
    readonly telemetry?: Readonly<Record<"traces" | "logs", { readonly volumeGiB: number }>>;
  };
  readonly budget: {
    readonly usage: Readonly<Record<string, { expected: number; max: number }>>;
    readonly onUnknownPrice: {
      usdPerHour: Readonly<Record<string, number>>;
      usdPerUnit: Readonly<Record<string, number>>;
    };
  };
}

const DIGITS = 18;

/** A decimal number in text as a whole number of 10^-18. */
function scaled(text: string): bigint {
  const [whole = "0", fraction = ""] = text.split(".");
  return BigInt(whole + fraction.padEnd(DIGITS, "0").slice(0, DIGITS));
}

/** Whole cents of a price times a whole number of units, halves up. */
function cents(price: string, units: number): bigint {
  const exact = scaled(price) * BigInt(units) * 100n;
  return (exact * 2n + 10n ** BigInt(DIGITS)) / (2n * 10n ** BigInt(DIGITS));
}

type Figures = [min: bigint, expected: bigint, max: bigint];

function dollars(amount: bigint): string {
  return `${amount / 100n}.${String(amount % 100n).padStart(2, "0")}`;
}

const USAGE: Readonly<Record<string, string>> = {
  egressGiB: "egress-gib",
  natGiB: "nat-gib",
  logGiB: "log-gib",
  flowLogGiB: "flow-log-gib",
  objectStorageGiB: "object-gib-month",
  balancerGiB: "balancer-gib",
};

/** Month of a stack from its YAML, the sizes in its graph and the raw prices; uses nothing of plan/ or pricing/. */
function byHand(stack: string, graph: ResourceGraph): [string, string, string] {
  const text = readFileSync(join(FOLDER, `Pulumi.${stack}.yaml`), "utf8");
  const yaml = (parse(text) as { config: { "llmops:platform": StackYaml } }).config["llmops:platform"];
  const { provider, region, cluster } = yaml.cloud;
  const { usdPerHour, usdPerUnit } = yaml.budget.onUnknownPrice;
  const price = (key: string): string => {
    const sku = `${provider}/${region}/${key}`;
    const assumed = usdPerHour[sku] ?? usdPerUnit[sku];
    const found = RAW[sku] ?? (assumed === undefined ? undefined : String(assumed));
    if (found === undefined) throw new Error(`nobody typed the price of ${sku}`);
    return found;
  };
  const sum: Figures = [0n, 0n, 0n];
  const add = (
    usual: string,
    highest: string,
    [min, expected, max]: readonly [number, number, number],
    hours = 730,
  ): void => {
    sum[0] += cents(usual, min * hours);
    sum[1] += cents(usual, expected * hours);
    sum[2] += cents(highest, max * hours);
  };
  const always = (key: string, count: number): void => {
    for (let each = 0; each < count; each++) add(price(key), price(key), [1, 1, 1]);
  };
  const { instanceType, min, expected, max } = cluster.systemNodes;
  const system = price(`machine/${instanceType}/on-demand`);
  const disk = price("disk-gib");
  add(system, system, [min, expected, max]);
  add(disk, disk, [min * SYSTEM_DISK, expected * SYSTEM_DISK, max * SYSTEM_DISK]);
  for (const pool of yaml.gpuPools) {
    const machine = pool.instanceType ?? MACHINES[`${pool.accelerator} x${pool.gpusPerNode}`] ?? "";
    const onDemand = price(`machine/${machine}/on-demand`);
    const gib = pool.diskGiB ?? 200;
    const gpus = yaml.models
      .filter(({ gpu }) => gpu.pool === pool.name)
      .reduce(
        (total, { gpu, autoscaling }) => total + (gpu.tensorParallel ?? 1) * autoscaling.minReplicas,
        0,
      );
    const floor = Math.ceil(gpus / pool.gpusPerNode);
    pool.capacity.forEach((rung, index) => {
      const usual = index === 0 && rung === "spot" ? price(`machine/${machine}/spot`) : onDemand;
      const nodes = [
        index === 0 ? floor : 0,
        index === 0 ? Math.max(floor, pool.nodes.expected) : 0,
        pool.nodes.max,
      ] as const;
      add(usual, onDemand, nodes);
      add(disk, disk, [nodes[0] * gib, nodes[1] * gib, nodes[2] * gib]);
    });
  }
  const count = (type: string): number => graph.nodes.filter((node) => node.type === type).length;
  always("cluster", count(provider === "aws" ? "aws:eks/cluster:Cluster" : "gcp:container/cluster:Cluster"));
  always(
    "nat-gateway",
    count(provider === "aws" ? "aws:ec2/natGateway:NatGateway" : "gcp:compute/routerNat:RouterNat"),
  );
  always("encryption-key", count(provider === "aws" ? "aws:kms/key:Key" : "gcp:kms/cryptoKey:CryptoKey"));
  if (provider === "aws") always("public-ipv4", count("aws:ec2/eip:Eip"));
  // The entries shipped are private: a load balancer, on Google Cloud with a firewall of one allowed network and everybody else.
  const balancers = count(
    provider === "aws"
      ? "aws:lb/loadBalancer:LoadBalancer"
      : "kubernetes:gateway.networking.k8s.io/v1:Gateway",
  );
  always("load-balancer", balancers);
  for (let each = 0; provider === "gcp" && each < balancers; each++) {
    always("firewall-policy", 1);
    add(price("firewall-rule"), price("firewall-rule"), [2, 2, 2]);
  }
  for (const { type, inputs } of graph.nodes) {
    if (type === "aws:ec2/vpcEndpoint:VpcEndpoint" && inputs["vpcEndpointType"] === "Interface") {
      const zones = (inputs["subnetIds"] as readonly unknown[]).length;
      add(price("interface-endpoint"), price("interface-endpoint"), [zones, zones, zones]);
    }
    const prometheus = "values.prometheus.prometheusSpec";
    const claimed = valueAt(
      inputs,
      `${prometheus}.storageSpec.volumeClaimTemplate.spec.resources.requests.storage`,
    );
    if (type === "kubernetes:helm.sh/v3:Release" && typeof claimed === "string") {
      const gib = Number(valueAt(inputs, `${prometheus}.replicas`)) * Number(claimed.replace("Gi", ""));
      add(disk, disk, [gib, gib, gib]);
    }
    if (type !== "kubernetes:apps/v1:StatefulSet") continue;
    const replicas = Number(valueAt(inputs, "spec.replicas"));
    const claims = valueAt(inputs, "spec.volumeClaimTemplates") as readonly unknown[] | undefined;
    (claims ?? []).forEach((_claim, index) => {
      const size = valueAt(inputs, `spec.volumeClaimTemplates.${index}.spec.resources.requests.storage`);
      const gib = replicas * Number(typeof size === "string" ? size.replace("Gi", "") : NaN);
      add(disk, disk, [gib, gib, gib]);
    });
  }
  const { telemetry } = yaml.observability ?? {};
  for (const { volumeGiB } of telemetry === undefined ? [] : [telemetry.traces, telemetry.logs])
    add(disk, disk, [volumeGiB, volumeGiB, volumeGiB]);
  for (const [key, { expected: usual, max: most }] of Object.entries(yaml.budget.usage)) {
    const unit = price(`use/${USAGE[key] ?? key}`);
    add(unit, unit, [0, usual, most], 1);
  }
  return [dollars(sum[0]), dollars(sum[1]), dollars(sum[2])];
}

describe("the cost of a shipped stack", () => {
  const planned = new Map<string, { plan: StackPlan; config: PlatformConfig; cost: EnvironmentCost }>();

  beforeAll(async () => {
    for (const stack of STACKS) {
      const config = readStack(FOLDER, stack);
      const plan = await sharedPlan(stack, config);
      const cost = environmentCost({
        stack,
        config,
        graph: plan.plan.graph,
        request: { inputTokens: 1024, outputTokens: 256 },
        interruptionMinutes: 10,
        unitCosts: "left-out",
      });
      if (cost === undefined) throw new Error(`${stack} rents nothing`);
      planned.set(stack, { plan, config, cost });
    }
  }, 120_000);

  const of = (stack: string): { plan: StackPlan; config: PlatformConfig; cost: EnvironmentCost } => {
    const found = planned.get(stack);
    if (found === undefined) throw new Error(`${stack} was not planned`);
    return found;
  };

  it.each(STACKS)("of %s is what the raw prices add up to by hand, to the cent", (stack) => {
    const { plan } = of(stack);
    const { min, expected, max } = plan.cost?.monthlyUsd ?? { min: "", expected: "", max: "" };
    expect([min, expected, max]).toEqual(byHand(stack, plan.plan.graph));
  });

  it.each(STACKS)("of %s is the sum of its parts, however it is broken down", (stack) => {
    const { cost } = of(stack);
    const sum = (parts: readonly Part[], key: "min" | "expected" | "max"): string =>
      sumOf(parts.map(({ monthlyUsd }) => monthlyUsd[key]));
    for (const parts of [cost.byComponent, cost.byModel, cost.byClient])
      expect({
        min: sum(parts, "min"),
        expected: sum(parts, "expected"),
        max: sum(parts, "max"),
      }).toEqual(cost.report.monthlyUsd);
  });

  it.each(STACKS)("of %s is in every row of the CSV, with a source", (stack) => {
    const { cost, plan } = of(stack);
    const [head, ...rows] = costCsv(cost, plan.plan.graph).trim().split("\n");
    expect(head).toBe(
      "stack,client,environment,component,pool,resource,what,floor_usd,expected_usd,ceiling_usd,skus,sources,as_of",
    );
    expect(rows).toHaveLength(cost.report.lines.length + cost.report.use.length);
    expect(rows.filter((row) => !/20\d\d-\d\d-\d\d"?$/.test(row))).toEqual([]);
  });

  it("is not blamed on clients that cannot call the model", () => {
    const { config, cost, plan } = of("acme-prod");
    const client = config.gateway.clients[0];
    if (client === undefined) throw new Error("acme-prod lost its client");
    const other = { ...client, id: "other", models: ["claims-assistant"], tokensPerMinute: 3_000_000 };
    const shared = environmentCost({
      stack: "acme-prod",
      config: {
        ...config,
        gateway: { ...config.gateway, clients: [{ ...client, models: ["claims-reasoner"] }, other] },
      },
      graph: plan.plan.graph,
      request: { inputTokens: 1, outputTokens: 1 },
      interruptionMinutes: 10,
      unitCosts: "left-out",
    });
    const reasoner = cost.byModel.find(({ name }) => name === "claims-reasoner")?.monthlyUsd.expected ?? "";
    const platform = cost.byModel.find(({ name }) => name === "platform")?.monthlyUsd.expected ?? "";
    const portal = shared?.byClient.find(({ name }) => name === "claims-portal")?.monthlyUsd.expected;
    // All of the reasoner and a quarter of the platform: 1 of 4 million tokens a minute.
    expect(Number(portal)).toBeCloseTo(Number(reasoner) + Number(platform) / 4, 1);
  });

  it("says what other prices, another load and no spot would change", () => {
    const rows = new Map(of("dev").cost.sensitivity.map((row) => [row.what, row]));
    const before = of("dev").cost.report.monthlyUsd;
    expect(Number(rows.get("all list prices +20 %")?.monthlyUsd.max)).toBeCloseTo(
      1.2 * Number(before.max),
      1,
    );
    // One g2-standard-8 on demand instead of spot: (0.89661 - 0.38679) x 730.
    expect(rows.get("no spot capacity all month")?.expectedChangeUsd).toBe("372.17");
    expect(rows.get("load +50 %")?.monthlyUsd.max).toBe(before.max);
  });

  it("is drawn and written without anything that could run", () => {
    const { cost } = of("acme-prod");
    const page = costPage([{ ...cost, stack: '<script>"x"' }]);
    expect(page).not.toContain("<script>");
    expect(page).toContain("&lt;script&gt;&quot;x&quot;");
    expect(page.match(/<rect /g)?.length).toBeGreaterThan(8);
    expect(page).not.toMatch(/https?:\/\/(?!www\.w3\.org)[^<"]*\.(js|css)/);
  });
});
