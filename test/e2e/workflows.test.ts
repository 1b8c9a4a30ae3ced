import { generateKeyPairSync } from "node:crypto";
import { writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { SYSTEM_NODE_LABEL } from "../../components/cluster/handle.ts";
import { GPU_POOL_LABEL } from "../../components/gpu/gpu-pool.ts";
import { LOOPS_NAMESPACE, WORKFLOWS_NAMESPACE } from "../../components/loops/address.ts";
import { graphOf } from "../../plan/stack-plan.ts";
import type { PlatformConfig } from "../../stacks/schema/platform.ts";
import { readStack } from "../../stacks/schema/stack-file.ts";
import { define, startApiServer, type ApiServer, type Send } from "./cluster/api-server.ts";
import { startArgoWorkflows } from "./cluster/argo-workflows.ts";
import { startControllers, startScheduler } from "./cluster/control-plane.ts";
import { definitionsFrom } from "./cluster/custom-resources.ts";
import type { KubeObject } from "./cluster/kube-object.ts";
import { tokenOf } from "./cluster/kubeconfig.ts";
import { addNode, gpuNode, startKubelets } from "./cluster/nodes.ts";
import { PlayedPods, runLoops, type StartedContainer } from "./cluster/played-pods.ts";
import { freePort } from "./cluster/processes.ts";
import { objectsOf } from "./cluster/stack-objects.ts";
import { STACKS } from "./offline-plan.ts";

const MODEL = "claims-assistant";
/** Another one, whose cooldowns are its own. */
const OTHER = "claims-reasoner";
const TENANT = "claims";
const TOKEN = "token-of-alertmanager-0123456789";
const TRAINING = `registry.acme.example/training@sha256:${"1".repeat(64)}`;
const EXECUTOR = `registry.acme.example/argoexec@sha256:${"2".repeat(64)}`;
const GIT = { name: "git", key: "token" } as const;
const BIN = fileURLToPath(new URL("../../loops/src/bin/loops.ts", import.meta.url));
const WORKFLOWS = `/apis/argoproj.io/v1alpha1/namespaces/${LOOPS_NAMESPACE}/workflows`;
const ROLLOUT = `/apis/argoproj.io/v1alpha1/namespaces/${TENANT}/rollouts/${MODEL}`;

/** A shipped stack with both loops on. */
function withLoops(config: PlatformConfig): PlatformConfig {
  const rule = { minSamples: 100, cooldownMinutes: 1 };
  return {
    ...config,
    loops: {
      ...config.loops,
      automation: {
        kind: "on",
        mode: "act",
        executorImage: EXECUTOR,
        retrain: {
          ...rule,
          approval: "required",
          image: TRAINING,
          command: ["/app/train"],
          pool: "l40s",
          gpus: 1,
          volumeGiB: 100,
          mlflowUrl: "http://mlflow.evaluation.svc:5000",
        },
        rollback: { ...rule, approval: "automatic" },
        proposals: { url: "https://git.acme.example/dispatches", token: GIT },
      },
    },
  };
}

interface WorkflowNode {
  readonly id: string;
  readonly displayName: string;
  readonly type: string;
  readonly phase: string;
}

interface WorkflowStatus {
  readonly phase?: string;
  readonly message?: string;
  readonly nodes?: Readonly<Record<string, WorkflowNode>>;
}

let api: ApiServer;
let objects: KubeObject[];
let pods: PlayedPods;
let alertUrl: string;
const servers: Server[] = [];
const proposals: unknown[] = [];
/** Step of the client's image that fails. */
let failing: string | undefined;

async function listening(answer: (body: string, authorization: string) => unknown): Promise<string> {
  const server = createServer((request, response) => {
    let text = "";
    request.on("data", (chunk: Buffer) => (text += chunk.toString()));
    request.on("end", () => {
      const body = answer(text, request.headers.authorization ?? "");
      response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(body));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  servers.push(server);
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** What the deployed controller of the loops is, with its own configuration and account, as a process here. */
async function startLoops(): Promise<void> {
  const deployed = objects.find(({ kind, metadata }) => kind === "ConfigMap" && metadata.name === "loops");
  const { "loops.json": text = "{}" } = (deployed?.["data"] ?? {}) as Record<string, string>;
  const file = (name: string, content: string): string => {
    const path = join(api.folder, name);
    writeFileSync(path, content);
    return path;
  };
  const key = generateKeyPairSync("ed25519").privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  const port = await freePort();
  const account = await tokenOf(api, { namespace: LOOPS_NAMESPACE, name: "loops" });
  const config = JSON.parse(text) as Record<string, unknown> & { kubernetes: object };
  const local = {
    ...config,
    port,
    tokenFile: file("alertmanager-token", TOKEN),
    evidence: { file: join(api.folder, "evidence.jsonl"), keyFile: file("signing.pem", key) },
    // Enough answers for every alert; real counts are asked for in test/e2e/loops.test.ts.
    prometheusUrl: await listening(() => ({
      status: "success",
      data: { resultType: "vector", result: [{ metric: {}, value: [0, "1000"] }] },
    })),
    kubernetes: { ...config.kubernetes, url: api.url, tokenFile: file("loops-token", account) },
  };
  api.processes.start("loops", {
    command: process.execPath,
    args: [BIN, "serve", `--config=${file("loops.json", JSON.stringify(local))}`],
    env: { ...process.env, NODE_EXTRA_CA_CERTS: api.authority },
  });
  alertUrl = `http://127.0.0.1:${port}`;
  await api.processes.ready("loops", async () => (await fetch(`${alertUrl}/healthz`)).status === 200);
}

/** Runs a step's container: our image's real program, or the client's image, which only its contract is known of. */
async function run(proposalUrl: string, container: StartedContainer): Promise<number> {
  if (container.image === TRAINING) return container.args[0] === failing ? 1 : 0;
  // What the cluster's name service would do.
  const reached: Readonly<Record<string, string>> = { KUBERNETES_URL: api.url, PROPOSAL_URL: proposalUrl };
  const env = Object.fromEntries(
    Object.entries(container.env).map(([name, value]) => [name, reached[name] ?? value]),
  );
  return runLoops(api, { ...container, env });
}

/** Sends a notification as Alertmanager does; the names of what the controller recorded. */
async function alert(
  action: "rollback" | "retrain",
  fingerprint: string,
  status: "firing" | "resolved" = "firing",
  model: string = MODEL,
): Promise<{ event: string; detail: { workflow?: string } }[]> {
  const response = await fetch(`${alertUrl}/alerts`, {
    method: "POST",
    headers: { authorization: `Bearer ${TOKEN}`, "content-type": "application/json" },
    body: JSON.stringify({
      alerts: [
        {
          status,
          labels: { alertname: `Test-${action}`, action, model },
          fingerprint,
          startsAt: "2026-11-26T00:00:00Z",
        },
      ],
    }),
  });
  const { records } = (await response.json()) as {
    records: { event: string; detail: { workflow?: string } }[];
  };
  return records;
}

/** Name of the workflow an alert started. */
async function started(action: "rollback" | "retrain", fingerprint: string): Promise<string> {
  const records = await alert(action, fingerprint);
  expect(records.map(({ event }) => event)).toEqual(["act", "submitted"]);
  return records[1]?.detail.workflow ?? "";
}

async function statusOf(name: string): Promise<WorkflowStatus> {
  const { body } = await api.send("GET", `${WORKFLOWS}/${name}`);
  return body["status"] ?? {};
}

async function until(name: string, phase: string): Promise<WorkflowStatus> {
  let last: WorkflowStatus = {};
  await expect
    .poll(async () => (last = await statusOf(name)), { timeout: 60_000, interval: 250 })
    .toMatchObject({ phase });
  return last;
}

/** Steps with their phase, in the order they began. */
function steps({ nodes = {} }: WorkflowStatus): string[] {
  return Object.values(nodes)
    .filter(({ type }) => type === "Pod" || type === "Suspend")
    .map(({ displayName, phase }) => `${displayName} ${phase}`)
    .sort();
}

/** Containers of a workflow that were started, in order. */
function containers(name: string): StartedContainer[] {
  return pods.started.filter(({ pod }) => pod.startsWith(name));
}

/** What `argo resume` writes, by an administrator unless somebody else sends it; the server's answer. */
async function resume(name: string, send: Send = api.send): Promise<number> {
  const { body } = await api.send("GET", `${WORKFLOWS}/${name}`);
  const status = body["status"] as WorkflowStatus;
  const nodes = Object.fromEntries(
    Object.entries(status.nodes ?? {}).map(([id, node]) => [
      id,
      node.type === "Suspend" ? { ...node, phase: "Succeeded", finishedAt: new Date().toISOString() } : node,
    ]),
  );
  const changed = { status: { ...status, nodes } };
  return (await send("PATCH", `${WORKFLOWS}/${name}`, changed)).status;
}

/** A workflow that somebody other than the controller of the loops requests. */
async function request(name: string, spec: object): Promise<void> {
  const { status, body } = await api.send("POST", WORKFLOWS, {
    apiVersion: "argoproj.io/v1alpha1",
    kind: "Workflow",
    metadata: { name },
    spec,
  });
  expect([status, body.message]).toEqual([201, undefined]);
}

const PARAMETERS = {
  parameters: [
    { name: "model", value: MODEL },
    { name: "namespace", value: TENANT },
    { name: "alert", value: "Test" },
  ],
};

/** Objects of the namespace of the loops, and the rights its accounts have in the tenant's. */
function isApplied({ kind, metadata }: KubeObject): boolean {
  if (kind === "Namespace") return [LOOPS_NAMESPACE, WORKFLOWS_NAMESPACE, TENANT].includes(metadata.name);
  if (kind.startsWith("ValidatingAdmissionPolicy")) return true;
  if (metadata.namespace === TENANT) return ["Role", "RoleBinding", "Rollout"].includes(kind);
  return metadata.namespace === LOOPS_NAMESPACE && kind !== "StatefulSet";
}

beforeAll(async () => {
  const graph = await graphOf("acme-prod", withLoops(readStack(STACKS, "acme-prod")));
  objects = objectsOf(graph);
  api = await startApiServer();
  await Promise.all([
    startControllers(api, { nodeGraceSeconds: 600 }),
    startScheduler(api),
    startKubelets(api, { played: ["Workflow"] }),
    define(
      api,
      definitionsFrom({
        "github.com/argoproj/argo-rollouts": /rollout-crd\.yaml$/,
        "github.com/argoproj/argo-workflows/v4": /^argoproj/,
      }),
    ),
  ]);
  const size = { cpus: 64, memoryGiB: 256 };
  await addNode(api, gpuNode({ name: "gpu", labels: { [GPU_POOL_LABEL]: "l40s" }, gpus: 1, ...size }));
  const system = gpuNode({ name: "system", labels: SYSTEM_NODE_LABEL, gpus: 0, ...size });
  await addNode(api, { ...system, spec: {} });
  await api.mustApply({
    apiVersion: "storage.k8s.io/v1",
    kind: "StorageClass",
    metadata: { name: "disks", annotations: { "storageclass.kubernetes.io/is-default-class": "true" } },
    provisioner: "kubernetes.io/no-provisioner",
  });
  for (const disk of ["one", "two", "three"])
    await api.mustApply({
      apiVersion: "v1",
      kind: "PersistentVolume",
      metadata: { name: disk },
      spec: {
        storageClassName: "disks",
        capacity: { storage: "100Gi" },
        accessModes: ["ReadWriteOnce"],
        hostPath: { path: "/nowhere" },
      },
    });
  for (const object of objects.filter(isApplied)) await api.mustApply(object);
  await api.mustApply({
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name: GIT.name, namespace: LOOPS_NAMESPACE },
    stringData: { [GIT.key]: "token-of-the-git-host" },
  });
  await startArgoWorkflows(api, graph);
  const proposalUrl = await listening((body, authorization) => {
    proposals.push({ authorization, ...(JSON.parse(body) as object) });
    return {};
  });
  pods = PlayedPods.follow(api, LOOPS_NAMESPACE, ["Workflow"], (container) => run(proposalUrl, container));
  await startLoops();
});

afterAll(async () => {
  await pods.close();
  await api.close();
  for (const server of servers) server.close();
});

describe("the workflows that the loops request, carried out by the real Argo Workflows", () => {
  it("abort the delivery in progress with the account of the rollback and propose going back", async () => {
    const progress = { status: { stableRS: "old", currentPodHash: "new" } };
    expect((await api.send("PATCH", `${ROLLOUT}/status`, progress)).status).toBe(200);
    const name = await started("rollback", "a");
    expect(steps(await until(name, "Succeeded"))).toEqual(["abort Succeeded", "propose Succeeded"]);
    expect((await api.send("GET", ROLLOUT)).body["status"]).toMatchObject({ abort: true });
    expect(proposals).toEqual([
      expect.objectContaining({
        authorization: "Bearer token-of-the-git-host",
        event_type: "llmops-go-back",
        client_payload: expect.objectContaining({
          kind: "go-back",
          model: MODEL,
          alert: "Test-rollback",
        }) as object,
      }),
    ]);
    expect(containers(name).map(({ node, args }) => [node, args[0]])).toEqual([
      ["system", "abort"],
      ["system", "propose"],
    ]);
  });

  it("start no step of a retraining until a person resumes it, and then all of them, the training on a GPU", async () => {
    const name = await started("retrain", "b");
    await expect
      .poll(async () => steps(await statusOf(name)), { timeout: 30_000 })
      .toEqual(["approve Running"]);
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    expect([steps(await statusOf(name)), containers(name)]).toEqual([["approve Running"], []]);
    const account = { namespace: LOOPS_NAMESPACE, name: "loops" };
    expect(await resume(name, api.as(await tokenOf(api, account)))).toBe(403);
    expect(await resume(name)).toBe(200);
    await until(name, "Succeeded");
    expect(
      containers(name).map(({ node, image, command, args }) => [
        node,
        image === TRAINING,
        command?.[0],
        args[0],
      ]),
    ).toEqual([
      ["system", true, "/app/train", "snapshot"],
      ["gpu", true, "/app/train", "train"],
      ["gpu", true, "/app/train", "evaluate"],
      ["system", true, "/app/train", "register"],
      ["system", false, "/nodejs/bin/node", "propose"],
    ]);
    expect(proposals.at(-1)).toMatchObject({
      event_type: "llmops-retrained",
      client_payload: { reference: name },
    });
    const claims = async (): Promise<unknown> =>
      (await api.send("GET", `/api/v1/namespaces/${LOOPS_NAMESPACE}/persistentvolumeclaims`)).body["items"];
    await expect.poll(claims, { timeout: 30_000 }).toEqual([]);
  });

  it("stop at a step that fails: nothing is registered and nothing proposed", async () => {
    failing = "evaluate";
    const before = proposals.length;
    await request("failing", { workflowTemplateRef: { name: "retrain" }, arguments: PARAMETERS });
    await expect
      .poll(async () => steps(await statusOf("failing")), { timeout: 30_000 })
      .toEqual(["approve Running"]);
    expect(await resume("failing")).toBe(200);
    const status = await until("failing", "Failed");
    failing = undefined;
    expect(containers("failing").map(({ args }) => args[0])).toEqual(["snapshot", "train", "evaluate"]);
    expect(steps(status)).toContain("evaluate Failed");
    expect(proposals.length).toBe(before);
  });

  it("wait for another one about the same model, and end with their alert while they wait for approval", async () => {
    await request("first", { workflowTemplateRef: { name: "retrain" }, arguments: PARAMETERS });
    await expect
      .poll(async () => steps(await statusOf("first")), { timeout: 30_000 })
      .toEqual(["approve Running"]);
    await request("second", { workflowTemplateRef: { name: "retrain" }, arguments: PARAMETERS });
    const waiting = await until("second", "Pending");
    expect([waiting.message, steps(waiting)]).toEqual([expect.stringContaining("Waiting for"), []]);
    await api.send("PATCH", `${WORKFLOWS}/first`, { spec: { shutdown: "Terminate" } });
    await until("first", "Failed");
    await expect
      .poll(async () => steps(await statusOf("second")), { timeout: 30_000 })
      .toEqual(["approve Running"]);
    await api.send("PATCH", `${WORKFLOWS}/second`, { spec: { shutdown: "Terminate" } });
    await until("second", "Failed");
    expect([...containers("first"), ...containers("second")]).toEqual([]);
  });

  it("are ended by the controller of the loops when their alert is over", async () => {
    const begun = await alert("retrain", "c", "firing", OTHER);
    expect(begun.map(({ event }) => event)).toEqual(["act", "submitted"]);
    const ended = await alert("retrain", "c", "resolved", OTHER);
    const workflow = ended[1]?.detail.workflow ?? "";
    await until(workflow, "Failed");
    expect(containers(workflow)).toEqual([]);
  });

  it("start at their approval, also when the controller of the loops asks for another entry point", async () => {
    const send = api.as(await tokenOf(api, { namespace: LOOPS_NAMESPACE, name: "loops" }));
    const body = (spec: object, rest: object = {}): object => ({
      apiVersion: "argoproj.io/v1alpha1",
      kind: "Workflow",
      metadata: { generateName: "bold-" },
      spec: { workflowTemplateRef: { name: "retrain" }, arguments: PARAMETERS, ...spec },
      ...rest,
    });
    const answers = [
      await send("POST", WORKFLOWS, body({ entrypoint: "train" })),
      await send("POST", WORKFLOWS, body({}, { status: { phase: "Running" } })),
    ];
    expect(
      answers.map(({ status, body: { message = "" } }) => [status, /only a person approves/.test(message)]),
    ).toEqual([
      [403, true],
      [403, true],
    ]);
  });

  it("run from a template only", async () => {
    const step = { name: "main", container: { image: TRAINING, command: ["/app/train"] } };
    await request("own-steps", {
      entrypoint: "main",
      serviceAccountName: "loops-rollback",
      templates: [step],
    });
    const { message } = await until("own-steps", "Error");
    expect(message).toMatch(/workflows must use workflowTemplateRef/);
    expect(containers("own-steps")).toEqual([]);
  });

  it.each([
    ["loops", "create", "workflows", LOOPS_NAMESPACE, "", true],
    ["loops", "create", "pods", LOOPS_NAMESPACE, "", false],
    ["loops", "patch", "rollouts/status", TENANT, MODEL, false],
    ["loops", "get", "secrets", LOOPS_NAMESPACE, GIT.name, false],
    ["loops-rollback", "patch", "rollouts/status", TENANT, MODEL, true],
    ["loops-rollback", "patch", "rollouts", TENANT, MODEL, false],
    ["loops-rollback", "patch", "rollouts/status", TENANT, "another", false],
    ["loops-rollback", "patch", "workflows", LOOPS_NAMESPACE, "", false],
    ["loops-retrain", "patch", "rollouts/status", TENANT, MODEL, false],
    ["loops-retrain", "create", "workflowtaskresults", LOOPS_NAMESPACE, "", false],
    ["loops-executor", "create", "workflowtaskresults", LOOPS_NAMESPACE, "", true],
    ["loops-executor", "patch", "workflows", LOOPS_NAMESPACE, "", false],
    ["loops-executor", "patch", "rollouts/status", TENANT, MODEL, false],
  ] as const)("%s may %s %s in %s %s: %s", async (account, verb, what, namespace, name, allowed) => {
    const [resource, subresource = ""] = what.split("/");
    const group = ["pods", "secrets"].includes(what) ? "" : "argoproj.io";
    const { body } = await api.send("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", {
      apiVersion: "authorization.k8s.io/v1",
      kind: "SubjectAccessReview",
      spec: {
        user: `system:serviceaccount:${LOOPS_NAMESPACE}:${account}`,
        resourceAttributes: { namespace, verb, group, resource, subresource, name },
      },
    });
    expect((body["status"] as { allowed: boolean }).allowed).toBe(allowed);
  });

  it("mount a token into the step that aborts and into no other", () => {
    const withToken = pods.started.filter(({ env }) => "KUBERNETES_TOKEN_FILE" in env);
    expect(withToken.map(({ args }) => args[0])).toEqual(["abort"]);
  });

  it("fail where no command is named, because their controller does not reach the registry", async () => {
    const template = objects.find(
      ({ kind, metadata }) => kind === "WorkflowTemplate" && metadata.name === "rollback",
    );
    const text = JSON.stringify({
      ...template,
      metadata: { name: "commandless", namespace: LOOPS_NAMESPACE },
    });
    await api.mustApply(JSON.parse(text.replaceAll(/"command":\[[^\]]*\],/g, "")) as KubeObject);
    await request("commandless", { workflowTemplateRef: { name: "commandless" }, arguments: PARAMETERS });
    await expect
      .poll(async () => JSON.stringify(await statusOf("commandless")), { timeout: 60_000 })
      .toContain("failed to look-up entrypoint/cmd");
    expect(containers("commandless")).toEqual([]);
  });

  it("start no pod without the Secret of the executor's token", async () => {
    const secret = "loops-executor.service-account-token";
    await api.send("DELETE", `/api/v1/namespaces/${LOOPS_NAMESPACE}/secrets/${secret}`);
    await request("tokenless", { workflowTemplateRef: { name: "rollback" }, arguments: PARAMETERS });
    await expect
      .poll(() => [...pods.waiting].filter(([pod]) => pod.startsWith("tokenless")).map(([, what]) => what), {
        timeout: 30_000,
      })
      .toEqual([secret]);
  });
});
