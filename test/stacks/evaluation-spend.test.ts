import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readDataSets } from "../../evals/data-sets.ts";
import { configOf } from "../policy/environments.ts";
import { runsInYear, runsPerMonth } from "../../stacks/evaluation-schedule.ts";
import { evaluationSpend, replicaUsdPerHour } from "../../stacks/evaluation-spend.ts";
import { pricedPools } from "../../stacks/gpu-pool-prices.ts";
import { evaluationChecks } from "../../stacks/schema/checks/evaluation.ts";
import type { PlatformConfig } from "../../stacks/schema/platform.ts";
import { readStack } from "../../stacks/schema/stack-file.ts";

const STACKS = join(import.meta.dirname, "..", "..", "stacks");

type Runner = Extract<PlatformConfig["evaluation"]["runner"], { readonly kind: "cluster" }>;

const acme = configOf("acme-prod");

const RUNNER: Runner = {
  kind: "cluster",
  image: `registry.example/llmops-evals:0.1.0@sha256:${"0".repeat(64)}`,
  client: "claims-portal",
  key: { name: "evaluation", key: "gateway" },
  schedule: "0 2 * * *",
  changesPerMonth: 20,
  maxUsd: 50,
  maxMinutes: 60,
  maxTokens: 256,
  online: { kind: "none" },
};

function withRunner(change: Partial<Runner>): PlatformConfig {
  return { ...acme, evaluation: { ...acme.evaluation, runner: { ...RUNNER, ...change } } };
}

function problemsOf(config: PlatformConfig): string[] {
  return evaluationChecks.flatMap(({ run }) => run(config)).map(({ path, reason }) => `${path}: ${reason}`);
}

describe("evaluations of a month", () => {
  it.each([
    ["0 2 * * *", 365],
    ["0 2 * * 1", 52],
    ["0 2 1 * *", 12],
    ["0 */6 * * *", 1460],
    ["* * * * *", 1501],
  ])("by '%s' are %i a year, counted to 1500", (schedule, runs) => {
    expect(runsInYear(schedule, 1_500)).toBe(runs);
  });

  it("are those of the clock, rounded up, and one for each change", () => {
    expect(runsPerMonth({ schedule: "0 2 * * *", changesPerMonth: 20 })).toBe(51);
    expect(runsPerMonth({ schedule: "0 2 1 * *", changesPerMonth: 0 })).toBe(1);
  });
});

describe("what evaluations cost", () => {
  const priceOf = (name: string): number =>
    Number(pricedPools(acme).find(({ pool }) => pool.name === name)?.usdPerHour);

  it("is by the hour of the GPUs of one replica, from the price book", () => {
    // One L40S of a machine with one; four of a machine with four.
    const [assistant, reasoner] = acme.models.map((model) => replicaUsdPerHour(acme, model));
    expect([assistant, reasoner]).toEqual([priceOf("l40s"), priceOf("l40s-x4")]);
    expect(priceOf("l40s")).toBeGreaterThan(0);
  });

  it("is expected as the least of the slowest answers, the time and the money of a run", () => {
    const turns = readDataSets().cases.reduce(
      (sum, { questions, tools }) => sum + questions.length * (tools.length + 1),
      0,
    );
    const slowest = (turns * (20 * priceOf("l40s") + 60 * priceOf("l40s-x4"))) / 3_600;
    const amount = fc.double({ min: 0.01, max: 500, noNaN: true });
    fc.assert(
      fc.property(amount, fc.integer({ min: 5, max: 720 }), (maxUsd, maxMinutes) => {
        const spend = evaluationSpend(withRunner({ maxUsd, maxMinutes }));
        const inTime = (priceOf("l40s-x4") * 2 * maxMinutes) / 60;
        expect(spend?.expectedUsd).toBeCloseTo(Math.min(slowest, inTime, maxUsd), 9);
        expect(spend).toMatchObject({ runsPerMonth: 51, maxUsd });
      }),
      { numRuns: 20 },
    );
  });

  it("is nothing without evaluations, and an error where the price of a pool is unknown", () => {
    expect(evaluationSpend(acme)).toBeUndefined();
    const unpriced = { ...withRunner({}), gpuPools: [] };
    expect(() => evaluationSpend(unpriced)).toThrow(
      "evaluation.runner.maxUsd: the GPUs of pool 'l40s' have no known price",
    );
  });
});

describe("a stack file with evaluations", () => {
  const uncapped: Runner = { ...RUNNER };
  Reflect.deleteProperty(uncapped, "maxUsd");
  it.each<[string, PlatformConfig, string[]]>([
    ["a cap that fits", withRunner({}), []],
    [
      "no cap where GPUs are rented",
      { ...acme, evaluation: { ...acme.evaluation, runner: uncapped } },
      ["evaluation.runner.maxUsd: GPUs are rented by the hour, and nothing bounds what an evaluation costs"],
    ],
    [
      "a cap that passes a tenth of the budget",
      withRunner({ maxUsd: 108 }),
      [
        "evaluation.runner.maxUsd: 51 evaluations a month may cost 5508.00 USD, and a tenth of the budget is 5500.00",
      ],
    ],
    [
      "a clock that fires all the time",
      withRunner({ schedule: "*/5 * * * *" }),
      ["evaluation.runner.schedule: it fires more than 1500 times a year"],
    ],
    [
      "a clock nobody can read",
      withRunner({ schedule: "0 25 * * *" }),
      [expect.stringMatching(/^evaluation\.runner\.schedule: it is no cron expression: /) as string],
    ],
  ])("with %s", (_what, config, problems) => {
    expect(problemsOf(config)).toEqual(problems);
  });

  it("has no cap where nobody knows what a GPU costs", () => {
    const { cloud } = readStack(STACKS, "local");
    expect(problemsOf({ ...withRunner({}), cloud })).toEqual([
      "evaluation.runner.maxUsd: nobody knows what the GPUs of this cluster cost, so nothing could be held to it",
    ]);
    expect(problemsOf({ ...acme, cloud, evaluation: { ...acme.evaluation, runner: uncapped } })).toEqual([]);
  });
});
