import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parseStackText } from "../../stacks/schema/stack-file.ts";
import type { PlatformConfig } from "../../stacks/schema/platform.ts";
import type { ForkAnswers } from "../answers.ts";
import { StackDocument } from "../stack-document.ts";
import { generateStack, type GeneratedStack, type Template } from "./stack-file.ts";

const STACKS = join(import.meta.dirname, "..", "..", "stacks");

const COMMON = {
  client: "initech",
  displayName: "Initech",
  environment: "prod",
  owner: "ai@initech.example",
  registry: "registry.initech.example",
  monthlyBudget: 55000,
  retentionDays: 400,
  accelerators: {},
} as const;

const AWS: ForkAnswers = {
  ...COMMON,
  cloud: "aws",
  accountId: "999988887777",
  region: "eu-south-2",
  zones: ["eu-south-2a", "eu-south-2b", "eu-south-2c"],
  network: "10.0.0.0/16",
};

/** A shipped stack with further keys of its client. */
async function template(
  stack: string,
  ...sets: readonly [(string | number)[], unknown][]
): Promise<Template> {
  const file = `stacks/Pulumi.${stack}.yaml`;
  const document = new StackDocument(readFileSync(join(STACKS, `Pulumi.${stack}.yaml`), "utf8"), file);
  for (const [keys, value] of sets) document.set(keys, value);
  const text = await document.render();
  return { stack, file, text, config: parseStackText(text, file) };
}

async function forked(
  from: Template,
  answers: ForkAnswers,
): Promise<GeneratedStack & { readonly config: PlatformConfig }> {
  const made = await generateStack(from, answers, "template");
  return { ...made, config: parseStackText(made.text, "fork") };
}

const PROVIDER = {
  name: "openai",
  kind: "openai",
  baseUrl: "https://eu.api.openai.com/v1",
  region: "eu",
  dataProcessingAgreement: "DPA-ACME-1",
  monthlyCapUsd: 100,
  credential: { name: "openai", key: "key" },
  models: [
    {
      name: "gpt",
      model: "gpt-5",
      inputUsdPerMillion: "1",
      outputUsdPerMillion: "2",
      source: "list",
      asOf: "2026-11-24",
    },
  ],
};

const THEIRS: readonly [(string | number)[], unknown][] = [
  [["providers"], [PROVIDER]],
  [
    ["gateway", "clients", 0, "models"],
    ["claims-assistant", "claims-reasoner", "gpt"],
  ],
  [["gateway", "clients", 0, "keys"], []],
  [["gateway", "clients", 0, "subjects"], ["portal"]],
  [
    ["gateway", "tokens"],
    { issuer: "https://id.acme.example", audience: "llm", keysUrl: "https://id.acme.example/jwks" },
  ],
  [["gateway", "admins", 0, "key"], "b".repeat(64)],
  [
    ["audit", "replica"],
    {
      bucketArn: "arn:aws:s3:::acme-copy",
      keyArn: "arn:aws:kms:eu-south-2:111122223333:key/00000000-0000-0000-0000-000000000000",
    },
  ],
  [
    ["observability", "telemetry", "platforms"],
    [{ kind: "mlflow", url: "https://mlflow.acme.example", experimentId: "1" }],
  ],
  [
    ["observability", "metrics"],
    {
      kind: "remote-write",
      url: "https://metrics.acme.example/write",
      authorization: { kind: "bearer", token: { name: "metrics", key: "token" } },
    },
  ],
  [["observability", "pipeline"], "monitoring/acme.yaml"],
  [["alerting", "receivers", 1], { kind: "webhook", url: "https://hooks.acme.example/x" }],
  [["cloud", "cluster", "endpoint"], { access: "public", allowedCidrs: ["203.0.113.0/24"] }],
];

