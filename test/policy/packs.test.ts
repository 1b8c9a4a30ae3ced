import { beforeAll, describe, expect, it } from "vitest";
import { UNKNOWN } from "../../graph/values.ts";
import { analyze, configOf, PackError, type ConfiguredLevel } from "../../policies/pack/analyzer.ts";
import { PACKS, policyName } from "../../policies/pack/packs.ts";
import { withAllocationTags } from "../../policies/pack/remediation.ts";
import { CATALOGUE } from "../../policies/catalogue.ts";
import { both, set, without, type Change } from "./changes.ts";
import { NOW, planAll, type Environment, type Planned } from "./environments.ts";

const EKS = "aws:eks/cluster:Cluster";
const LOCK = "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration";
let plans: ReadonlyMap<Environment, Planned>;

beforeAll(async () => {
  plans = await planAll(["acme-prod"]);
});

function analysed(
  name: (typeof PACKS)[number]["name"],
  change: Change,
  levels: Readonly<Record<string, ConfiguredLevel>> = {},
): ReturnType<typeof analyze> {
  const [pack, planned] = [PACKS.find((each) => each.name === name), plans.get("acme-prod")];
  if (pack === undefined || planned === undefined) throw new Error("not planned");
  const { config } = planned;
  return analyze(pack, change(planned.planned.plan.graph), config, NOW, new Map(Object.entries(levels)));
}

const openApi = set(EKS, "", "vpcConfig.endpointPublicAccess", true);

describe("the policy packs", () => {
  it("hold every control exactly once", () => {
    const ids = PACKS.flatMap(({ controls }) => controls.map(({ id }) => id));
    expect(ids.sort()).toEqual(CATALOGUE.map(({ id }) => id).sort());
  });

  it("tell the engine where, what, and what to do", () => {
    const { diagnostics } = analysed("llmops-ai-act", openApi);
    expect(diagnostics).toHaveLength(1);
    expect(diagnostics[0]).toMatchObject({ policy: "aia-sec-01", level: "mandatory" });
    expect(diagnostics[0]?.urn).toMatch(/aws:eks\/cluster:Cluster::acme-prod-cluster-cluster$/);
    expect(diagnostics[0]?.message).toContain("Set endpoint.access: private, or name your networks.");
  });

  it("put what is absent on the stack", () => {
    const { diagnostics } = analysed("llmops-ai-act", without("llmops:audit:AwsDocumentVault"));
    expect(diagnostics.map(({ policy, urn }) => [policy, urn.split("::").at(-1)])).toEqual([
      ["aia-doc-01", "llmops-acme-prod"],
    ]);
  });

  it("let an unknown value stop a deployment", () => {
    const { diagnostics } = analysed("llmops-ai-act", set(EKS, "", "enabledClusterLogTypes", UNKNOWN));
    expect(diagnostics.map(({ policy, level }) => [policy, level])).toEqual([["aia-log-12", "mandatory"]]);
  });

  it("take levels from the configuration of the pack", () => {
    const levels = (level: ConfiguredLevel): unknown =>
      analysed("llmops-ai-act", openApi, { "aia-sec-01": level }).diagnostics.map((each) => each.level);
    expect([levels("advisory"), levels("mandatory"), levels("disabled")]).toEqual([
      ["advisory"],
      ["mandatory"],
      [],
    ]);
  });

  it("keep controls that are never exempt in high-risk production at their level", () => {
    const change = set(LOCK, "audit-lock", "rule.defaultRetention.mode", "GOVERNANCE");
    for (const level of ["advisory", "disabled"] as const)
      expect(
        analysed("llmops-ai-act", change, { "aia-log-02": level }).diagnostics.map((each) => each.level),
      ).toEqual(["mandatory"]);
  });

  it("say why a control does not apply", () => {
    const { notApplicable } = analysed("llmops-cost", (graph) => graph);
    expect(notApplicable).toEqual([
      { policy: policyName("COST-10"), reason: "the stack uses no external model" },
    ]);
  });

  it("judge the cost of what the engine sends, not of what was planned", () => {
    const more = both(
      set("kubernetes:karpenter.sh/v1:NodePool", "l40s-x4-pool", "spec.limits", { "nvidia.com/gpu": 400 }),
    );
    expect(analysed("llmops-cost", more).diagnostics.map(({ policy }) => policy)).toEqual(["cost-02"]);
  });
});

describe("the stack's configuration in a pack", () => {
  it.each([
    ["missing", new Map<string, string>(), "has no configuration 'llmops:platform'"],
    ["no JSON", new Map([["llmops:platform", "client: acme"]]), "is not an object"],
    ["invalid", new Map([["llmops:platform", '{"client": "ACME"}']]), "client = "],
  ])("that is %s stops everything", (_what, values, message) => {
    expect(() => configOf(values, "acme-prod")).toThrow(PackError);
    expect(() => configOf(values, "acme-prod")).toThrow(message);
  });
});

describe("the remediation of missing tags", () => {
  const allocation = { client: "acme", environment: "prod", costOwner: "finance@acme.example" };
  const whole = {
    "llmops:client": "acme",
    "llmops:environment": "prod",
    "llmops:cost-owner": "finance@acme.example",
  };

  it("adds what is missing and keeps what is there", () => {
    const inputs = { name: "x", tags: { team: "a", "llmops:client": "other" } };
    expect(withAllocationTags("aws:sqs/queue:Queue", inputs, allocation)).toEqual({
      name: "x",
      tags: { ...whole, team: "a", "llmops:client": "other" },
    });
    expect(withAllocationTags("aws:sqs/queue:Queue", {}, allocation)).toEqual({ tags: whole });
  });

  it.each([
    ["nothing is missing", "aws:sqs/queue:Queue", { tags: whole }],
    ["nobody knows the tags", "aws:sqs/queue:Queue", { tags: UNKNOWN }],
    ["the type has no tags", "aws:s3/bucketPolicy:BucketPolicy", {}],
  ])("changes nothing when %s", (_what, type, inputs) => {
    expect(withAllocationTags(type, inputs, allocation)).toBeUndefined();
  });
});
