import { describe, expect, it } from "vitest";
import { configurationHash } from "../../components/configuration-hash.ts";
import { onlineConfig, scheduledConfig } from "../../evals/cluster/config.ts";
import { readDataSets } from "../../evals/data-sets.ts";
import { ofType, type ResourceNode } from "../../graph/graph.ts";
import { isRecord, SECRET, valueAt } from "../../graph/values.ts";
import { isAlert } from "../../monitoring/rule.ts";
import { planStack } from "../../plan/stack-plan.ts";
import { blocking } from "../../policies/report.ts";
import { pipelineOf } from "../../stacks/pipeline.ts";
import { promotions } from "../../stacks/promotions.ts";
import { parsePlatform } from "../../stacks/schema/parse.ts";
import type { PlatformConfig } from "../../stacks/schema/platform.ts";
import { servedNames } from "../../stacks/schema/served-names.ts";
import { configOf, judged } from "../policy/environments.ts";
import { waitsInVain } from "./waits.ts";

const EVALUATION = {
  tracking: {
    kind: "mlflow",
    image: `registry.example/mlflow:v3.12.0-full@sha256:${"0".repeat(64)}`,
    database: { uri: { name: "mlflow-database", key: "uri" }, cidr: "10.20.0.0/16" },
  },
  runner: {
    kind: "cluster",
    image: `registry.example/llmops-evals:0.1.0@sha256:${"0".repeat(64)}`,
    client: "evaluation",
    key: { name: "evaluation", key: "gateway" },
    maxUsd: 5,
    online: {
      kind: "sampled",
      judge: "judge",
      distance: { kind: "measured", model: "embedder", suites: ["factuality", "relevance"] },
    },
  },
};

const JUDGE = {
  name: "judge-provider",
  kind: "openai-compatible",
  baseUrl: "https://api.judge.example",
  region: "eu-west-3",
  dataProcessingAgreement: "DPA-8",
  trainingUse: "excluded",
  monthlyCapUsd: 100,
  credential: { name: "judge", key: "key" },
  models: ["judge", "embedder"].map((name) => ({
    name,
    model: name,
    inputUsdPerMillion: "1.00",
    outputUsdPerMillion: "3.00",
    source: "price list of the provider",
    asOf: "2026-11-01",
  })),
} as const;

type Production = "acme-prod" | "globex-prod";

function parsed(document: unknown): PlatformConfig {
  const result = parsePlatform(document);
  if (result.kind === "invalid") throw new Error(JSON.stringify(result.problems));
  return result.config;
}

function withEvaluation(stack: Production): PlatformConfig {
  const config = configOf(stack);
  const client = {
    id: "evaluation",
    tenant: config.tenancy.tenants[0]?.name,
    models: [...config.models.flatMap(servedNames), "judge", "embedder"],
    keys: ["1".repeat(64)],
  };
  return parsed({
    ...config,
    providers: [...config.providers, JUDGE],
    gateway: { ...config.gateway, clients: [...config.gateway.clients, client] },
    evaluation: { ...config.evaluation, ...EVALUATION },
  });
}

/** Besides, the drift job and the loop that retrains, which call the MLflow at an address. */
function withCallersOf(mlflowUrl: string): PlatformConfig {
  const config = withEvaluation("globex-prod");
  const image = `registry.example/x@sha256:${"0".repeat(64)}`;
  return parsed({
    ...config,
    observability: {
      ...config.observability,
      driftJob: { kind: "nightly", image, mlflowUrl, traces: "gateway" },
    },
    loops: {
      image,
      automation: {
        kind: "on",
        executorImage: image,
        retrain: { image, command: ["retrain"], pool: config.gpuPools[0]?.name, mlflowUrl },
        proposals: { url: "https://git.example/dispatches", token: { name: "git", key: "token" } },
      },
    },
  });
}

function textAt(node: ResourceNode | undefined, path: string): string {
  const value = valueAt(node?.inputs ?? {}, path);
  return typeof value === "string" ? value : "";
}

function served(config: PlatformConfig): { model: string; evaluated: object }[] {
  return promotions(config).map(({ model, evaluated }) => ({ model, evaluated }));
}

