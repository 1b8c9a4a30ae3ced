import { describe, expect, it } from "vitest";
import { ofType } from "../../graph/graph.ts";
import { isRecord, valueAt } from "../../graph/values.ts";
import { capture } from "../../plan/capture.ts";
import { platformProgram } from "../../stacks/program.ts";
import type { PlatformConfig } from "../../stacks/schema/platform.ts";
import { bucketsOf, storageOf } from "../../stacks/schema/telemetry-storage.ts";
import { configOf } from "../policy/environments.ts";

describe("where traces and logs are kept", () => {
  it.each([
    ["prod", "aws", undefined, "bucket"],
    ["prod", "gcp", undefined, "bucket"],
    ["prod", "existing", undefined, "volume"],
    ["staging", "aws", undefined, "volume"],
    ["dev", "gcp", "bucket", "bucket"],
    ["prod", "aws", "volume", "volume"],
  ] as const)("%s on %s, asked for %s: %s", (environment, provider, storage, kept) => {
    const cloud = { ...configOf("acme-prod").cloud, provider } as Parameters<typeof storageOf>[0]["cloud"];
    expect(storageOf({ environment, cloud }, { storage })).toBe(kept);
  });

  it("is one bucket for each store that has records, which ends a day after the store", async () => {
    const config = configOf("acme-prod");
    expect(bucketsOf(config)).toEqual(["traces", "logs"]);
    const graph = await capture({ stack: "acme-prod", program: () => platformProgram(config) });
    const ends = ofType(graph, "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration")
      .filter(({ name }) => /-(traces|logs)-store-/.test(name))
      .map(({ name, inputs }) => [name, valueAt(inputs, "rules.0.expiration.days")]);
    expect(ends).toEqual([
      ["acme-prod-logs-store-lifecycle", 15],
      ["acme-prod-traces-store-lifecycle", 8],
    ]);
    const roles = ofType(graph, "aws:eks/podIdentityAssociation:PodIdentityAssociation")
      .filter(({ name }) => /-(traces|logs)-store-/.test(name))
      .map(({ inputs }) => [inputs["namespace"], inputs["serviceAccount"]]);
    expect(roles).toEqual([
      ["telemetry", "loki"],
      ["telemetry", "tempo"],
    ]);
    const [policy] = ofType(graph, "aws:iam/rolePolicy:RolePolicy")
      .filter(({ name }) => name.startsWith("acme-prod-traces-store"))
      .map(({ inputs: { policy: text } }) =>
        typeof text === "string" ? (JSON.parse(text) as object) : text,
      );
    expect(policy).toEqual({
      Version: "2012-10-17",
      Statement: [
        {
          Effect: "Allow",
          Action: ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"],
          Resource: "arn:aws:s3:::acme-prod-traces-111122223333/*",
        },
        {
          Effect: "Allow",
          Action: ["s3:ListBucket"],
          Resource: "arn:aws:s3:::acme-prod-traces-111122223333",
        },
        {
          Effect: "Allow",
          Action: ["kms:GenerateDataKey", "kms:Decrypt"],
          Resource: "arn:aws:kms:eu-south-2:111122223333:key/*",
          Condition: { "ForAnyValue:StringEquals": { "kms:ResourceAliases": "alias/acme-prod-traces" } },
        },
      ],
    });
  });
});

describe("spans of engines", () => {
  it("go to the collectors from the engines' own pods, only where they are asked for", async () => {
    const config = configOf("acme-prod");
    const { telemetry } = config.observability;
    if (telemetry.kind === "off") throw new Error("acme-prod has no collectors");
    const traced = {
      ...config,
      observability: { ...config.observability, telemetry: { ...telemetry, engineSpans: "on" as const } },
    };
    const waysOut = async (of: PlatformConfig): Promise<unknown[]> => {
      const graph = await capture({ stack: "acme-prod", program: () => platformProgram(of) });
      const tenant = ofType(graph, "kubernetes:core/v1:Namespace").find(
        ({ name }) => name === "acme-prod-tenant-claims-namespace",
      );
      const policies = ofType(graph, "kubernetes:networking.k8s.io/v1:NetworkPolicy").filter(({ inputs }) =>
        JSON.stringify(inputs).includes('"port":4317'),
      );
      const labels = valueAt(tenant?.inputs ?? {}, "metadata.labels");
      return [
        isRecord(labels) ? labels["llmops.io/telemetry-sender"] : "no labels",
        policies.map(({ name }) => name),
      ];
    };
    expect(await waysOut(config)).toEqual([undefined, ["acme-prod-telemetry-senders"]]);
    expect(await waysOut(traced)).toEqual([
      "true",
      [
        "acme-prod-model-claims-assistant-network",
        "acme-prod-model-claims-reasoner-network",
        "acme-prod-telemetry-senders",
      ],
    ]);
  });
});
