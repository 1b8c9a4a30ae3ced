import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readStack } from "../../stacks/schema/stack-file.ts";
import { startEngine, type Engine } from "./engine.ts";
import { cloudUrns, planned, STACKS } from "./offline-plan.ts";

let engine: Engine;

beforeAll(async () => {
  engine = await startEngine();
});

afterAll(async () => {
  await engine.close();
});

/** As the README has it. */
const CASES = [
  { name: "acme-staging", target: "**AwsNetwork**" },
  { name: "dev", target: "**GcpNetwork**" },
] as const;

describe.each(CASES)(
  "a private endpoint, from a runner that has no network yet: $name",
  ({ name, target }) => {
    const config = () => readStack(STACKS, name);
    const urns = (): string[] => cloudUrns(planned(name));

    it("the first run makes the network and nothing else", async () => {
      const stack = await engine.stack(name, { config });
      await stack.up({ target: [target] });
      const network = urns().filter((urn) => urn.includes(target.replaceAll("*", "")));
      expect(network.length).toBeGreaterThan(0);
      expect(
        engine
          .operations()
          .map(({ urn }) => urn)
          .sort(),
      ).toEqual(network);
    });

    it("the second makes the rest", async () => {
      const stack = await engine.stack(name, { config });
      await stack.up();
      const made = engine.operations();
      expect(new Set(made.map(({ operation }) => operation))).toEqual(new Set(["create"]));
      expect(made.map(({ urn }) => urn).sort()).toEqual(
        urns().filter((urn) => !urn.includes(target.replaceAll("*", ""))),
      );
    });
  },
);
