import { describe, expect, it } from "vitest";
import { ofType, type ResourceGraph } from "../../graph/graph.ts";
import { isRecord, valueAt } from "../../graph/values.ts";
import { capture } from "../../plan/capture.ts";
import { typeCounts } from "../../plan/plan.ts";
import { hash, servedGate } from "../delivery/testing/gate.ts";
import { Gateway, validateGatewayArgs, type GatewayArgs } from "./gateway.ts";
import { GatewayKeys } from "./keys.ts";
import { gatewayNetworkPolicies } from "./network.ts";
import { Redis } from "./redis.ts";

const args: GatewayArgs = {
  namespace: "llm-gateway",
  image: `registry.example/gateway@sha256:${"a".repeat(64)}`,
  replicas: 3,
  configuration: "listen: {}\n",
  keysSecret: "gateway-keys",
  credentials: [{ variable: "PROVIDER_X_KEY", secret: "x", key: "token" }],
  auditVolumeGiB: 20,
  serviceAccountAnnotations: {},
  reach: {
    engines: [{ namespace: "claims", model: "mistral", port: 8000 }],
    entry: [],
    identity: [{ cidr: "169.254.170.23/32", port: 80 }],
    outside: "https",
    telemetry: "none",
  },
  drainSeconds: 120,
  delivery: { strategy: "rolling" },
  gates: [],
  labels: { "llmops.io/client": "acme" },
};

const GATE = servedGate("mistral", { model: hash("1"), prompt: "none", guardrails: hash("2") }, hash("4"));

function graphOf(changes: Partial<GatewayArgs> = {}): Promise<ResourceGraph> {
  return capture({ stack: "test", program: () => new Gateway("g", { ...args, ...changes }, {}) });
}

