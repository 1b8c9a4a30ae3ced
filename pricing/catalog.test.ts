import { Decimal } from "decimal.js";
import { describe, expect, it } from "vitest";
import { catalog, priceOf } from "./catalog.ts";
import { machineSku } from "./price.ts";

const prices = [...catalog().hourly];

describe("the price tables", () => {
  it("carry a positive decimal, a source and a day in every row", () => {
    const bad = prices.filter(
      ([, { usdPerHour, source, asOf }]) =>
        !/^\d+(\.\d+)?$/.test(usdPerHour) ||
        new Decimal(usdPerHour).lte(0) ||
        !source.startsWith("https://") ||
        !/^\d{4}-\d{2}-\d{2}$/.test(asOf),
    );
    expect(bad).toEqual([]);
  });

  it("never have spot above on-demand, nor spot alone", () => {
    const wrong = prices
      .filter(([sku]) => sku.endsWith("/spot"))
      .filter(([sku, spot]) => {
        const onDemand = priceOf(sku.replace(/spot$/, "on-demand"));
        return onDemand === undefined || new Decimal(spot.usdPerHour).gt(onDemand.usdPerHour);
      });
    expect(wrong).toEqual([]);
  });

  it("know nothing about a machine nobody has looked up", () => {
    expect(priceOf(machineSku("aws", "eu-south-2", "p6-b200.48xlarge", "on-demand"))).toBeUndefined();
  });
});
