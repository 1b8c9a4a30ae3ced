import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { OPENAI_EU } from "../../testing/providers.ts";
import type { PlatformConfig } from "../platform.ts";
import { readStack } from "../stack-file.ts";
import { gatewayChecks } from "./gateway.ts";

const acme = readStack(join(import.meta.dirname, "..", ".."), "acme-prod");
const [client] = acme.gateway.clients as [PlatformConfig["gateway"]["clients"][number]];

const provider: PlatformConfig["providers"][number] = {
  ...OPENAI_EU,
  models: OPENAI_EU.models.map((model) => ({ ...model, name: "claims-assistant" })),
};

function problems(change: Partial<PlatformConfig>): [string, string][] {
  const config = { ...acme, ...change };
  return gatewayChecks.flatMap(({ run }) => run(config)).map(({ path, reason }) => [path, reason]);
}

describe("the gateway's checks", () => {
  it("find nothing in a shipped stack", () => {
    expect(problems({})).toEqual([]);
  });

  it.each<[string, Partial<PlatformConfig>, [string, string][]]>([
    [
      "a model name that is taken",
      { providers: [provider] },
      [["providers[0].models[0].name", "the model name 'claims-assistant' is used twice"]],
    ],
    [
      "a client id that is taken",
      { gateway: { ...acme.gateway, clients: [client, client] } },
      [["gateway.clients[1].id", "the id 'claims-portal' is used twice"]],
    ],
    [
      "a copy of a store without a lock",
      { audit: { ...acme.audit, objectLock: "none", replica: { bucketArn: "a", keyArn: "k" } } },
      [["audit.replica", "only a locked store on AWS is copied"]],
    ],
    [
      "kept content that no erasure would reach everywhere",
      {
        audit: { ...acme.audit, content: "encrypted" },
        cloud: {
          provider: "existing",
          region: "eu",
          kubeconfigPath: "k",
          clusterName: "c",
          gpuSoftware: "managed",
        },
      },
      [
        [
          "audit.content",
          "on an existing cluster each replica keeps keys on its own volume, so an erasure would reach one of them only",
        ],
      ],
    ],
  ])("refuse %s", (_what, change, expected) => {
    expect(problems(change)).toEqual(expected);
  });
});
