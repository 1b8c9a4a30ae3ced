import { execFile } from "node:child_process";
import { createHash, generateKeyPairSync } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, it } from "vitest";
import { Gateway } from "../../../components/gateway/gateway.ts";
import type { ServedGate } from "../../../components/delivery/gate.ts";
import type { GatewayDelivery } from "../../../components/gateway/delivery.ts";
import { signReport, type EvaluationReport } from "../../../evals/report.ts";
import { PASSED_REPORT } from "../../../evals/testing/report.ts";
import { capture } from "../../../plan/capture.ts";
import { startApiServer, type ApiServer } from "../cluster/api-server.ts";
import { startControllers } from "../cluster/control-plane.ts";
import type { KubeObject } from "../cluster/kube-object.ts";
import { objectsOf } from "../cluster/stack-objects.ts";

const NAMESPACE = "llm-gateway";
const PODS = `/api/v1/namespaces/${NAMESPACE}/pods`;
const LOOPS = join(import.meta.dirname, "..", "..", "..", "loops", "src", "bin", "loops.ts");

/** Kinds the replicas need; the others want definitions and nodes. */
const KINDS = new Set(["ConfigMap", "ServiceAccount", "Service", "StatefulSet"]);

const hash = (letter: string): string => `sha256:${letter.repeat(64)}`;
const keys = generateKeyPairSync("ed25519");
const signerPem = keys.publicKey.export({ type: "spki", format: "pem" }).toString();

interface Version {
  readonly guardrails: string;
  /** Whether somebody evaluated it and signed that it passed. */
  readonly evaluation: "signed" | "failed" | "missing";
  readonly delivery?: GatewayDelivery;
}

/** The gate of a version, as the stack makes it. */
function gateOf({ guardrails, evaluation }: Version): ServedGate {
  const served = { model: hash("a"), prompt: "none", guardrails };
  const report: EvaluationReport = {
    ...PASSED_REPORT,
    model: "claims",
    evaluated: { ...served, dataSets: hash("d") },
    // Long ago: a pod that starts again must not fail for that.
    finishedAt: "2025-01-01T00:00:00.000Z",
    decision: evaluation === "failed" ? "failed" : "passed",
    reasons: evaluation === "failed" ? ["worse"] : [],
  };
  const pem = keys.privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  const text = JSON.stringify(signReport(report, pem));
  return {
    model: "claims",
    gate: {
      image: `registry.example/loops@${hash("1")}`,
      signerPem,
      environment: "prod",
      minSamples: 200,
      maxAgeDays: 90,
      served,
      evaluation: {
        ...served,
        report: `sha256:${createHash("sha256").update(text).digest("hex")}`,
        dataSets: hash("d"),
        date: "2025-01-01",
      },
    },
    ...(evaluation === "missing" ? {} : { report: text }),
  };
}

async function objectsFor(version: Version): Promise<KubeObject[]> {
  const graph = await capture({
    stack: "acme-prod",
    program: () =>
      new Gateway(
        "gateway",
        {
          namespace: NAMESPACE,
          image: `registry.example/gateway@${hash("2")}`,
          replicas: 3,
          configuration: `audit:\n  mode: required\nguards: ${version.guardrails}\n`,
          keysSecret: "gateway-keys",
          credentials: [],
          auditVolumeGiB: 20,
          serviceAccountAnnotations: {},
          reach: { engines: [], entry: [], identity: [], outside: "none", telemetry: "none" },
          drainSeconds: 1,
          delivery: version.delivery ?? { strategy: "rolling" },
          gates: [gateOf(version)],
          labels: { "llmops.io/client": "acme", "llmops.io/environment": "prod" },
        },
        {},
      ),
  });
  return objectsOf(graph).filter(({ kind }) => KINDS.has(kind));
}

interface Pod extends KubeObject {
  readonly spec: {
    readonly initContainers: readonly {
      readonly args: readonly string[];
      readonly env: readonly { readonly value: string }[];
    }[];
    readonly volumes: readonly { readonly name: string; readonly configMap?: { readonly name: string } }[];
  };
  readonly status: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] };
}

let api: ApiServer;
const folder = mkdtempSync(join(tmpdir(), "llmops-gateway-delivery-"));
/** Pods whose gate said no, by uid. */
const refused = new Set<string>();

beforeAll(async () => {
  api = await startApiServer();
  await startControllers(api);
  await api.mustApply({ apiVersion: "v1", kind: "Namespace", metadata: { name: NAMESPACE } });
});

afterAll(async () => {
  await api.close();
  rmSync(folder, { recursive: true, force: true });
});

async function pods(): Promise<Pod[]> {
  const { body } = await api.send("GET", PODS);
  return body["items"] as Pod[];
}

async function contentOf(configMap: string | undefined, key: string): Promise<string | undefined> {
  const { status, body } = await api.send(
    "GET",
    `/api/v1/namespaces/${NAMESPACE}/configmaps/${configMap ?? ""}`,
  );
  return status === 200 ? (body["data"] as Record<string, string>)[key] : undefined;
}

/** What a kubelet would do with the first container: mount the report, run the gate's own program, look at its end. */
async function gateSays({ spec, metadata }: Pod): Promise<"admitted" | "refused"> {
  const volume = (name: string): string | undefined =>
    spec.volumes.find((each) => each.name === name)?.configMap?.name;
  const report = await contentOf(volume("evaluation-claims"), "report.json");
  const [gate] = spec.initContainers;
  if (report === undefined || gate === undefined) return "refused";
  const file = join(folder, `${metadata.uid ?? ""}.json`);
  writeFileSync(file, report);
  const args = gate.args.map((each) => (each.startsWith("--file=") ? `--file=${file}` : each));
  return promisify(execFile)(process.execPath, [LOOPS, ...args], {
    env: {
      ...process.env,
      EVALUATION_SIGNER: gate.env[0]?.value,
      NODE_COMPILE_CACHE: join(folder, "compiled"),
    },
  }).then(
    () => "admitted",
    () => "refused",
  );
}

