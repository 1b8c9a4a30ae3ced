import { AnalysisTemplate } from "@kubernetes-models/argo-rollouts/argoproj.io/v1alpha1/AnalysisTemplate";
import { Rollout } from "@kubernetes-models/argo-rollouts/argoproj.io/v1alpha1/Rollout";
import { describe, expect, it } from "vitest";
import { ofType, type ResourceGraph } from "../../graph/graph.ts";
import { capture } from "../../plan/capture.ts";
import { watchedMetrics } from "./analysis.ts";
import { valueAt } from "../../graph/values.ts";
import type { ServedGate } from "./gate.ts";
import { ModelRollout, rolloutOf, validateModelRolloutArgs, type ModelRolloutArgs } from "./model-rollout.ts";
import type { BlueGreen, Canary } from "./strategy.ts";
import { hash, servedGate } from "./testing/gate.ts";

const served = { model: `gitCommit:${"c".repeat(40)}`, prompt: hash("1"), guardrails: hash("2") };
const GATE = servedGate("mistral", served, hash("4"));
const { gate } = GATE;
const blueGreen: BlueGreen = {
  strategy: "blue-green",
  surge: { kind: "spare-gpus", replicas: 2 },
  soakMinutes: 30,
};
const canary: Canary = {
  strategy: "canary",
  surge: { kind: "in-place" },
  steps: [
    { weight: 20, minutes: 15 },
    { weight: 50, minutes: 10 },
  ],
};
const UNGATED: ModelRolloutArgs = {
  model: "mistral",
  namespace: "claims",
  engine: { kind: "vllm", image: `e@${hash("a")}`, maxModelLen: 8192, maxNumSeqs: 64 },
  ttftP95Ms: 800,
  delivery: blueGreen,
  drainSeconds: 105,
  gates: [],
  labels: { "llmops.io/client": "acme" },
};
const args: ModelRolloutArgs = { ...UNGATED, gates: [GATE] };

function graphOf(changes: Partial<ModelRolloutArgs> = {}): Promise<ResourceGraph> {
  return capture({ stack: "test", program: () => new ModelRollout("d", { ...args, ...changes }, {}) });
}

function inputsOf(graph: ResourceGraph, kind: string): Record<string, unknown>[] {
  return ofType(graph, `kubernetes:argoproj.io/v1alpha1:${kind}`).map(
    ({ inputs }) => structuredClone(inputs) as Record<string, unknown>,
  );
}

