import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";
import { describe, expect, it } from "vitest";
import type { ResourceGraph } from "../graph/graph.ts";
import { capture } from "./capture.ts";

class Box extends pulumi.ComponentResource {
  constructor(name: string, opts?: pulumi.ComponentResourceOptions, inner?: pulumi.CustomResourceOptions) {
    super("llmops:test:Box", name, {}, opts);
    new random.RandomBytes(`${name}-key`, { length: 32 }, { parent: this, ...inner });
  }
}

async function formerOf(program: () => void): Promise<readonly string[] | undefined> {
  const graph: ResourceGraph = await capture({ stack: "s", program });
  return graph.nodes.find(({ type }) => type === "random:index/randomBytes:RandomBytes")?.formerUrns;
}

const KEY = "random:index/randomBytes:RandomBytes";
const at = (parents: string, name: string): string => `urn:pulumi:s::llmops::${parents}${KEY}::${name}`;

describe("former URNs", () => {
  it("are none without an alias", async () => {
    expect(await formerOf(() => new Box("vault"))).toBeUndefined();
  });

  it("follow the alias of a renamed parent, and the parent's name in its own", async () => {
    expect(await formerOf(() => new Box("vault", { aliases: [{ name: "safe" }] }))).toEqual([
      at("llmops:test:Box$", "safe-key"),
    ]);
  });

  it("follow the alias of a retyped parent", async () => {
    expect(await formerOf(() => new Box("vault", { aliases: [{ type: "llmops:test:Chest" }] }))).toEqual([
      at("llmops:test:Chest$", "vault-key"),
    ]);
  });

  it.each<[string, pulumi.Alias | string, string]>([
    ["another name", { name: "old" }, at("llmops:test:Box$", "old")],
    ["no parent", { parent: pulumi.rootStackResource }, at("", "vault-key")],
    ["a whole URN", at("", "whole"), at("", "whole")],
  ])("follow an own alias: %s", async (_what, alias, expected) => {
    expect(await formerOf(() => new Box("vault", {}, { aliases: [alias] }))).toEqual([expected]);
  });

  it("combine both", async () => {
    expect(
      await formerOf(() => new Box("vault", { aliases: [{ name: "safe" }] }, { aliases: [{ name: "old" }] })),
    ).toEqual([at("llmops:test:Box$", "old"), at("llmops:test:Box$", "safe-key")]);
  });
});