const isReady = ({ status }: Pod): boolean =>
  status.conditions?.some(({ type, status: is }) => type === "Ready" && is === "True") === true;

/** Plays the kubelets once: ends what is deleted, and makes ready what its gate admits. */
async function kubelets(): Promise<void> {
  for (const pod of await pods()) {
    const path = `${PODS}/${pod.metadata.name}`;
    if (pod.metadata.deletionTimestamp !== undefined) {
      await api.send("DELETE", path, { gracePeriodSeconds: 0 });
    } else if (!isReady(pod) && !refused.has(pod.metadata.uid ?? "")) {
      if ((await gateSays(pod)) === "refused") refused.add(pod.metadata.uid ?? "");
      // minReadySeconds have passed for a pod that became ready an hour ago.
      else {
        const at = new Date(Date.now() - 3_600_000).toISOString();
        const conditions = [{ type: "Ready", status: "True", lastTransitionTime: at }];
        await api.send("PATCH", `${path}/status`, { status: { phase: "Running", conditions } });
      }
    }
  }
}

/** Guardrails that each ready replica runs with, by its number; read from the configuration its pod mounts. */
async function serving(): Promise<Record<string, string | undefined>> {
  const ready = (await pods()).filter(isReady);
  const entries = await Promise.all(
    ready.map(async ({ metadata, spec }) => {
      const map = spec.volumes.find(({ name }) => name === "configuration")?.configMap?.name;
      const text = await contentOf(map, "gateway.yaml");
      return [metadata.name, /guards: sha256:(.)/.exec(text ?? "")?.[1]] as const;
    }),
  );
  return Object.fromEntries(entries.sort(([a], [b]) => a.localeCompare(b)));
}

interface StatefulSet {
  readonly metadata: { readonly generation: number };
  readonly spec: { readonly replicas: number };
  readonly status: { readonly observedGeneration?: number; readonly readyReplicas?: number };
}

/** Whether the controller has seen the last version and which pods are ready, and every replica has a pod. */
async function isFollowed(): Promise<boolean> {
  const { body } = await api.send("GET", `/apis/apps/v1/namespaces/${NAMESPACE}/statefulsets/gateway`);
  const { metadata, spec, status } = body as unknown as StatefulSet;
  const there = await pods();
  return (
    status.observedGeneration === metadata.generation &&
    (status.readyReplicas ?? 0) === there.filter(isReady).length &&
    there.length === spec.replicas
  );
}

/** Deploys a version and lets controllers and kubelets work until it is followed and then nothing changes for a second. */
async function deployed(version: Version): Promise<Record<string, string | undefined>> {
  for (const object of await objectsFor(version)) await api.mustApply(object);
  let before = "";
  for (let same = 0, round = 0; same < 10; round += 1) {
    if (round === 600) throw new Error("the pods do not come to rest within a minute");
    await kubelets();
    await setTimeout(100);
    const now = JSON.stringify(
      (await pods()).map(({ metadata, status }) => [metadata.uid, status.conditions]),
    );
    same = now === before && (await isFollowed()) ? same + 1 : 0;
    before = now;
  }
  return serving();
}

const all = (letter: string): Record<string, string> => ({
  "gateway-0": letter,
  "gateway-1": letter,
  "gateway-2": letter,
});

it("a configuration that was evaluated and signed reaches every replica, however old the report is", async () => {
  expect(await deployed({ guardrails: hash("b"), evaluation: "signed" })).toEqual(all("b"));
});

it.each(["failed", "missing"] as const)(
  "a configuration whose evaluation is %s gets no traffic: one replica waits, the others serve on with the old one",
  async (evaluation) => {
    expect(await deployed({ guardrails: hash("c"), evaluation })).toEqual({
      "gateway-0": "b",
      "gateway-1": "b",
    });
  },
);

it("an old replica that starts again beside a refused canary reads its own configuration and its own report", async () => {
  const refusedCanary = {
    guardrails: hash("c"),
    evaluation: "missing",
    delivery: { strategy: "canary", replicas: 1 },
  } as const;
  await deployed(refusedCanary);
  await api.send("DELETE", `${PODS}/gateway-0`, { gracePeriodSeconds: 0 });
  expect(await deployed(refusedCanary)).toEqual({ "gateway-0": "b", "gateway-1": "b" });
});

it("without a canary it gets the refused version and waits too: traffic never reaches it, a replica is lost", async () => {
  const refusedForAll = { guardrails: hash("c"), evaluation: "missing" } as const;
  await deployed(refusedForAll);
  await api.send("DELETE", `${PODS}/gateway-0`, { gracePeriodSeconds: 0 });
  expect(await deployed(refusedForAll)).toEqual({ "gateway-1": "b" });
});

it("going back brings the waiting replicas back without a hand", async () => {
  expect(await deployed({ guardrails: hash("b"), evaluation: "signed" })).toEqual(all("b"));
});

it("a canary is the last replica alone, until the strategy is rolling", async () => {
  const next = { guardrails: hash("e"), evaluation: "signed" } as const;
  expect(await deployed({ ...next, delivery: { strategy: "canary", replicas: 1 } })).toEqual({
    ...all("b"),
    "gateway-2": "e",
  });
  expect(await deployed(next)).toEqual(all("e"));
});
