import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { abortRules } from "../../components/loops/roles.ts";
import { REAL_SECONDS } from "./cluster/compressed-delivery.ts";
import { DeliveredModel } from "./cluster/delivered-model.ts";
import { startDeliveryCluster, type DeliveryCluster } from "./cluster/delivery-cluster.ts";
import type { KubeObject } from "./cluster/kube-object.ts";
import { tokenOf } from "./cluster/kubeconfig.ts";
import { runLoops, type PlayedPods } from "./cluster/played-pods.ts";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

const STACK = "globex-prod";
const SOAK_MINUTES = 8;
/** Requests that wait so that the HPA asks for three replicas at the shipped threshold of five. */
const LOAD = 15;
const REPLICAS = 3;

let cluster: DeliveryCluster;
let model: DeliveredModel;
let gates: PlayedPods;

/** Arguments of the gates that ran, one a gate. */
function asked(digit: string): string[][] {
  return gates.started
    .filter(({ args }) => args.includes(`--model=gitCommit:${digit.repeat(40)}`))
    .map(({ args }) => [...args]);
}

type BlueGreen = Readonly<Record<string, unknown>>;

/**
 * Until only one version has ready replicas. A version that is delivered in the second after an abort keeps the aborted replicas,
 * because the controller gives them their time a moment later; so every check that aborts waits for this.
 */
async function onlyServes(digit: string): Promise<void> {
  await expect
    .poll(async () => (await model.state()).ready, { timeout: 150_000 })
    .toEqual({ [digit]: REPLICAS });
}

/** The Rollout with another strategy; every other object as it is. */
function withBlueGreen(object: KubeObject, change: (strategy: BlueGreen) => BlueGreen): KubeObject {
  if (object.kind !== "Rollout") return object;
  const spec = object["spec"] as { strategy: { blueGreen: BlueGreen } };
  return { ...object, spec: { ...spec, strategy: { blueGreen: change(spec.strategy.blueGreen) } } };
}