describe("Gateway", () => {
  it("consists of exactly these resources", async () => {
    const { nodes } = await graphOf();
    expect(Object.fromEntries(typeCounts(nodes.filter(({ custom }) => custom)))).toEqual({
      "kubernetes:apps/v1:StatefulSet": 1,
      "kubernetes:core/v1:ConfigMap": 1,
      "kubernetes:core/v1:Service": 3,
      "kubernetes:core/v1:ServiceAccount": 1,
      "kubernetes:monitoring.coreos.com/v1:PodMonitor": 1,
      "kubernetes:networking.k8s.io/v1:NetworkPolicy": 3,
      "kubernetes:policy/v1:PodDisruptionBudget": 1,
    });
  });

  it("starts other pods for another configuration, and only for that", async () => {
    const annotations = async (changes: Partial<GatewayArgs> = {}): Promise<unknown> => {
      const [set] = ofType(await graphOf(changes), "kubernetes:apps/v1:StatefulSet");
      return valueAt(set?.inputs ?? {}, "spec.template.metadata.annotations");
    };
    const before = await annotations();
    expect(before).toEqual({ "llmops.io/configuration": "32bdb5c580808123" });
    expect(await annotations({ replicas: 5 })).toEqual(before);
    expect(await annotations({ configuration: "listen: {}\n\n" })).not.toEqual(before);
  });

  it("keeps the volumes of its records, names each writer after its pod, and ends after its drain", async () => {
    const [set] = ofType(await graphOf(), "kubernetes:apps/v1:StatefulSet");
    expect(set?.inputs["spec"]).toMatchObject({
      replicas: 3,
      podManagementPolicy: "Parallel",
      persistentVolumeClaimRetentionPolicy: { whenDeleted: "Retain", whenScaled: "Retain" },
      volumeClaimTemplates: [{ spec: { resources: { requests: { storage: "20Gi" } } } }],
      template: {
        spec: {
          automountServiceAccountToken: false,
          terminationGracePeriodSeconds: 150,
          containers: [
            {
              args: ["/etc/llmops-gateway/gateway.yaml", "--writer", "$(POD_NAME)"],
              env: [
                { name: "POD_NAME" },
                { name: "PROVIDER_X_KEY", valueFrom: { secretKeyRef: { name: "x", key: "token" } } },
              ],
              readinessProbe: { httpGet: { path: "/readyz" } },
              lifecycle: { preStop: { sleep: { seconds: 10 } } },
              securityContext: { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true },
            },
          ],
        },
      },
    });
  });

  it("starts no pod before the signed evaluation of its configuration, whatever its age", async () => {
    const graph = await graphOf({ gates: [GATE] });
    const [set] = ofType(graph, "kubernetes:apps/v1:StatefulSet");
    const pod = valueAt(set?.inputs ?? {}, "spec.template.spec");
    expect(pod).toMatchObject({
      initContainers: [
        {
          name: "gate-mistral",
          args: [
            "gate",
            "--file=/evaluation/report.json",
            `--report=${hash("4")}`,
            `--model=${hash("1")}`,
            "--prompt=none",
            `--guardrails=${hash("2")}`,
            `--data-sets=${hash("5")}`,
            "--environment=prod",
            "--min-samples=200",
            "--max-age-days=any",
          ],
          securityContext: { readOnlyRootFilesystem: true, allowPrivilegeEscalation: false },
          volumeMounts: [{ name: "evaluation-mistral", mountPath: "/evaluation", readOnly: true }],
        },
      ],
    });
    const maps = ofType(graph, "kubernetes:core/v1:ConfigMap");
    const named = maps.map(({ inputs }) => valueAt(inputs, "metadata.name"));
    const volumes: unknown = valueAt(pod ?? {}, "volumes");
    expect(volumes).toContainEqual({ name: "evaluation-mistral", configMap: { name: named[1] } });
    const unsigned = await graphOf({ gates: [{ model: GATE.model, gate: GATE.gate }] });
    expect(ofType(unsigned, "kubernetes:core/v1:ConfigMap")).toHaveLength(1);
    // The pod still waits for the report that is not there.
    const [waiting] = ofType(unsigned, "kubernetes:apps/v1:StatefulSet");
    expect(valueAt(waiting?.inputs ?? {}, "spec.template.spec.volumes")).toEqual(volumes);
  });

  it.each([
    ["a signed evaluation, waits for its pods", [GATE], undefined],
    ["none yet, is created without pods", [{ model: GATE.model, gate: GATE.gate }], "true"],
  ])("with %s", async (_, gates, skipped) => {
    const graph = await graphOf({ gates });
    const awaited = ["kubernetes:apps/v1:StatefulSet", "kubernetes:core/v1:Service"].flatMap((type) =>
      ofType(graph, type).map(({ inputs }) => {
        const annotations = valueAt(inputs, "metadata.annotations");
        return isRecord(annotations) ? annotations["pulumi.com/skipAwait"] : undefined;
      }),
    );
    expect(awaited).toEqual([skipped, skipped, skipped, skipped]);
  });

  it("keeps every version of its configuration for the pods that still run it", async () => {
    const names = async (configuration: string): Promise<unknown> => {
      const [map] = ofType(await graphOf({ configuration }), "kubernetes:core/v1:ConfigMap");
      expect(map?.options.retainOnDelete).toBe(true);
      expect(map?.inputs).toMatchObject({ immutable: true, data: { "gateway.yaml": configuration } });
      return valueAt(map?.inputs ?? {}, "metadata.name");
    };
    expect(await names("a: 1\n")).toMatch(/^gateway-[0-9a-f]{10}$/);
    expect(await names("a: 1\n")).not.toEqual(await names("a: 2\n"));
  });

  it.each<[GatewayArgs["delivery"], number, object]>([
    [{ strategy: "rolling" }, 0, {}],
    [{ strategy: "canary", replicas: 1 }, 2, { "pulumi.com/skipAwait": "true" }],
    [{ strategy: "canary", replicas: 2 }, 1, { "pulumi.com/skipAwait": "true" }],
  ])(
    "with %j replaces replicas from %i on, one after the other",
    async (delivery, partition, annotations) => {
      const [set] = ofType(await graphOf({ delivery }), "kubernetes:apps/v1:StatefulSet");
      expect(set?.inputs).toMatchObject({
        metadata: { annotations },
        spec: {
          minReadySeconds: 30,
          updateStrategy: { type: "RollingUpdate", rollingUpdate: { partition } },
        },
      });
    },
  );

  it.each([
    [
      { delivery: { strategy: "canary", replicas: 3 } },
      "delivery.replicas",
      "3 of 3 replicas leave none that keeps its version",
    ],
    [
      { gates: [{ ...GATE, gate: { ...GATE.gate, image: "loops:latest" } }] },
      "gates",
      "the image 'loops:latest' of the gate of mistral is not pinned by digest",
    ],
    [{ image: "gateway:latest" }, "image", "'gateway:latest' is not pinned by digest"],
    [
      { replicas: 0 },
      "replicas",
      "0 is not a whole number from 1: without a gateway no request reaches a model",
    ],
    [{ auditVolumeGiB: 1 }, "auditVolumeGiB", "1 is not a whole number from 5"],
  ] satisfies [Partial<GatewayArgs>, string, string][])("refuses %j", (changes, propertyPath, reason) => {
    expect(() => {
      validateGatewayArgs({ ...args, ...changes });
    }).toThrow(expect.objectContaining({ propertyPath, reason }));
  });
});

