import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { DeliveredModel } from "./cluster/delivered-model.ts";
import { startDeliveryCluster, type DeliveryCluster } from "./cluster/delivery-cluster.ts";
import type { PlayedPods } from "./cluster/played-pods.ts";

const STACK = "acme-prod";
const REPLICAS = 3;

let cluster: DeliveryCluster;
let model: DeliveredModel;
let gates: PlayedPods;

/** Commits the gates were asked about. */
function asked(): string[] {
  return gates.started.flatMap(({ args }) =>
    args.flatMap((each) => /^--model=gitCommit:(.)/.exec(each)?.[1] ?? []),
  );
}

describe("a canary of acme-prod by the real Argo Rollouts, on the GPUs that serve", () => {
  beforeAll(async () => {
    cluster = await startDeliveryCluster({ pool: "l40s", gpus: REPLICAS, scaling: "by-hand" });
    model = await DeliveredModel.follow(cluster.api, cluster.prometheus, STACK);
    gates = cluster.gates(model);
  });

  afterAll(async () => {
    await model.close();
    await cluster.close();
  });

  it("starts the first version without a gate", async () => {
    await model.deliver({ digit: "1", behaviour: "good", report: "own" });
    await model.scale(REPLICAS);
    await model.until({ phase: "Healthy", stable: "1", ready: { 1: REPLICAS } });
    expect(asked()).toEqual([]);
    model.extremes();
  });

  it("asks the gate before a replica of the new version runs, and then takes its steps one replica at a time", async () => {
    await model.deliver({ digit: "2", behaviour: "good", report: "own" });
    await expect.poll(asked, { timeout: 150_000, interval: 100 }).toEqual(["2"]);
    expect((await model.state()).ready).toEqual({ 1: REPLICAS });
    // A fifth of three replicas is one, half of them are two.
    await model.until({ stable: "1", ready: { 1: 2, 2: 1 } });
    await model.until({ stable: "1", ready: { 1: 1, 2: 2 } });
    await model.until({ phase: "Healthy", stable: "2", ready: { 2: REPLICAS } });
    const { "signed-evaluation": gate, ...watched } = await model.measurements("2");
    expect(gate).toEqual(["Successful"]);
    expect(Object.keys(watched).sort()).toEqual(["errors", "quality", "time-to-first-token"]);
    for (const values of Object.values(watched)) {
      // The controller keeps the last ten.
      expect(values).toHaveLength(10);
      expect(values.filter((each) => !each.endsWith("Successful")).length).toBeLessThan(2);
    }
    expect(model.extremes()).toEqual({ leastServing: REPLICAS - 1, mostPods: REPLICAS });
  });

  it("would pass by the report of the version before, were the pods applied first", async () => {
    const before = asked().length;
    const objects = await model.objects({ digit: "7", behaviour: "good", report: "missing" });
    for (const object of objects.filter(({ kind }) => kind === "Deployment"))
      await cluster.api.mustApply(object);
    await model.until({ stable: "2", ready: { 2: 2, 7: 1 } });
    expect(asked().slice(before)).toEqual(["2"]);
    await model.person("abort");
    await model.until({ isAborted: true, stable: "2", ready: { 2: REPLICAS, 7: 0 } });
    model.extremes();
  });

  it("starts no replica of a version whose report is about another", async () => {
    const before = asked().length;
    await model.deliver({ digit: "3", behaviour: "good", report: { about: "2" } });
    await expect.poll(() => asked().slice(before), { timeout: 150_000 }).toEqual(["3"]);
    await model.until({ isAborted: true, stable: "2", ready: { 2: REPLICAS } });
    expect((await model.measurements("3"))["signed-evaluation"]).toEqual(["Failed"]);
    expect(model.extremes()).toEqual({ leastServing: REPLICAS, mostPods: REPLICAS });
  });

  it("takes the replicas of a version back whose calls fail, before the second step", async () => {
    await model.deliver({ digit: "4", behaviour: "failing", report: "own" });
    await model.until({ ready: { 2: 2, 4: 1 } });
    const { message } = await model.until({ isAborted: true, stable: "2" });
    expect(message).toMatch(/errors.* assessed Failed/i);
    await expect.poll(async () => (await model.state()).ready, { timeout: 150_000 }).toEqual({ 2: REPLICAS });
    expect(model.extremes()).toEqual({ leastServing: REPLICAS - 1, mostPods: REPLICAS });
  });

  it("is started by its pods, so they are applied after the gate", async () => {
    const kinds = (await model.objects({ digit: "5", behaviour: "good", report: "own" })).map(
      ({ kind }) => kind,
    );
    expect(kinds.lastIndexOf("AnalysisTemplate")).toBeLessThan(kinds.indexOf("Rollout"));
    expect(kinds.indexOf("Rollout")).toBeLessThan(kinds.indexOf("Deployment"));
  });
});
