import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { CostReport } from "../plan/cost.ts";
import { ASSUMED } from "../pricing/price.ts";
import { readStack } from "../stacks/schema/stack-file.ts";
import {
  checkPrices,
  checkRates,
  missingPrices,
  wrongPrices,
  type PriceCheckOptions,
} from "./price-check.ts";

const config = readStack(join(import.meta.dirname, "../stacks"), "acme-prod");
const ZERO = { min: "0", expected: "0", max: "0" };

function report(source: string, asOf: string): CostReport {
  return {
    lines: [],
    use: [
      {
        name: "egress-gib",
        what: "x",
        bound: "declared",
        monthlyUsd: ZERO,
        prices: { "aws/eu-south-2/use/egress-gib": { usdPerUnit: "0.09", source, asOf } },
      },
    ],
    monthlyUsd: ZERO,
    budgetUsd: "1",
    verdict: "within-budget",
    byUse: [],
  };
}

const options: PriceCheckOptions = { asOf: "2026-11-25", maxAgeDays: 100, assumed: "gap" };

describe("checkPrices", () => {
  it.each([
    ["listed", "https://aws.amazon.com", "2026-08-17", options, 100],
    ["stale", "https://aws.amazon.com", "2026-08-16", options, 101],
    ["future", "https://aws.amazon.com", "2026-11-26", options, -1],
    ["assumed", ASSUMED, "2026-11-25", options, 0],
  ] as const)("finds a price %s", (state, source, asOf, how, ageDays) => {
    const [finding] = checkPrices("acme-prod", config, report(source, asOf), how);
    expect(finding).toMatchObject({
      stack: "acme-prod",
      key: "aws/eu-south-2/use/egress-gib",
      state,
      ageDays,
    });
    expect(wrongPrices(finding === undefined ? [] : [finding])).toHaveLength(state === "listed" ? 0 : 1);
  });

  it("accepts assumptions when asked to, but not old ones", () => {
    const accepting = { ...options, assumed: "accepted" as const };
    expect(wrongPrices(checkPrices("s", config, report(ASSUMED, "2026-11-01"), accepting))).toEqual([]);
    expect(wrongPrices(checkPrices("s", config, report(ASSUMED, "2026-01-01"), accepting))).toHaveLength(1);
  });

  it("compares a provider's token prices with the list", () => {
    const model = {
      name: "sonnet",
      model: "claude-sonnet-5-5",
      inputUsdPerMillion: "3",
      outputUsdPerMillion: "10.00",
      source: "contract",
      asOf: "2026-11-01",
    };
    const provider = {
      name: "anthropic",
      kind: "anthropic" as const,
      baseUrl: "https://api.anthropic.com",
      region: "eu",
      dataProcessingAgreement: "DPA-1",
      trainingUse: "excluded" as const,
      monthlyCapUsd: 100,
      credential: { name: "providers", key: "anthropic" },
      models: [model],
    };
    const empty = { ...report("x", "2026-11-01"), use: [] };
    const check = (
      models: readonly (typeof model & { readonly cachedInputUsdPerMillion?: string })[],
    ): unknown =>
      checkPrices("s", { ...config, providers: [{ ...provider, models: [...models] }] }, empty, options);
    expect(check([model])).toMatchObject([{ key: "providers.anthropic.sonnet", state: "differs" }]);
    expect(check([{ ...model, inputUsdPerMillion: "2.0" }])).toMatchObject([
      { state: "listed", message: "" },
    ]);
    // The list says 0.10 for cached input of this model.
    const right = { ...model, inputUsdPerMillion: "2" };
    expect(check([{ ...right, cachedInputUsdPerMillion: "0.1" }])).toMatchObject([{ state: "listed" }]);
    expect(check([{ ...right, cachedInputUsdPerMillion: "0.2" }])).toMatchObject([{ state: "differs" }]);
    expect(check([{ ...model, model: "claude-of-tomorrow" }])).toMatchObject([
      { state: "listed", message: "" },
    ]);
  });

  it("names unknown prices and old exchange rates", () => {
    expect(missingPrices("s", ["aws/x"])).toMatchObject([{ key: "aws/x", state: "missing" }]);
    expect(checkRates({ ...options, asOf: "2026-11-25", maxAgeDays: 120 })[0]).toMatchObject({
      key: "currency EUR",
      state: "listed",
    });
    expect(checkRates({ ...options, asOf: "2027-11-25", maxAgeDays: 120 })[0]).toMatchObject({
      state: "stale",
    });
  });
});
