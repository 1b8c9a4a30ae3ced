import { describe, expect, it } from "vitest";
import type { GraphValue } from "../graph/values.ts";
import { identityOf, lossesOf, type Stateful } from "./identity.ts";

interface Fields {
  readonly type?: string;
  readonly parents?: string;
  readonly formerUrns?: readonly string[];
  readonly inputs?: Readonly<Record<string, GraphValue>>;
  readonly kept?: boolean;
}

const BUCKET = "aws:s3/bucket:Bucket";

function urnOf(
  name: string,
  { type = BUCKET, parents = "llmops:audit:AwsAuditStore$" }: Fields = {},
): string {
  return `urn:pulumi:acme-prod::llmops::${parents}${type}::${name}`;
}

function resource(name: string, fields: Fields = {}): Stateful {
  const { type = BUCKET, formerUrns, inputs = {}, kept = false } = fields;
  const identity = identityOf({ type, formerUrns, inputs, options: { protect: kept, retainOnDelete: kept } });
  if (identity === undefined) throw new Error(`${type} holds nothing`);
  return { urn: urnOf(name, fields), type, name, identity };
}

const audit = resource("audit", { inputs: { bucket: "acme-audit" } });

describe("what a change would lose", () => {
  it.each<[string, readonly Stateful[], readonly Stateful[], readonly string[]]>([
    ["nothing", [audit], [audit], []],
    ["something more", [audit], [audit, resource("more")], []],
    ["a bucket that is renamed", [audit], [resource("log")], ["renamed audit"]],
    ["a bucket that moves", [audit], [resource("audit", { parents: "llmops:x:Y$" })], ["moved audit"]],
    [
      "a bucket of another type",
      [audit],
      [resource("audit", { type: "aws:s3/bucketV2:BucketV2" })],
      ["retyped audit"],
    ],
    [
      "a bucket that is renamed with an alias",
      [audit],
      [resource("log", { formerUrns: [audit.urn], inputs: { bucket: "acme-audit" } })],
      [],
    ],
    [
      "an alias of something else",
      [audit],
      [resource("log", { formerUrns: [urnOf("other")] })],
      ["renamed audit"],
    ],
    [
      "an alias that hides another name in the cloud",
      [audit],
      [resource("log", { formerUrns: [audit.urn], inputs: { bucket: "acme-log" } })],
      ["replaced audit"],
    ],
    ["a bucket that goes", [audit], [], ["deleted audit"]],
    [
      "a bucket that goes while a key comes",
      [audit],
      [resource("key", { type: "aws:kms/key:Key" })],
      ["deleted audit"],
    ],
    [
      "two buckets of which one is renamed with an alias, and one without",
      [audit, resource("documents")],
      [resource("log", { formerUrns: [audit.urn], inputs: { bucket: "acme-audit" } }), resource("vault")],
      ["renamed documents"],
    ],
    ...(
      [
        ["aws:eks/cluster:Cluster", "version", "1.34", "1.35", "stays"],
        ["aws:eks/cluster:Cluster", "name", "a", "b", "replaced"],
        ["gcp:kms/cryptoKey:CryptoKey", "purpose", "ENCRYPT_DECRYPT", "MAC", "replaced"],
        ["gcp:storage/bucket:Bucket", "location", "EUROPE-WEST4", "US", "replaced"],
        ["gcp:container/cluster:Cluster", "releaseChannel", "REGULAR", "STABLE", "stays"],
        [
          "kubernetes:apps/v1:StatefulSet",
          "spec",
          { volumeClaimTemplates: [] },
          { volumeClaimTemplates: [{}] },
          "replaced",
        ],
      ] as const
    ).map(([type, path, before, after, kind]): [string, Stateful[], Stateful[], string[]] => [
      `${type} with another ${path}`,
      [resource("r", { type, inputs: { [path]: before } })],
      [resource("r", { type, inputs: { [path]: after } })],
      kind === "stays" ? [] : [`${kind} r`],
    ]),
  ])("%s", (_what, before, after, expected) => {
    expect(lossesOf(before, after).map(({ kind, urn }) => `${kind} ${urn.split("::").at(-1) ?? ""}`)).toEqual(
      expected,
    );
  });

  it("names the alias that saves it", () => {
    expect(lossesOf([audit], [resource("log")])[0]?.fix).toBe(
      `give the new one the option aliases: ["${audit.urn}"]`,
    );
  });

  it("says that the engine holds on to what is kept", () => {
    expect(lossesOf([resource("audit", { kept: true })], [])[0]?.what).toBe(
      "the bucket is gone; the engine refuses to delete it or only forgets it",
    );
  });
});