describe("gatewayNetworkPolicies", () => {
  it("closes the namespace and opens one way for each need", () => {
    const policies = gatewayNetworkPolicies(args.reach);
    expect(policies["default-deny"]).toEqual({ podSelector: {}, policyTypes: ["Ingress", "Egress"] });
    expect(policies["ingress"]).toMatchObject({
      ingress: [
        {
          from: [{ namespaceSelector: { matchLabels: { "llmops.io/gateway-client": "true" } } }],
          ports: [{ port: 8080 }],
        },
        {
          from: [{ namespaceSelector: { matchLabels: { "llmops.io/gateway-admin": "true" } } }],
          ports: [{ port: 8081 }],
        },
        { from: [{ namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "monitoring" } } }] },
      ],
    });
    const ports = (policies["egress"]?.egress as { ports: { port: number }[] }[]).map((rule) =>
      rule.ports.map(({ port }) => port),
    );
    expect(ports).toEqual([[53, 53], [6379], [8000], [80], [443]]);
  });

  it("lets in the load balancer of an entry, on the port of the API only", () => {
    const rules = (entry: string[]): unknown[] =>
      gatewayNetworkPolicies({ ...args.reach, entry })["ingress"]?.ingress as unknown[];
    expect(rules([])).toHaveLength(3);
    expect(rules(["10.20.192.0/22", "10.20.196.0/22"])[3]).toEqual({
      from: [{ ipBlock: { cidr: "10.20.192.0/22" } }, { ipBlock: { cidr: "10.20.196.0/22" } }],
      ports: [{ protocol: "TCP", port: 8080 }],
    });
  });

  it("reaches nothing outside of the cluster unless it must", () => {
    const { egress } = gatewayNetworkPolicies({
      engines: [],
      entry: [],
      identity: [],
      outside: "none",
      telemetry: "none",
    });
    expect(egress?.egress).toHaveLength(2);
  });
});

describe("GatewayKeys", () => {
  it("makes an Ed25519 key and symmetric keys that the engine does not delete by accident, in one Secret", async () => {
    const graph = await capture({
      stack: "test",
      program: () =>
        new GatewayKeys(
          "k",
          { namespace: "llm-gateway", retention: { days: 400, immutability: "compliance" }, labels: {} },
          {},
        ),
    });
    expect(ofType(graph, "tls:index/privateKey:PrivateKey")[0]?.inputs).toEqual({ algorithm: "ED25519" });
    const kept = graph.nodes
      .filter(({ custom, options }) => custom && options.protect)
      .map(({ type }) => type);
    expect(kept).toEqual([
      "random:index/randomBytes:RandomBytes",
      "random:index/randomBytes:RandomBytes",
      "tls:index/privateKey:PrivateKey",
    ]);
    const [secret] = ofType(graph, "kubernetes:core/v1:Secret");
    expect(secret?.inputs["stringData"]).toEqual({ $secret: true });
    expect(JSON.stringify(secret?.inputs)).not.toContain("PRIVATE KEY");
  });
});

describe("Redis", () => {
  it("syncs before it answers, wants a password, and lets only the gateway in", async () => {
    const graph = await capture({
      stack: "test",
      program: () =>
        new Redis(
          "r",
          {
            namespace: "llm-gateway",
            image: "redis@sha256:0",
            keysSecret: "s",
            clients: { app: "gateway" },
            labels: {},
          },
          {},
        ),
    });
    const [set] = ofType(graph, "kubernetes:apps/v1:StatefulSet");
    const [command] = (set?.inputs as { spec: { template: { spec: { containers: { args: string[] }[] } } } })
      .spec.template.spec.containers[0]?.args as [string];
    expect(command).toContain("--appendfsync always");
    expect(command).toContain('--requirepass "$REDIS_PASSWORD"');
    expect(ofType(graph, "kubernetes:networking.k8s.io/v1:NetworkPolicy")[0]?.inputs["spec"]).toMatchObject({
      ingress: [{ from: [{ podSelector: { matchLabels: { app: "gateway" } } }], ports: [{ port: 6379 }] }],
    });
  });
});
