import { secret } from "@pulumi/pulumi";
import { describe, expect, it } from "vitest";
import { ofType } from "../../graph/graph.ts";
import { SECRET, valueAt } from "../../graph/values.ts";
import { capture } from "../../plan/capture.ts";
import { typeCounts } from "../../plan/plan.ts";
import { clusterDns } from "../cluster/dns.ts";
import { DriftJob } from "./drift-job.ts";

const args = {
  image: `registry.example/drift@sha256:${"a".repeat(64)}`,
  mlflow: { url: "http://mlflow.ml.svc:5000" },
  traces: "gateway",
  schedule: "30 3 * * *",
  labels: { "llmops.io/client": "acme" },
} as const;

describe("DriftJob", () => {
  it("runs nightly in a namespace of its own, reaches DNS and MLflow only, and has no token", async () => {
    const graph = await capture({ stack: "test", program: () => new DriftJob("d", args, {}) });
    expect(Object.fromEntries(typeCounts(graph.nodes.filter(({ custom }) => custom)))).toEqual({
      "kubernetes:batch/v1:CronJob": 1,
      "kubernetes:core/v1:Namespace": 1,
      "kubernetes:networking.k8s.io/v1:NetworkPolicy": 1,
    });
    const [policy] = ofType(graph, "kubernetes:networking.k8s.io/v1:NetworkPolicy");
    expect(valueAt(policy?.inputs ?? {}, "spec.egress")).toEqual([
      clusterDns(),
      {
        to: [{ namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "ml" } } }],
        ports: [{ protocol: "TCP", port: 5000 }],
      },
    ]);
    const [job] = ofType(graph, "kubernetes:batch/v1:CronJob");
    expect(valueAt(job?.inputs ?? {}, "spec")).toMatchObject({
      schedule: "30 3 * * *",
      timeZone: "Etc/UTC",
      concurrencyPolicy: "Forbid",
      jobTemplate: {
        spec: {
          template: {
            spec: {
              automountServiceAccountToken: false,
              restartPolicy: "Never",
              containers: [
                {
                  image: args.image,
                  args: ["--mlflow", "http://mlflow.ml.svc:5000", "--traces", "gateway"],
                  securityContext: { readOnlyRootFilesystem: true, capabilities: { drop: ["ALL"] } },
                },
              ],
            },
          },
        },
      },
    });
  });

  it("logs in where MLflow asks for it, with a password that is nowhere but in a Secret", async () => {
    const account = { user: "admin", password: secret("hunter2") };
    const graph = await capture({
      stack: "test",
      program: () => new DriftJob("d", { ...args, mlflow: { ...args.mlflow, account } }, {}),
    });
    const [kept] = ofType(graph, "kubernetes:core/v1:Secret");
    expect(valueAt(kept?.inputs ?? {}, "stringData")).toEqual(SECRET);
    const [job] = ofType(graph, "kubernetes:batch/v1:CronJob");
    expect(valueAt(job?.inputs ?? {}, "spec.jobTemplate.spec.template.spec.containers.0.envFrom")).toEqual([
      { secretRef: { name: "mlflow-account" } },
    ]);
    expect(JSON.stringify(graph.nodes)).not.toContain("hunter2");
  });

  it("refuses an MLflow outside the cluster, which no policy could let it reach", async () => {
    await expect(
      capture({
        stack: "test",
        program: () => new DriftJob("d", { ...args, mlflow: { url: "https://mlflow.example" } }, {}),
      }),
    ).rejects.toThrow("https://mlflow.example: MLflow must be a Service, <name>.<namespace>.svc");
  });
});
