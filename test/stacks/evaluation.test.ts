import { describe, expect, it } from "vitest";
import { planStack } from "../../plan/stack-plan.ts";
import { blocking } from "../../policies/report.ts";
import { parsePlatform } from "../../stacks/schema/parse.ts";
import type { PlatformConfig } from "../../stacks/schema/platform.ts";
import { configOf, judged } from "../policy/environments.ts";

const EVALUATION = {
  tracking: {
    kind: "mlflow",
    image: `registry.example/mlflow:v3.12.0-full@sha256:${"0".repeat(64)}`,
    database: { uri: { name: "mlflow-database", key: "uri" }, cidr: "10.20.0.0/16" },
  },
};

function withEvaluation(stack: "acme-prod" | "globex-prod"): PlatformConfig {
  const config = configOf(stack);
  const parsed = parsePlatform({ ...config, evaluation: { ...config.evaluation, ...EVALUATION } });
  if (parsed.kind === "invalid") throw new Error(JSON.stringify(parsed.problems));
  return parsed.config;
}

describe.each(["acme-prod", "globex-prod"] as const)("%s with everything of evaluation", (stack) => {
  it("breaks no control, stays within its budget, and pays for one more key and no volume", async () => {
    const config = withEvaluation(stack);
    const planned = await planStack(stack, config);
    expect(blocking(judged({ config, planned }))).toEqual([]);
    expect(planned.cost?.verdict).toBe("within-budget");
    const lines = (planned.cost?.lines ?? []).filter(({ urn }) => /mlflow|evaluation|artifacts/i.test(urn));
    expect(lines.map(({ what }) => what)).toEqual(["encryption key"]);
  });
});
