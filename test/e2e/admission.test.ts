import { setTimeout } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ofType } from "../../graph/graph.ts";
import type { GraphValue } from "../../graph/values.ts";
import { ADMISSION_RULES } from "../../policies/admission-rules.ts";
import { KUBERNETES } from "../../tools/go-tool.ts";
import { planAll } from "../policy/environments.ts";
import { startApiServer, type ApiAnswer, type ApiServer } from "./cluster/api-server.ts";

type KubeObject = Readonly<Record<string, unknown>> & {
  readonly metadata: { readonly name: string; readonly namespace?: string };
};

/** A definition that takes every object: what is judged here is the policies, not the schema. */
function definition(group: string, version: string, kind: string): object {
  const singular = kind.toLowerCase();
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `${singular}s.${group}` },
    spec: {
      group,
      names: { kind, plural: `${singular}s`, singular },
      scope: "Namespaced",
      versions: [
        {
          name: version,
          served: true,
          storage: true,
          schema: { openAPIV3Schema: { type: "object", "x-kubernetes-preserve-unknown-fields": true } },
        },
      ],
    },
  };
}

const DEFINITIONS = [
  definition("keda.sh", "v1alpha1", "ScaledObject"),
  definition("argoproj.io", "v1alpha1", "Rollout"),
];

const PATHS: Readonly<Record<string, string>> = {
  "kubernetes:apps/v1:Deployment": "/apis/apps/v1/namespaces/{namespace}/deployments",
  "kubernetes:apps/v1:StatefulSet": "/apis/apps/v1/namespaces/{namespace}/statefulsets",
  "kubernetes:core/v1:ConfigMap": "/api/v1/namespaces/{namespace}/configmaps",
  "kubernetes:core/v1:ResourceQuota": "/api/v1/namespaces/{namespace}/resourcequotas",
  "kubernetes:networking.k8s.io/v1:NetworkPolicy":
    "/apis/networking.k8s.io/v1/namespaces/{namespace}/networkpolicies",
  "kubernetes:argoproj.io/v1alpha1:Rollout": "/apis/argoproj.io/v1alpha1/namespaces/{namespace}/rollouts",
  "kubernetes:keda.sh/v1alpha1:ScaledObject": "/apis/keda.sh/v1alpha1/namespaces/{namespace}/scaledobjects",
};

let api: ApiServer;
/** Objects of acme-prod that the rules look at. */
const shipped: { readonly type: string; readonly name: string; readonly object: KubeObject }[] = [];

function path(type: string, { metadata }: KubeObject): string {
  return (PATHS[type] ?? "").replace("{namespace}", metadata.namespace ?? "default");
}

function post(type: string, object: KubeObject, query = "?dryRun=All"): Promise<ApiAnswer> {
  return api.send("POST", `${path(type, object)}${query}`, object);
}

beforeAll(async () => {
  const planned = (await planAll(["acme-prod"])).get("acme-prod");
  if (planned === undefined) throw new Error("not planned");
  const { graph } = planned.planned.plan;
  const objects = (type: string): KubeObject[] =>
    ofType(graph, type).map(({ inputs }) => inputs as unknown as KubeObject);
  api = await startApiServer();
  const created = async (target: string, object: unknown): Promise<void> => {
    const { status, body } = await api.send("POST", target, object);
    if (status !== 201) throw new Error(`${target}: ${status} ${body.message ?? ""}`);
  };
  for (const each of DEFINITIONS)
    await created("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", each);
  for (const namespace of objects("kubernetes:core/v1:Namespace"))
    await created("/api/v1/namespaces", namespace);
  const group = "admissionregistration.k8s.io/v1";
  for (const policy of objects(`kubernetes:${group}:ValidatingAdmissionPolicy`))
    await created(`/apis/${group}/validatingadmissionpolicies`, policy);
  for (const binding of objects(`kubernetes:${group}:ValidatingAdmissionPolicyBinding`))
    await created(`/apis/${group}/validatingadmissionpolicybindings`, binding);
  for (const type of Object.keys(PATHS))
    for (const { name, inputs } of ofType(graph, type))
      shipped.push({ type, name, object: inputs as unknown as KubeObject });
  // Policies take a moment to hold after they are stored.
  const quota = shipped.find(({ type }) => type.endsWith("ResourceQuota"));
  if (quota === undefined) throw new Error("no quota");
  for (let tries = 0; tries < 100; tries += 1) {
    const { status } = await post(quota.type, { ...quota.object, spec: { hard: { pods: "1" } } });
    if (status === 403 || status === 422) break;
    await setTimeout(200);
  }
});

afterAll(async () => {
  await api.close();
});

function copyOf(part: string, type: string, path: string, value: GraphValue): readonly [string, KubeObject] {
  const found = shipped.find((each) => each.type.endsWith(type) && each.name.includes(part));
  if (found === undefined) throw new Error(`no ${type} ${part}`);
  const object = structuredClone(found.object) as Record<string, unknown>;
  const keys = path.split(".");
  const last = keys.pop() ?? "";
  const holder = keys.reduce<Record<string, unknown>>(
    (inner, key) => inner[key] as Record<string, unknown>,
    object,
  );
  if (value === null) Reflect.deleteProperty(holder, last);
  else holder[last] = value;
  return [found.type, object as KubeObject];
}