describe("a blue-green delivery of globex-prod by the real Argo Rollouts", () => {
  beforeAll(async () => {
    cluster = await startDeliveryCluster({ pool: "l4", gpus: 64, scaling: "keda" });
    model = await DeliveredModel.follow(cluster.api, cluster.prometheus, STACK, (delivery) =>
      delivery.strategy === "blue-green" ? { ...delivery, soakMinutes: SOAK_MINUTES } : delivery,
    );
    gates = cluster.gates(model);
  });

  afterAll(async () => {
    await model.close();
    await cluster.close();
  });

  it("starts the first version without a gate, and KEDA scales the Rollout", async () => {
    await model.deliver({ digit: "1", behaviour: "good", report: "own" });
    await model.until({ phase: "Healthy", wanted: 2, stable: "1", active: "1", ready: { 1: 2 } });
    model.metrics.waiting = LOAD;
    await model.until({ phase: "Healthy", wanted: REPLICAS, active: "1", ready: { 1: REPLICAS } });
    expect(gates.started).toEqual([]);
    // From here on the number is fixed, so that every check knows how many replicas are wanted.
    const scaler = `/apis/keda.sh/v1alpha1/namespaces/${model.namespace}/scaledobjects/${model.name}`;
    const paused = { metadata: { annotations: { "autoscaling.keda.sh/paused": "true" } } };
    expect((await cluster.api.send("PATCH", scaler, paused)).status).toBe(200);
    const hpas = `/apis/autoscaling/v2/namespaces/${model.namespace}/horizontalpodautoscalers`;
    await expect
      .poll(async () => (await cluster.api.send("GET", hpas)).body["items"], { timeout: 150_000 })
      .toEqual([]);
  });

  it("asks the gate about a new colour that is ready, then switches, watches, and keeps the old colour", async () => {
    model.extremes();
    await model.deliver({ digit: "2", behaviour: "good", report: "own" });
    await expect.poll(() => asked("2").length, { timeout: 150_000, interval: 100 }).toBe(1);
    expect(await model.state()).toMatchObject({
      active: "1",
      stable: "1",
      ready: { 1: REPLICAS, 2: REPLICAS },
    });
    await model.until({ active: "2", stable: "1", ready: { 1: REPLICAS, 2: REPLICAS } });
    const switched = Date.now();
    await model.until({ phase: "Healthy", active: "2", stable: "2" });
    const watched = (Date.now() - switched) / 1000;
    expect(watched).toBeGreaterThan(SOAK_MINUTES + 3);
    const measurements = await model.measurements("2");
    expect(measurements["signed-evaluation"]).toEqual(["Successful"]);
    for (const metric of ["errors", "time-to-first-token", "quality"]) {
      expect(measurements[metric]).toHaveLength(SOAK_MINUTES);
      expect(measurements[metric]?.filter((each) => !each.endsWith("Successful")).length).toBeLessThan(2);
    }
    // 105 s of preStop and drain are two here, and not the watch once more.
    await expect
      .poll(async () => (await model.state()).ready, { timeout: (SOAK_MINUTES + 4) * 1_000 })
      .toEqual({ 2: REPLICAS });
    expect(model.extremes()).toEqual({ leastServing: REPLICAS, mostPods: 2 * REPLICAS });
  });

  it.each([
    ["whose report is about another version", "3", { about: "2" }],
    ["without a report, whose gate cannot even start", "4", "missing"],
  ] as const)("never switches to a version %s", async (_what, digit, report) => {
    model.extremes();
    await model.deliver({ digit, behaviour: "good", report });
    const { message } = await model.until({ isAborted: true, active: "2", stable: "2" });
    expect(message).toMatch(/pre-promotion analysis phase error\/failed/);
    expect((await model.measurements(digit))["signed-evaluation"]).toEqual(["Failed"]);
    expect(asked(digit)).toHaveLength(report === "missing" ? 0 : 1);
    await onlyServes("2");
    expect(model.extremes()).toEqual({ leastServing: REPLICAS, mostPods: 2 * REPLICAS });
  });

  it.each([
    ["is slow", "5", "slow", /^\[[1-9].* Failed$/],
    ["nobody measures", "6", "unmeasured", /^\[(NaN)?\] Failed$/],
  ] as const)("goes back from a version that %s once it serves", async (_what, digit, behaviour, value) => {
    model.extremes();
    await model.deliver({ digit, behaviour, report: "own" });
    await model.until({ active: digit, stable: "2" });
    const { message, ready } = await model.until({ isAborted: true, active: "2", stable: "2" });
    expect(message).toMatch(/post-promotion analysis phase error\/failed/);
    expect(ready).toMatchObject({ 2: REPLICAS });
    const failed = (await model.measurements(digit))["time-to-first-token"] ?? [];
    expect(failed.filter((each) => value.test(each))).toHaveLength(2);
    expect(model.extremes().leastServing).toBe(REPLICAS);
    await onlyServes("2");
  });

  it("goes back when the rollback loop aborts the watch, with the loop's own rights", async () => {
    await model.deliver({ digit: "7", behaviour: "good", report: "own" });
    await model.until({ active: "7", stable: "2" });
    const account = { namespace: model.namespace, name: "rollback" };
    const objects: KubeObject[] = [
      { apiVersion: "v1", kind: "ServiceAccount", metadata: account },
      {
        apiVersion: "rbac.authorization.k8s.io/v1",
        kind: "Role",
        metadata: account,
        rules: abortRules([model.name]),
      },
      {
        apiVersion: "rbac.authorization.k8s.io/v1",
        kind: "RoleBinding",
        metadata: account,
        roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: account.name },
        subjects: [{ kind: "ServiceAccount", ...account }],
      },
    ];
    for (const object of objects) await cluster.api.mustApply(object);
    const token = join(cluster.api.folder, "rollback-token");
    writeFileSync(token, await tokenOf(cluster.api, account));
    const status = await runLoops(cluster.api, {
      pod: "abort",
      node: "",
      image: "",
      args: ["abort", `--namespace=${model.namespace}`, `--rollout=${model.name}`],
      env: {
        KUBERNETES_URL: cluster.api.url,
        KUBERNETES_TOKEN_FILE: token,
        NODE_EXTRA_CA_CERTS: cluster.api.authority,
      },
    });
    expect([status, cluster.api.processes.output("abort")]).toEqual([
      0,
      expect.stringContaining('"kind":"aborted"'),
    ]);
    await model.until({ isAborted: true, active: "2", stable: "2" });
    await onlyServes("2");
  });

  it("asks the gate again when a refused version is tried again, and again when it is merged again", async () => {
    const refused = { digit: "3", behaviour: "good", report: { about: "2" } } as const;
    const before = asked("3").length;
    await model.deliver(refused);
    await model.until({ isAborted: true, active: "2", stable: "2" });
    await onlyServes("2");
    await expect
      .poll(
        async () => {
          // Once in nine runs a try ended without a question, and the version stayed out: then a person tries once more.
          if (asked("3").length < before + 2 && (await model.state()).isAborted) await model.person("retry");
          return asked("3").length;
        },
        { timeout: 150_000, interval: 2_000 },
      )
      .toBe(before + 2);
    await model.until({ isAborted: true, active: "2", stable: "2" });
    await model.deliver({ digit: "2", behaviour: "good", report: "own" });
    await model.until({ phase: "Healthy", isAborted: false, active: "2", ready: { 2: REPLICAS } });
    await model.deliver(refused);
    await expect.poll(() => asked("3").length, { timeout: 60_000 }).toBe(before + 3);
    await model.until({ isAborted: true, active: "2", stable: "2" });
    await onlyServes("2");
  });

  it("would put a refused version into service without asking, were its pods still there when it is tried again, which is why they leave at once", async () => {
    await model.deliver({ digit: "b", behaviour: "good", report: { about: "2" } }, (object) =>
      withBlueGreen(object, (strategy) => ({ ...strategy, abortScaleDownDelaySeconds: 60 })),
    );
    await model.until({ isAborted: true, active: "2", stable: "2", ready: { b: REPLICAS } });
    // The controller gives the pods their time a moment after the abort.
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    await model.person("retry");
    await model.until({ active: "b" });
    expect(asked("b")).toHaveLength(1);
    await model.deliver({ digit: "2", behaviour: "good", report: "own" });
    await model.until({ phase: "Healthy", active: "2", stable: "2", ready: { 2: REPLICAS } });
  });

  it("would send to an unevaluated version, were the Service's selector applied again, which is why Pulumi leaves it alone", async () => {
    const version = { digit: "a", behaviour: "good", report: "missing" } as const;
    await model.deliver(version);
    await model.until({ active: "2", ready: { 2: REPLICAS, a: REPLICAS } });
    const objects = await model.objects(version);
    for (const object of objects.filter(
      ({ kind, metadata }) => kind === "Service" && metadata.name === model.name,
    ))
      await cluster.api.mustApply(object);
    // To every replica, until the controller looks again: then to the new one alone, or to the old one when the gate has failed by then.
    const { active, ready } = await model.state();
    expect(["", "a"]).toContain(active);
    expect([ready, asked("a")]).toEqual([{ 2: REPLICAS, a: REPLICAS }, []]);
    // An abort that comes before the controller has looked changes nothing: without a colour it takes the delivery for the first.
    await expect.poll(async () => (await model.state()).active, { timeout: 60_000 }).not.toBe("");
    await model.person("abort");
    await model.until({ isAborted: true, active: "2", stable: "2" });
  });

  it("waits when the version before is merged while another is watched, and nobody watches that one any more, until a person aborts", async () => {
    await model.deliver({ digit: "c", behaviour: "good", report: "own" });
    await model.until({ active: "c", stable: "2" });
    await model.deliver({ digit: "2", behaviour: "good", report: "own" });
    await model.until({ active: "c", stable: "2", message: "active service cutover pending" });
    const measured = await model.measurements("c");
    await new Promise((resolve) => setTimeout(resolve, SOAK_MINUTES * 1_000));
    expect(await model.measurements("c")).toEqual(measured);
    expect(await model.state()).toMatchObject({ active: "c", message: "active service cutover pending" });
    await model.person("abort");
    await model.until({
      phase: "Healthy",
      isAborted: false,
      active: "2",
      stable: "2",
      ready: { 2: REPLICAS },
    });
  });

  it("serves on with the old version when the quota has no room for the new colour", async () => {
    // Five replicas wait for five more; the quota holds eight GPUs.
    await model.scale(5);
    await model.until({ wanted: 5, active: "2", ready: { 2: 5 } });
    model.extremes();
    await model.deliver({ digit: "8", behaviour: "good", report: "own" });
    const begun = Date.now();
    await model.until({ isAborted: true, active: "2", stable: "2" });
    // By the deadline and nothing else: no gate was asked, no analysis begun. The status soon forgets why.
    expect((Date.now() - begun) / 1000).toBeGreaterThan(REAL_SECONDS.progressDeadlineSeconds - 5);
    expect([asked("8"), await model.measurements("8")]).toEqual([[], {}]);
    expect(model.extremes()).toEqual({ leastServing: 5, mostPods: 8 });
  });

  it("puts a slow version without a report into service where nothing is analysed, which the checks above see", async () => {
    await model.scale(2);
    await model.deliver({ digit: "9", behaviour: "slow", report: "missing" }, (object) =>
      withBlueGreen(object, (strategy) =>
        Object.fromEntries(Object.entries(strategy).filter(([key]) => !key.endsWith("Analysis"))),
      ),
    );
    await model.until({ phase: "Healthy", active: "9", stable: "9" });
  });
});
