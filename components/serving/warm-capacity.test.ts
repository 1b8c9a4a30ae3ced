import * as k8s from "@pulumi/kubernetes";
import { describe, expect, it } from "vitest";
import { capture } from "../../plan/capture.ts";
import { WARM_PRIORITY_CLASS, WarmCapacity, warmPriorityClass } from "./warm-capacity.ts";

describe("warm capacity", () => {
  it("holds places of a replica's size, asleep in the engine's image, that give way at once", async () => {
    const { nodes } = await capture({
      stack: "test",
      program: () => {
        const provider = new k8s.Provider("p", { kubeconfig: "{}" });
        warmPriorityClass("class", { provider });
        new WarmCapacity(
          "m",
          {
            model: "mistral",
            namespace: "claims",
            image: `engine@sha256:${"a".repeat(64)}`,
            replicas: 2,
            gpus: 4,
            resources: { cpus: 12, memoryGiB: 80 },
            nodeSelector: { "llmops.io/gpu-pool": "l40s" },
            labels: { "llmops.io/client": "acme" },
          },
          {},
        );
      },
    });
    const inputsOf = (type: string): unknown => nodes.find((node) => node.type === type)?.inputs;
    expect(inputsOf("kubernetes:scheduling.k8s.io/v1:PriorityClass")).toMatchObject({
      metadata: { name: WARM_PRIORITY_CLASS },
      value: -5,
      preemptionPolicy: "Never",
    });
    expect(inputsOf("kubernetes:apps/v1:Deployment")).toMatchObject({
      metadata: {
        name: "mistral-warm",
        namespace: "claims",
        labels: { "llmops.io/client": "acme" },
        // A real replica takes a place at any time.
        annotations: { "pulumi.com/skipAwait": "true" },
      },
      spec: {
        replicas: 2,
        template: {
          spec: {
            priorityClassName: WARM_PRIORITY_CLASS,
            terminationGracePeriodSeconds: 0,
            nodeSelector: { "llmops.io/gpu-pool": "l40s" },
            containers: [
              {
                image: `engine@sha256:${"a".repeat(64)}`,
                command: ["sleep", "infinity"],
                resources: { limits: { "nvidia.com/gpu": "4", memory: "80Gi" }, requests: { cpu: "12" } },
              },
            ],
          },
        },
      },
    });
  });
});