describe.each(["acme-prod", "globex-prod"] as const)("%s with everything of evaluation", (stack) => {
  it("breaks no control, stays within its budget, and pays for one more key and no volume", async () => {
    const config = withEvaluation(stack);
    const planned = await planStack(stack, config);
    expect(blocking(judged({ config, planned }))).toEqual([]);
    expect(planned.cost?.verdict).toBe("within-budget");
    expect(planned.cost?.use.filter(({ bound }) => bound === "runner")).toMatchObject([
      {
        name: "evaluations",
        what: "51 evaluations of at most 5 USD, stopped by the runner",
        monthlyUsd: { min: "0.00", max: "255.00" },
      },
    ]);
    const lines = (planned.cost?.lines ?? []).filter(({ urn }) => /mlflow|evaluation/i.test(urn));
    expect(lines.map(({ what }) => what)).toEqual(["encryption key"]);

    const { graph } = planned.plan;
    const [job, ...otherJobs] = ofType(graph, "kubernetes:batch/v1:Job");
    expect(otherJobs).toEqual([]);
    const name = textAt(job, "metadata.name");
    expect(name).toMatch(/^evaluation-[0-9a-f]{10}$/);
    const files = ofType(graph, "kubernetes:core/v1:ConfigMap").filter(
      ({ inputs }) => valueAt(inputs, "metadata.namespace") === "evaluation",
    );
    const text = (wanted: string): string => {
      const found = files.find(({ inputs }) => valueAt(inputs, "metadata.name") === wanted);
      const data = valueAt(found?.inputs ?? {}, "data");
      const content = isRecord(data) ? data["config.json"] : undefined;
      return typeof content === "string" ? content : "null";
    };
    const file = (wanted: string): unknown => JSON.parse(text(wanted));
    expect(scheduledConfig(file(name))).toMatchObject({
      gateway: "http://gateway.llm-gateway.svc",
      models: served(config).map((each) => ({ ...each, usdPerHour: expect.any(Number) as number })),
      spend: { kind: "capped", maxUsd: 5 },
      mlflow: { url: "http://mlflow.mlflow.svc:5000", user: "admin" },
    });
    expect(onlineConfig(file("online-evaluation"))).toMatchObject({
      share: 0.01,
      models: config.models.flatMap(servedNames),
      judge: { model: "judge" },
      maxPerDay: 1000,
      distance: {
        model: "embedder",
        share: 0.1,
        maxPerDay: 20_000,
        dataSets: "evals/data",
        suites: ["factuality", "relevance"],
        digest: readDataSets(["factuality", "relevance"]).digest,
      },
    });
    const online = ofType(graph, "kubernetes:apps/v1:Deployment").find(
      ({ inputs }) => valueAt(inputs, "metadata.name") === "online-evaluation",
    );
    expect(valueAt(online?.inputs ?? {}, "spec.template.metadata.annotations")).toEqual(
      configurationHash(text("online-evaluation")),
    );
    const [nightly] = ofType(graph, "kubernetes:batch/v1:CronJob");
    for (const [node, path] of [
      [nightly, "spec.jobTemplate.spec"],
      [job, "spec"],
    ] as const)
      expect(valueAt(node?.inputs ?? {}, path)).toMatchObject({
        activeDeadlineSeconds: 3600,
        template: {
          spec: {
            automountServiceAccountToken: false,
            containers: [
              {
                image: EVALUATION.runner.image,
                args: ["evals/bin/evaluate.ts", "/etc/evaluation/config.json"],
                securityContext: { readOnlyRootFilesystem: true, allowPrivilegeEscalation: false },
              },
            ],
          },
        },
      });
  });
});

describe("who calls MLflow", () => {
  const accounts = async (mlflowUrl: string): Promise<unknown[]> => {
    const { graph } = (await planStack("globex-prod", withCallersOf(mlflowUrl))).plan;
    expect(waitsInVain(graph)).toEqual([]);
    return ofType(graph, "kubernetes:core/v1:Secret")
      .filter(({ inputs }) => valueAt(inputs, "metadata.name") === "mlflow-account")
      .map(({ inputs }) => [valueAt(inputs, "metadata.namespace"), valueAt(inputs, "stringData")])
      .sort();
  };

  it.each(["http://mlflow.mlflow.svc:5000", "http://mlflow.mlflow.svc.cluster.local:5000"])(
    "logs in to that of the stack at %s",
    async (url) => {
      expect(await accounts(url)).toEqual([
        ["drift", SECRET],
        ["loops", SECRET],
      ]);
    },
  );

  it("shows the password to no other", async () => {
    expect(await accounts("http://mlflow.elsewhere.svc:5000")).toEqual([]);
  });
});

describe("alerts about what nobody measures", () => {
  it("do not count what the evaluation asks itself", () => {
    const rules = pipelineOf(withEvaluation("acme-prod")).groups.flatMap((group) =>
      group.rules.filter(isAlert),
    );
    const unmeasured = rules.filter(({ alert }) => alert.endsWith("Unmeasured"));
    expect(unmeasured.map(({ alert }) => alert)).toEqual([
      "LlmopsQualityUnmeasured",
      "LlmopsEmbeddingUnmeasured",
      "LlmopsEvalScoreUnmeasured",
    ]);
    for (const { expr } of unmeasured) expect(expr).toContain(',client!="evaluation"}');
  });
});
