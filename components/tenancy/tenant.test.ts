import * as k8s from "@pulumi/kubernetes";
import { describe, expect, it } from "vitest";
import { destroyOrder, ofType, type ResourceGraph } from "../../graph/graph.ts";
import { capture } from "../../plan/capture.ts";
import { Tenant, validateTenantArgs, type TenantArgs } from "./tenant.ts";

const args: TenantArgs = {
  namespace: "claims",
  gpus: 4,
  cpus: 20,
  memoryGiB: 80,
  labels: { "llmops.io/client": "acme", "llmops.io/environment": "prod" },
};

function tenant(overrides: Partial<TenantArgs> = {}): Promise<ResourceGraph> {
  return capture({
    stack: "test",
    program: () => {
      const provider = new k8s.Provider("cluster", { kubeconfig: "{}" });
      new Tenant("acme-prod-claims", { ...args, ...overrides }, { provider });
    },
  });
}

describe("a tenant", () => {
  it("consists of a namespace, three network policies, a quota and defaults", async () => {
    const graph = await tenant();
    expect(graph.nodes.map(({ type, name }) => `${type} ${name}`)).toEqual([
      "kubernetes:core/v1:LimitRange acme-prod-claims-defaults",
      "kubernetes:core/v1:Namespace acme-prod-claims-namespace",
      "kubernetes:core/v1:ResourceQuota acme-prod-claims-quota",
      "kubernetes:networking.k8s.io/v1:NetworkPolicy acme-prod-claims-allow-dns",
      "kubernetes:networking.k8s.io/v1:NetworkPolicy acme-prod-claims-allow-gateway",
      "kubernetes:networking.k8s.io/v1:NetworkPolicy acme-prod-claims-default-deny",
      "llmops:tenancy:Tenant acme-prod-claims",
      "pulumi:providers:kubernetes cluster",
      "pulumi:pulumi:Stack llmops-test",
    ]);
  });

  it("enforces, audits and warns about the restricted Pod Security level by default", async () => {
    const [namespace] = ofType(await tenant(), "kubernetes:core/v1:Namespace");
    expect(namespace?.inputs["metadata"]).toEqual({
      name: "claims",
      labels: {
        "llmops.io/client": "acme",
        "llmops.io/environment": "prod",
        "llmops.io/gateway-client": "true",
        "pod-security.kubernetes.io/audit": "restricted",
        "pod-security.kubernetes.io/enforce": "restricted",
        "pod-security.kubernetes.io/warn": "restricted",
      },
    });
  });

  it("caps GPUs, CPU and memory in the quota", async () => {
    const [quota] = ofType(await tenant({ gpus: 0 }), "kubernetes:core/v1:ResourceQuota");
    expect(quota?.inputs["spec"]).toEqual({
      hard: { "requests.cpu": "20", "requests.memory": "80Gi", "requests.nvidia.com/gpu": "0" },
    });
  });

  it("closes the network in both directions and lets only name resolution and calls of the gateway out", async () => {
    const policies = ofType(await tenant(), "kubernetes:networking.k8s.io/v1:NetworkPolicy");
    expect(policies.map(({ inputs }) => inputs["spec"])).toEqual([
      {
        podSelector: {},
        policyTypes: ["Egress"],
        egress: [
          {
            ports: [
              { port: 53, protocol: "UDP" },
              { port: 53, protocol: "TCP" },
            ],
            to: [
              {
                namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "kube-system" } },
                podSelector: {
                  matchExpressions: [
                    { key: "k8s-app", operator: "In", values: ["kube-dns", "node-local-dns"] },
                  ],
                },
              },
            ],
          },
        ],
      },
      {
        podSelector: {},
        policyTypes: ["Egress"],
        egress: [
          {
            ports: [{ port: 8080, protocol: "TCP" }],
            to: [{ namespaceSelector: { matchLabels: { "llmops.io/component": "gateway" } } }],
          },
        ],
      },
      { podSelector: {}, policyTypes: ["Ingress", "Egress"] },
    ]);
  });

  it("is emptied before its namespace goes, and its namespace before the cluster's provider", async () => {
    const graph = await tenant();
    const names = destroyOrder(graph).map((urn) => urn.split("::").at(-1));
    const namespace = names.indexOf("acme-prod-claims-namespace");
    for (const child of ["default-deny", "allow-dns", "quota", "defaults"])
      expect(names.indexOf(`acme-prod-claims-${child}`)).toBeLessThan(namespace);
    expect(namespace).toBeLessThan(names.indexOf("cluster"));
  });
});

describe("tenant arguments", () => {
  it.each([
    [{ namespace: "Claims" }, "namespace", "'Claims' is not an RFC 1123 label"],
    [{ namespace: "kube-system" }, "namespace", "'kube-system' belongs to Kubernetes itself"],
    [{ gpus: -1 }, "gpus", "-1 is not a whole number from 0"],
    [{ cpus: 0 }, "cpus", "0 is not a whole number from 1"],
    [{ memoryGiB: 1.5 }, "memoryGiB", "1.5 is not a whole number from 1"],
  ] as const)("refuse %j", (overrides, propertyPath, reason) => {
    expect(() => {
      validateTenantArgs({ ...args, ...overrides });
    }).toThrow(expect.objectContaining({ propertyPath, reason }) as Error);
  });

  it("accept a tenant without GPUs", () => {
    expect(() => {
      validateTenantArgs({ ...args, gpus: 0 });
    }).not.toThrow();
  });
});
