import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { ofType } from "../../graph/graph.ts";
import { sharedPlan } from "../../plan/testing/shared-plan.ts";
import { configOf } from "../policy/environments.ts";

/** API that resources of each module of the provider are made through. */
const APIS: Readonly<Record<string, string>> = {
  billing: "billingbudgets",
  certificatemanager: "certificatemanager",
  compute: "compute",
  container: "container",
  dns: "dns",
  kms: "cloudkms",
  monitoring: "monitoring",
  projects: "cloudresourcemanager",
  pubsub: "pubsub",
  serviceaccount: "iam",
  storage: "storage",
};

it.each(["dev", "globex-prod"] as const)("the README enables every API that %s uses", async (stack) => {
  const readme = readFileSync(join(import.meta.dirname, "..", "..", "README.md"), "utf8");
  const { graph } = (await sharedPlan(stack, configOf(stack))).plan;
  const modules = new Set(
    graph.nodes.flatMap(({ type }) =>
      type.startsWith("gcp:") ? [/^gcp:([^/]+)/.exec(type)?.[1] ?? type] : [],
    ),
  );
  expect(modules.size).toBeGreaterThan(5);
  const missing = [...modules].filter((name) => {
    const api = APIS[name];
    return api === undefined || !readme.includes(`${api}.googleapis.com`);
  });
  expect(missing).toEqual([]);
});

it("calls count for the environment's project, without which the API of budgets refuses a person's", async () => {
  const { graph } = (await sharedPlan("globex-prod", configOf("globex-prod"))).plan;
  const [provider, ...others] = ofType(graph, "pulumi:providers:gcp");
  expect(others).toEqual([]);
  expect(provider?.inputs).toEqual({
    project: "globex-llmops-prod",
    region: "europe-west4",
    billingProject: "globex-llmops-prod",
    userProjectOverride: "true",
  });
});
