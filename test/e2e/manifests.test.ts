import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { graphOf } from "../../plan/stack-plan.ts";
import { readStack } from "../../stacks/schema/stack-file.ts";
import { SHIPPED } from "../policy/environments.ts";
import { define, startApiServer, type ApiServer } from "./cluster/api-server.ts";
import { startControllers } from "./cluster/control-plane.ts";
import { definitionsFor } from "./cluster/custom-resources.ts";
import { nameOf, type KubeObject } from "./cluster/kube-object.ts";
import { isWorkload, objectsOf, podOf } from "./cluster/stack-objects.ts";
import { STACKS } from "./offline-plan.ts";

/** Kinds whose definition no Go module holds; they are checked by their types only. */
const WITHOUT_DEFINITION: Readonly<Record<string, string>> = {
  "cloud.google.com/v1 ComputeClass": "GKE installs its definition itself and publishes it nowhere",
  ...Object.fromEntries(
    ["GCPBackendPolicy", "GCPGatewayPolicy", "HealthCheckPolicy"].map((kind) => [
      `networking.gke.io/v1 ${kind}`,
      "its module github.com/GoogleCloudPlatform/gke-gateway-api is on no module proxy",
    ]),
  ),
  "elbv2.k8s.aws/v1beta1 TargetGroupBinding":
    "sigs.k8s.io/aws-load-balancer-controller is on the module proxy only before it had the kind",
};

const ENFORCE = "pod-security.kubernetes.io/enforce";

function kindOf({ apiVersion, kind }: KubeObject): string {
  return `${apiVersion} ${kind}`;
}

/** A pod with one setting that the restricted profile forbids. */
const FORBIDDEN: readonly (readonly [string, (spec: Record<string, unknown>) => Record<string, unknown>])[] =
  [
    ["the host's network", (spec) => ({ ...spec, hostNetwork: true })],
    [
      "a path of the host",
      (spec) => ({
        ...spec,
        volumes: [...((spec["volumes"] ?? []) as object[]), { name: "host", hostPath: { path: "/" } }],
      }),
    ],
    ["root", (spec) => ({ ...spec, securityContext: { runAsNonRoot: false } })],
  ];

describe.each(SHIPPED)("every manifest of %s on a real API server", (stack) => {
  let api: ApiServer;
  let objects: readonly KubeObject[];
  const unknownKinds = new Set<string>();
  const refused: string[] = [];
  const accepted: KubeObject[] = [];

  beforeAll(async () => {
    objects = objectsOf(await graphOf(stack, readStack(STACKS, stack)));
    api = await startApiServer();
    await startControllers(api);
    await define(api, definitionsFor(objects));
    for (const object of objects) {
      if ((await api.pathOf(object)) === undefined) {
        unknownKinds.add(kindOf(object));
        continue;
      }
      const checked = await api.apply(object, "dry-run");
      const stored = checked.status < 300 ? await api.apply(object) : checked;
      if (stored.status < 300) accepted.push(object);
      else refused.push(`${nameOf(object)}: ${stored.status} ${stored.body.message ?? ""}`);
    }
  });

  afterAll(async () => {
    await api.close();
  });

  it("is accepted by a dry run and stored, with strict field validation", () => {
    expect(refused).toEqual([]);
    expect(accepted.length).toBeGreaterThan(30);
    const skipped = objects.filter((object) => unknownKinds.has(kindOf(object)));
    expect(accepted.length + skipped.length).toBe(objects.length);
  });

  it("is of a kind whose definition is there, or listed as one that cannot be had", () => {
    expect([...unknownKinds].filter((kind) => WITHOUT_DEFINITION[kind] === undefined)).toEqual([]);
  });

  it("does not change when it is applied again", async () => {
    const changed: string[] = [];
    for (const object of accepted) {
      const path = (await api.pathOf(object)) ?? "";
      const generation = async (): Promise<unknown> => {
        const { metadata } = (await api.send("GET", path)).body as { metadata?: { generation?: number } };
        return metadata?.generation;
      };
      const before = await generation();
      await api.mustApply(object);
      if ((await generation()) !== before) changed.push(nameOf(object));
    }
    expect(changed).toEqual([]);
  });

  it("starts pods that Pod Security, quota and limits let into their namespace", async () => {
    const workloads = accepted.filter(isWorkload);
    expect(workloads.length).toBeGreaterThan(1);
    for (const workload of workloads) {
      // A Rollout starts the pods of a Deployment without replicas; its controller does not run here.
      if ((workload["spec"] as { replicas?: number }).replicas === 0) {
        const { status, body } = await api.apply(podOf(workload), "dry-run");
        expect([nameOf(workload), status, body.message]).toEqual([nameOf(workload), 201, undefined]);
        continue;
      }
      const path = (await api.pathOf(workload)) ?? "";
      const pods = async (): Promise<number> => {
        const { status } = (await api.send("GET", path)).body as { status?: { replicas?: number } };
        return status?.replicas ?? 0;
      };
      await expect.poll(pods, { timeout: 60_000, message: nameOf(workload) }).toBeGreaterThanOrEqual(1);
    }
  });

  it("claims the restricted profile for every namespace with our pods", () => {
    const namespaces = new Set(accepted.filter(isWorkload).map(({ metadata }) => metadata.namespace));
    const levels = accepted
      .filter(({ kind, metadata }) => kind === "Namespace" && namespaces.has(metadata.name))
      .map(({ metadata }) => [metadata.name, metadata.labels?.[ENFORCE]]);
    expect(levels.length).toBe(namespaces.size);
    expect(levels.filter(([, level]) => level !== "restricted")).toEqual([]);
  });

  it.each(FORBIDDEN)("keeps a pod with %s out", async (_what, broken) => {
    const [workload] = accepted.filter(isWorkload);
    if (workload === undefined) throw new Error("no workload");
    const pod = podOf(workload);
    const { status, body } = await api.apply(
      { ...pod, spec: broken(pod["spec"] as Record<string, unknown>) },
      "dry-run",
    );
    expect([status, body.message]).toEqual([403, expect.stringContaining("violates PodSecurity")]);
  });

  it("is refused with the tolerance as a number, as it once was", async () => {
    const object = accepted.find(({ kind }) => kind === "ScaledObject");
    if (object === undefined) throw new Error("no ScaledObject");
    const spec = JSON.parse(
      JSON.stringify(object["spec"]).replace('"tolerance":"0.02"', '"tolerance":0.02'),
    ) as object;
    const { status, body } = await api.apply({ ...object, spec }, "dry-run");
    expect([status, body.message]).toEqual([422, expect.stringContaining("scaleUp.tolerance")]);
  });

  it("is refused with a field that does not exist", async () => {
    const object = accepted.find(({ kind }) => kind === "ScaledObject");
    if (object === undefined) throw new Error("no ScaledObject");
    const { body } = await api.apply(
      { ...object, spec: { ...(object["spec"] as object), maxReplicas: 3 } },
      "dry-run",
    );
    expect(body.message).toContain(".spec.maxReplicas: field not declared in schema");
  });
});
