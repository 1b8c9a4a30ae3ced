import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { PlatformConfig } from "../../stacks/schema/platform.ts";
import { readStack } from "../../stacks/schema/stack-file.ts";
import { startEngine, type Engine } from "./engine.ts";
import { cloudUrns, planned, STACKS, typeOf } from "./offline-plan.ts";

let engine: Engine;

beforeAll(async () => {
  engine = await startEngine();
});

afterAll(async () => {
  await engine.close();
});

/** What the engine creates first inside each cluster. */
const CASES = [
  { name: "acme-staging", network: "AwsNetwork", inside: "kubernetes:storage.k8s.io/v1:StorageClass" },
  { name: "dev", network: "GcpNetwork", inside: "kubernetes:core/v1:Namespace" },
] as const;

describe.each(CASES)(
  "a first run that does not reach the Kubernetes API: $name",
  ({ name, network, inside }) => {
    const config = (): PlatformConfig => readStack(STACKS, name);
    const first: string[] = [];

    it("makes the network and the cluster before it fails", async () => {
      engine.failCreateOf(inside);
      const stack = await engine.stack(name, { config });
      await expect(stack.up()).rejects.toThrow("fails on purpose");
      engine.failCreateOf(undefined);
      first.push(...engine.operations().map(({ urn }) => urn));
      const all = cloudUrns(planned(name));
      expect(first).toEqual(expect.arrayContaining(all.filter((urn) => urn.includes(network))));
      expect(first.map(typeOf)).toContain(
        name === "dev" ? "gcp:container/cluster:Cluster" : "aws:eks/cluster:Cluster",
      );
    });

    it("is finished by a run that does, which makes nothing twice", async () => {
      const stack = await engine.stack(name, { config });
      await stack.up();
      const rest = engine.operations();
      expect(new Set(rest.map(({ operation }) => operation))).toEqual(new Set(["create"]));
      expect([...first, ...rest.map(({ urn }) => urn)].sort()).toEqual(cloudUrns(planned(name)));
    });
  },
);
