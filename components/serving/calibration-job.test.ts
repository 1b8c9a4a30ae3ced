import { describe, expect, it } from "vitest";
import { calibrationJob } from "./calibration-job.ts";

describe("calibrationJob", () => {
  it("lets the measuring pod ask the name service, also the cache on its node, and reach one engine", () => {
    const [policy] = calibrationJob({
      model: "mistral",
      namespace: "claims",
      enginePort: 8000,
      image: `gateway@sha256:${"a".repeat(64)}`,
      what: "mistral on L4",
      cacheTokens: 60_000,
      maxNumSeqs: 64,
      maxModelLen: 8192,
      labels: {},
    });
    expect(policy).toMatchObject({
      kind: "NetworkPolicy",
      spec: {
        podSelector: { matchLabels: { "llmops.io/calibration": "mistral" } },
        policyTypes: ["Ingress", "Egress"],
      },
    });
    expect(policy).toHaveProperty("spec.egress", [
      {
        to: [
          {
            namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "kube-system" } },
            podSelector: {
              matchExpressions: [{ key: "k8s-app", operator: "In", values: ["kube-dns", "node-local-dns"] }],
            },
          },
        ],
        ports: [
          { protocol: "UDP", port: 53 },
          { protocol: "TCP", port: 53 },
        ],
      },
      {
        to: [
          {
            namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "claims" } },
            podSelector: { matchLabels: { "llmops.io/model": "mistral" } },
          },
        ],
        ports: [{ protocol: "TCP", port: 8000 }],
      },
    ]);
    expect(policy).not.toHaveProperty("spec.ingress");
  });
});
