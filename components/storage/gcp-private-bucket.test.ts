import * as pulumi from "@pulumi/pulumi";
import { expect, it } from "vitest";
import { storageAgent } from "./gcp-private-bucket.ts";

it("the agent that uses a bucket's key is asked for, which makes it in a fresh project", async () => {
  const calls: unknown[] = [];
  await pulumi.runtime.setMocks(
    {
      newResource: () => ({ id: undefined, state: {} }),
      call: ({ token, inputs }) => {
        calls.push([token, inputs]);
        return {};
      },
    },
    "llmops",
    "test",
    true,
  );
  const agent = storageAgent({ projectId: "globex-llmops-prod", projectNumber: "210987654321" }, {});
  const member = await new Promise((resolve) => agent.apply(resolve));
  expect(member).toBe("serviceAccount:service-210987654321@gs-project-accounts.iam.gserviceaccount.com");
  expect(calls).toEqual([
    ["gcp:storage/getProjectServiceAccount:getProjectServiceAccount", { project: "globex-llmops-prod" }],
  ]);
});