describe("a fork's stack file", () => {
  it("asks for a machine only as its cloud sells it", async () => {
    const from = await template("globex-prod", [
      ["gpuPools", 0, "capacity"],
      ["on-demand", "spot"],
    ]);
    const { config } = await forked(from, {
      ...COMMON,
      cloud: "gcp",
      projectId: "initech-llmops",
      projectNumber: "123456789012",
      region: "europe-west4",
      zones: ["europe-west4-b", "europe-west4-c"],
      network: {
        cidr: "10.0.0.0/20",
        podsCidr: "10.4.0.0/14",
        servicesCidr: "10.1.0.0/20",
        controlPlaneCidr: "10.2.0.0/28",
      },
      accelerators: { l4: "H100" },
    });
    expect(config.gpuPools[0]).toMatchObject({ accelerator: "H100", capacity: ["spot"] });
    expect(config.cloud).toMatchObject({
      cluster: { endpoint: { access: "private", allowedCidrs: ["10.0.0.0/20"] } },
    });
  });

  it("has nothing that is the template's client's, and lists each thing it left out", async () => {
    const { text, config, decisions, pipeline } = await forked(await template("acme-prod", ...THEIRS), AWS);
    expect(config.providers).toEqual([]);
    expect(config.gateway.clients[0]?.models).toEqual(["claims-assistant", "claims-reasoner"]);
    expect(config.gateway.clients[0]).toMatchObject({ keys: ["0".repeat(64)], subjects: [] });
    expect(config.gateway.tokens).toBeUndefined();
    expect(config.gateway.admins.map(({ key }) => key)).toEqual(
      [1, 2, 3].map((digit) => `${"0".repeat(63)}${digit}`),
    );
    expect(config.audit.replica).toBeUndefined();
    expect(config.gateway.entry).toEqual({ kind: "none" });
    expect(config.budget.usage.balancerGiB).toBeUndefined();
    expect(config.observability.metrics).toEqual({ kind: "local" });
    expect(config.observability.telemetry).toMatchObject({ platforms: [] });
    expect(config.alerting.receivers.map(({ kind }) => kind)).toEqual(["pagerduty"]);
    expect(config.cloud).toMatchObject({
      cluster: { endpoint: { access: "private", allowedCidrs: [AWS.network] } },
    });
    expect(config.attestations).toEqual([]);
    expect(pipeline).toEqual({ from: "monitoring/acme.yaml", to: "monitoring/initech.yaml" });
    expect(text).not.toMatch(/acme\.example|111122223333|DPA-ACME|203\.0\.113/);
    const keys = decisions.map(({ key }) => key);
    for (const key of [
      "providers[openai]",
      "audit.replica",
      "gateway.entry",
      "observability.telemetry.platforms[mlflow]",
      "observability.metrics",
      "observability.pipeline",
      "alerting.receivers[webhook]",
      "cloud.cluster.endpoint",
      "attestations[AIA-GOV-04 dpia]",
    ])
      expect(keys).toContain(key);
  });

  it.each([
    ["monitoring/acme-prod.yaml", "initech", "monitoring/initech-prod.yaml"],
    ["monitoring/claims.yaml", "initech", "monitoring/initech-claims.yaml"],
    ["pacme.yaml", "initech", "initech-pacme.yaml"],
    ["monitoring/llm-pipeline.yaml", "initech", undefined],
    ["monitoring/acme.yaml", "acme", undefined],
  ])("reads a pipeline file of its own where %s is somebody else's than %s", async (path, client, own) => {
    const from = await template("acme-prod", [["observability", "pipeline"], path]);
    const made = await generateStack(from, { ...AWS, client });
    expect(made.pipeline?.to).toBe(own);
    expect(new StackDocument(made.text, "fork").value(["observability", "pipeline"])).toBe(own ?? path);
  });

  it("removes a caller who could only reach a provider that was left out", async () => {
    const only = await template("acme-prod", ...THEIRS.slice(0, 1), [
      ["gateway", "clients", 1],
      {
        id: "writers",
        tenant: "claims",
        models: ["gpt"],
        keys: ["c".repeat(64)],
      },
    ]);
    expect((await forked(only, AWS)).config.gateway.clients.map(({ id }) => id)).toEqual(["claims-portal"]);
  });

  it("lists addresses and lines it cannot judge", async () => {
    const odd = await template("acme-prod", [
      ["riskClass", "intendedPurpose"],
      "Helps people at ACME with their claims.",
    ]);
    const { decisions } = await forked(odd, AWS);
    expect(
      decisions.filter(({ what }) => what.includes("still mentions acme")).map(({ what }) => what),
    ).toEqual(["still mentions acme: intendedPurpose: Helps people at ACME with their claims."]);
  });

  it("takes prices of its own region only", async () => {
    const moved = {
      ...AWS,
      region: "eu-central-1",
      zones: ["eu-central-1a", "eu-central-1b", "eu-central-1c"],
    };
    const { config, decisions } = await forked(await template("acme-prod"), moved);
    expect(config.budget.onUnknownPrice).toEqual({ kind: "error" });
    expect(decisions.map(({ key }) => key)).toEqual(
      expect.arrayContaining(["cloud.zones", "budget.onUnknownPrice"]),
    );
    const { config: same } = await forked(await template("acme-prod"), AWS);
    expect(same.budget.onUnknownPrice.kind).toBe("assume");
  });

  it("keeps machines at least as large on another cloud, and drops what it does not offer", async () => {
    const { config } = await forked(await template("globex-prod"), {
      ...AWS,
      region: "eu-central-1",
      zones: ["eu-central-1a", "eu-central-1b", "eu-central-1c"],
    });
    expect(config.gpuPools).toMatchObject([
      { name: "l4", instanceType: "g6.2xlarge", provisioner: "karpenter", capacity: ["on-demand", "spot"] },
    ]);
    expect(config.cloud).toMatchObject({ cluster: { systemNodes: { instanceType: "m7i.xlarge" } } });
  });

  it("makes the same text again, and in the repository's layout", async () => {
    const from = await template("acme-prod");
    expect((await generateStack(from, AWS)).text).toBe((await generateStack(from, AWS)).text);
    expect((await template("acme-prod")).text).toBe(
      readFileSync(join(STACKS, "Pulumi.acme-prod.yaml"), "utf8"),
    );
  });
});
