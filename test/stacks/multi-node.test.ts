import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { ofType } from "../../graph/graph.ts";
import { capture } from "../../plan/capture.ts";
import { platformProgram } from "../../stacks/program.ts";
import type { PlatformConfig } from "../../stacks/schema/platform.ts";
import { readStack } from "../../stacks/schema/stack-file.ts";
import { waitsInVain } from "./waits.ts";

describe("a stack with a model over two nodes and with warm places", () => {
  const config = readStack(join(import.meta.dirname, "..", "..", "stacks"), "dev");
  const changed = (change: (model: PlatformConfig["models"][number]) => object): PlatformConfig => ({
    ...config,
    models: config.models.map((model) => ({ ...model, ...change(model) })),
  });
  const graphOf = (of: PlatformConfig): ReturnType<typeof capture> =>
    capture({ stack: "dev", program: () => platformProgram(of) });

  it("brings the controller of groups first, and scales groups", async () => {
    const graph = await graphOf(
      changed(({ gpu, delivery }) => ({
        gpu: { ...gpu, nodes: 2 },
        delivery: { ...delivery, strategy: "rolling" },
      })),
    );
    expect(waitsInVain(graph)).toEqual([]);
    const [group] = ofType(graph, "kubernetes:leaderworkerset.x-k8s.io/v1:LeaderWorkerSet");
    const chart = ofType(graph, "kubernetes:helm.sh/v3:Release").find(
      ({ inputs }) => inputs["chart"] === "oci://registry.k8s.io/lws/charts/lws",
    );
    expect(chart?.inputs).toMatchObject({ version: "0.8.0", namespace: expect.anything() as unknown });
    expect(group?.dependencies).toContain(chart?.urn);
    const [scaler] = ofType(graph, "kubernetes:keda.sh/v1alpha1:ScaledObject");
    expect(scaler?.inputs).toMatchObject({
      spec: { scaleTargetRef: { apiVersion: "leaderworkerset.x-k8s.io/v1", kind: "LeaderWorkerSet" } },
    });
    const { name = "" } = config.models[0] ?? {};
    expect(JSON.stringify(scaler?.inputs)).toContain(`pod=~\\\"${name}-[0-9]+\\\"`);
  });

  it("holds places only where it is told to", async () => {
    const warm = await graphOf(
      changed(({ autoscaling }) => ({ autoscaling: { ...autoscaling, warmReplicas: 2 } })),
    );
    const places = ofType(warm, "kubernetes:apps/v1:Deployment").filter(({ name }) =>
      name.endsWith("-places"),
    );
    expect(places.map(({ inputs }) => inputs["spec"])).toMatchObject([
      { replicas: 2, template: { spec: { priorityClassName: "llmops-warm-capacity" } } },
    ]);
    const plain = await graphOf(config);
    expect(ofType(plain, "kubernetes:scheduling.k8s.io/v1:PriorityClass")).toEqual([]);
  });
});
