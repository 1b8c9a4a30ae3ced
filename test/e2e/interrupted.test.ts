import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { PlatformConfig } from "../../stacks/schema/platform.ts";
import { readStack } from "../../stacks/schema/stack-file.ts";
import { startEngine, type Engine } from "./engine.ts";
import { cloudUrns, planned, STACKS, typeOf } from "./offline-plan.ts";

/** Part of every kubeconfig the program makes; never in clear. */
const KUBECONFIG_MARK = "client.authentication.k8s.io";

const CASES = [
  { name: "acme-staging", cluster: "aws:eks/cluster:Cluster" },
  { name: "dev", cluster: "gcp:container/cluster:Cluster" },
] as const;

let engine: Engine;

beforeAll(async () => {
  engine = await startEngine();
});

afterAll(async () => {
  await engine.close();
});

function pendingOperations(stack: string): string[] {
  return (engine.state(stack).pending_operations ?? []).map(
    ({ type, resource }) => `${type} ${typeOf(resource.urn)}`,
  );
}

describe.each(CASES)("an engine that is killed in the middle of an update: $name", ({ name, cluster }) => {
  const config = (): PlatformConfig => readStack(STACKS, name);
  const output: string[] = [];
  const onOutput = (text: string): void => {
    output.push(text);
  };
  let before: string[] = [];

  it("previews the creation of everything in the offline plan and creates nothing", async () => {
    const stack = await engine.stack(name, { config });
    const { changeSummary } = await stack.preview({ diff: true, onOutput });
    expect(changeSummary).toEqual({ create: planned(name).nodes.length });
    expect(engine.operations()).toEqual([]);
  });

  it("leaves a lock and the one creation whose end nobody saw", async () => {
    const stack = await engine.stack(name, { config });
    engine.hangCreateOf(cluster);
    const run = expect(stack.up({ diff: true, onOutput })).rejects.toThrow();
    await engine.killWhenHanging();
    await run;
    engine.hangCreateOf(undefined);
    before = engine.operations().map(({ urn }) => urn);
    expect(before.map(typeOf)).not.toContain(cluster);
    expect(pendingOperations(name)).toEqual([`creating ${cluster}`]);
    await expect(stack.up()).rejects.toThrow("the stack is currently locked by 1 lock(s)");
    expect(engine.operations()).toEqual([]);
  });

  it("creates the rest, and nothing twice, once the lock is lifted", async () => {
    const stack = await engine.stack(name, { config });
    await stack.cancel();
    await stack.up({ diff: true, onOutput });
    const operations = engine.operations();
    expect(new Set(operations.map(({ operation }) => operation))).toEqual(new Set(["create"]));
    expect([...before, ...operations.map(({ urn }) => urn)].sort()).toEqual(cloudUrns(planned(name)));
  });

  it("is whole again: no operation is pending and another run changes nothing", async () => {
    const stack = await engine.stack(name, { config });
    await stack.refresh({ clearPendingCreates: true, onOutput });
    expect(pendingOperations(name)).toEqual([]);
    const { summary } = await stack.up({ diff: true, onOutput });
    expect(Object.keys(summary.resourceChanges ?? {})).toEqual(["same"]);
    expect(engine.operations()).toEqual([]);
  });

  it("shows the kubeconfig neither in its output nor in any file of the backend", () => {
    expect(output.length).toBeGreaterThan(0);
    expect(output.join("")).not.toContain(KUBECONFIG_MARK);
    expect(engine.backendText()).toContain('"ciphertext"');
    expect(engine.backendText()).not.toContain(KUBECONFIG_MARK);
  });
});