const CONTAINER = "spec.template.spec.containers.0";
/** Broken objects: control, what, object, key path, value; null takes the key away. */
const BROKEN: readonly (readonly [string, string, string, string, string, GraphValue])[] = [
  ["AIA-GOV-02", "a workload without client", "claims-assistant", "Deployment", "metadata.labels", {}],
  ["AIA-GOV-03", "an image by tag", "claims-assistant", "Deployment", `${CONTAINER}.image`, "vllm:latest"],
  [
    "AIA-GOV-03",
    "a gateway image by tag",
    "gateway-set",
    "StatefulSet",
    `${CONTAINER}.image`,
    "llmops-gateway:0.1.0",
  ],
  [
    "AIA-LOG-10",
    "best-effort records",
    "gateway-configuration",
    "ConfigMap",
    "data",
    { "gateway.yaml": "audit:\n  mode: best-effort\n" },
  ],
  [
    "AIA-LOG-10",
    "a mode in another place",
    "gateway-configuration",
    "ConfigMap",
    "data",
    { "gateway.yaml": "audit:\n  directory: x\nother:\n  mode: required\n" },
  ],
  [
    "AIA-SEC-04",
    "an engine open to everything",
    "claims-assistant-network",
    "NetworkPolicy",
    "spec.ingress",
    [{}],
  ],
  [
    "AIA-SEC-05",
    "a pod that may run as root",
    "gateway-set",
    "StatefulSet",
    "spec.template.spec.securityContext.runAsNonRoot",
    null,
  ],
  [
    "AIA-SEC-05",
    "a container that may gain privileges",
    "claims-assistant",
    "Deployment",
    `${CONTAINER}.securityContext.allowPrivilegeEscalation`,
    true,
  ],
  [
    "AIA-SEC-05",
    "a container with capabilities",
    "claims-assistant",
    "Deployment",
    `${CONTAINER}.securityContext.capabilities`,
    null,
  ],
  ["AIA-TST-03", "a rollout without evaluation", "claims-assistant", "Rollout", "metadata.annotations", {}],
  [
    "AIA-TST-03",
    "a rollout whose report is no digest",
    "claims-assistant",
    "Rollout",
    "metadata.annotations",
    {
      "claims-assistant.evaluation.llmops.io/report": "the one of yesterday",
      "claims-assistant.evaluation.llmops.io/model": "m",
      "claims-assistant.evaluation.llmops.io/prompt": "none",
      "claims-assistant.evaluation.llmops.io/guardrails": "g",
      "claims-assistant.evaluation.llmops.io/date": "2026-11-24",
    },
  ],
  ["COST-03", "a scaler without maximum", "claims-assistant", "ScaledObject", "spec.maxReplicaCount", null],
  ["COST-03", "a scaler with maximum 0", "claims-assistant", "ScaledObject", "spec.maxReplicaCount", 0],
  ["COST-04", "a quota without GPUs", "quota", "ResourceQuota", "spec.hard", { pods: "10" }],
];

describe("admission policies on a real API server", () => {
  it("run on the version that is pinned", () => {
    expect(api.version).toBe(KUBERNETES.version);
  });

  it("let every shipped object in", async () => {
    const refused: string[] = [];
    for (const { type, name, object } of shipped) {
      const { status, body } = await post(type, object);
      if (status !== 201) refused.push(`${name}: ${status} ${body.message ?? ""}`);
    }
    expect(refused).toEqual([]);
    expect(shipped.length).toBeGreaterThan(10);
  });

  it.each(BROKEN)("refuse for %s %s", async (control, _what, part, type, path, value) => {
    const { status, body } = await post(...copyOf(part, type, path, value));
    expect([status, body.message]).toEqual([403, expect.stringContaining(`${control}: `)]);
  });

  it("are each broken at least once", () => {
    const broken = new Set(BROKEN.map(([control]) => control));
    expect(ADMISSION_RULES.map(({ control }) => control).filter((id) => !broken.has(id))).toEqual([]);
  });

  it("refuse an edit of what is there as well", async () => {
    // The shipped one is immutable; the policy is there for one that somebody made otherwise.
    const [type, object] = copyOf("gateway-configuration", "ConfigMap", "immutable", false);
    expect((await post(type, object, "")).status).toBe(201);
    const place = `${path(type, object)}/${object.metadata.name}`;
    const weak = { ...object, data: { "gateway.yaml": "audit:\n  mode: best-effort\n" } };
    expect((await api.send("PUT", place, weak)).status).toBe(403);
    expect(JSON.stringify((await api.send("GET", place)).body["data"])).toContain("mode: required");
  });

  it("leave other namespaces alone", async () => {
    const [type, object] = copyOf("claims-assistant", "Deployment", `${CONTAINER}.image`, "vllm:latest");
    const elsewhere = { ...object, metadata: { ...object.metadata, namespace: "kube-system" } };
    expect((await post(type, elsewhere)).status).toBe(201);
  });
});