describe("a delivery", () => {
  it.each([
    ["blue-green", blueGreen],
    ["canary", canary],
  ])("%s is what the schema of Argo Rollouts knows", async (_name, delivery) => {
    const graph = await graphOf({ delivery });
    for (const body of inputsOf(graph, "Rollout")) new Rollout(body as never).validate();
    const templates = inputsOf(graph, "AnalysisTemplate");
    expect(templates.map(({ metadata }) => (metadata as { name: string }).name).sort()).toEqual([
      "mistral-gate",
      "mistral-watch",
    ]);
    for (const body of templates) new AnalysisTemplate(body as never).validate();
  });

  it("is checked by that schema at all", () => {
    const { metadata, spec } = rolloutOf(args);
    const wrong = { metadata, spec: { ...spec, strategy: { blueGreen: { activeService: 7 } } } };
    expect(() => {
      new Rollout(wrong as never).validate();
    }).toThrow(/activeService/);
  });

  it("takes its pods from the Deployment and its number from the autoscaler", () => {
    const { spec } = rolloutOf(args);
    expect(spec).toMatchObject({ workloadRef: { kind: "Deployment", name: "mistral" } });
    expect(spec).not.toHaveProperty("replicas");
    expect(spec).not.toHaveProperty("template");
  });

  it("names the evaluation it rests on", () => {
    expect(rolloutOf(args).metadata?.annotations).toEqual({
      "mistral.evaluation.llmops.io/report": hash("4"),
      "mistral.evaluation.llmops.io/model": served.model,
      "mistral.evaluation.llmops.io/prompt": hash("1"),
      "mistral.evaluation.llmops.io/guardrails": hash("2"),
      "mistral.evaluation.llmops.io/date": "2026-11-17",
    });
  });

  it("keeps no earlier version, because one that was aborted would keep the next from ever timing out", () => {
    expect(rolloutOf(args).spec).toMatchObject({ revisionHistoryLimit: 0, progressDeadlineAbort: true });
  });

  it("blue-green drains the old colour after the watch, and takes an aborted one away before it could serve ungated", () => {
    expect(rolloutOf(args).spec.strategy).toEqual({
      blueGreen: {
        activeService: "mistral",
        previewService: "mistral-preview",
        autoPromotionEnabled: true,
        prePromotionAnalysis: { templates: [{ templateName: "mistral-gate" }] },
        postPromotionAnalysis: {
          templates: [{ templateName: "mistral-watch" }],
          args: [{ name: "hash", valueFrom: { podTemplateHashValue: "Latest" } }],
        },
        scaleDownDelaySeconds: 105,
        abortScaleDownDelaySeconds: 1,
      },
    });
  });

  it.each([
    [canary.surge, { maxSurge: 0, maxUnavailable: 1 }],
    [{ kind: "spare-gpus", replicas: 3 } as const, { maxSurge: 3, maxUnavailable: 0 }],
  ])("canary passes the gate before its first share, with %j", (surge, budget) => {
    expect(rolloutOf({ ...args, delivery: { ...canary, surge } }).spec.strategy).toMatchObject({
      canary: {
        ...budget,
        steps: [
          { setWeight: 0 },
          { analysis: { templates: [{ templateName: "mistral-gate" }] } },
          { setWeight: 20 },
          { pause: { duration: "15m" } },
          { setWeight: 50 },
          { pause: { duration: "10m" } },
        ],
        analysis: { startingStep: 3 },
      },
    });
  });

  it("verifies the report in a pod without root, token or network rights of its own", async () => {
    const [body] = inputsOf(await graphOf(), "AnalysisTemplate").filter(
      ({ metadata }) => (metadata as { name: string }).name === "mistral-gate",
    );
    expect(body?.["spec"]).toMatchObject({
      metrics: [
        {
          failureLimit: 0,
          provider: {
            job: {
              spec: {
                backoffLimit: 0,
                template: {
                  spec: {
                    automountServiceAccountToken: false,
                    securityContext: { runAsNonRoot: true },
                    containers: [
                      {
                        image: gate.image,
                        args: [
                          "gate",
                          "--file=/evaluation/report.json",
                          `--report=${hash("4")}`,
                          `--model=${served.model}`,
                          `--prompt=${hash("1")}`,
                          `--guardrails=${hash("2")}`,
                          `--data-sets=${hash("5")}`,
                          "--environment=prod",
                          "--min-samples=200",
                          "--max-age-days=90",
                        ],
                        securityContext: { readOnlyRootFilesystem: true },
                      },
                    ],
                  },
                },
              },
            },
          },
        },
      ],
    });
  });

  it("asks for the evaluation of each adapter in the same place, each from its own report", async () => {
    const tone: ServedGate = {
      model: "claims-tone",
      gate: { ...gate, served: { ...served, model: hash("6") } },
      report: "{}",
    };
    const graph = await graphOf({ gates: [GATE, tone] });
    const [template] = ofType(graph, "kubernetes:argoproj.io/v1alpha1:AnalysisTemplate").filter(
      ({ inputs }) => valueAt(inputs, "metadata.name") === "mistral-gate",
    );
    const pod: unknown = valueAt(template?.inputs ?? {}, "spec.metrics.0.provider.job.spec.template.spec");
    expect(pod).toMatchObject({
      restartPolicy: "Never",
      containers: [
        { name: "gate-mistral", volumeMounts: [{ name: "evaluation-mistral" }] },
        {
          name: "gate-claims-tone",
          args: expect.arrayContaining([`--model=${hash("6")}`]) as unknown,
          volumeMounts: [{ name: "evaluation-claims-tone" }],
        },
      ],
      volumes: [
        { name: "evaluation-mistral", configMap: { name: "mistral-evaluation" } },
        { name: "evaluation-claims-tone", configMap: { name: "claims-tone-evaluation" } },
      ],
    });
    expect(ofType(graph, "kubernetes:core/v1:ConfigMap")).toHaveLength(2);
  });

  it("has no gate where none is asked for, and no preview where replicas share a Service", async () => {
    const graph = await capture({
      stack: "test",
      program: () => new ModelRollout("d", { ...UNGATED, delivery: canary }, {}),
    });
    expect(graph.nodes.filter(({ custom }) => custom).map(({ name }) => name)).toEqual([
      "d-watch",
      "d-rollout",
    ]);
  });

  it.each([
    [{ delivery: { ...canary, steps: [...canary.steps].reverse() } }, "delivery.steps[1].weight"],
    [{ delivery: { ...canary, steps: [{ weight: 20, minutes: 6 }] } }, "delivery.steps[0].minutes"],
    [{ gates: [{ ...GATE, gate: { ...gate, image: "loops:latest" } }] }, "gates"],
  ] satisfies [Partial<ModelRolloutArgs>, string][])("refuses %j", (changes, path) => {
    expect(() => {
      validateModelRolloutArgs({ ...args, ...changes });
    }).toThrow(expect.objectContaining({ propertyPath: path }) as Error);
  });
});

describe("the watch", () => {
  it("fails without an answer, with two, with NaN and above the limit", async () => {
    const [body] = inputsOf(await graphOf(), "AnalysisTemplate").filter(
      ({ metadata }) => (metadata as { name: string }).name === "mistral-watch",
    );
    const { metrics } = body?.["spec"] as {
      metrics: { name: string; count: number; successCondition: string; failureCondition?: string }[];
    };
    expect(
      metrics.map(({ name, count, successCondition, failureCondition }) => [
        name,
        count,
        successCondition,
        failureCondition,
      ]),
    ).toEqual([
      ["errors", 30, "len(result) == 1 && !isNaN(result[0]) && result[0] <= 0.01", undefined],
      ["time-to-first-token", 30, "len(result) == 1 && !isNaN(result[0]) && result[0] <= 0.8", undefined],
      ["quality", 30, "len(result) == 1 && !isNaN(result[0]) && result[0] <= 0.05", undefined],
    ]);
  });

  it("looks at the new replicas alone where the engine measures them, else at the gateway", () => {
    const ttft = (engine: ModelRolloutArgs["engine"]): string =>
      watchedMetrics({ ...args, engine }).find(({ name }) => name === "time-to-first-token")?.query ?? "";
    expect(ttft(args.engine)).toBe(
      'histogram_quantile(0.95, sum by (le) (rate(vllm:time_to_first_token_seconds_bucket{namespace="claims",pod=~"mistral-{{args.hash}}-[a-z0-9]+"}[5m])))',
    );
    expect(ttft({ ...args.engine, kind: "tgi" })).toContain(
      'llmops_gateway_time_to_first_token_seconds_bucket{namespace="llm-gateway",model="mistral"}',
    );
  });
});
