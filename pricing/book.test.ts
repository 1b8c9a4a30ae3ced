import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { parseBook, PriceBookError } from "./book.ts";
import { catalogOf } from "./catalog.ts";

const folder = mkdtempSync(join(tmpdir(), "llmops-book-"));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const entry = { usd: "0.25", source: "AWS price list", asOf: "2026-11-20" };
const M7I = "aws/eu-south-2/machine/m7i.xlarge/on-demand";
const book = { version: 1, cloud: "aws", region: "eu-south-2", prices: { [M7I]: entry } };

describe("an imported price book", () => {
  it("overrides the tables and fills their gaps, for its own keys only", () => {
    const egress = "aws/eu-south-2/use/egress-gib";
    writeFileSync(
      join(folder, "aws-eu-south-2.json"),
      JSON.stringify({ ...book, prices: { ...book.prices, [egress]: entry } }),
    );
    const { hourly, use, imported } = catalogOf(folder);
    expect(hourly.get(M7I)).toEqual({ usdPerHour: "0.25", source: "AWS price list", asOf: "2026-11-20" });
    expect(use.get(egress)?.usdPerUnit).toBe("0.25");
    expect(hourly.get("aws/eu-south-2/machine/g6e.xlarge/on-demand")?.usdPerHour).toBe("1.961");
    expect([...imported]).toEqual([M7I, egress]);
  });

  it("is optional", () => {
    expect(catalogOf(join(folder, "none")).imported.size).toBe(0);
  });

  it.each([
    ["no JSON", "{", "is not JSON"],
    ["a version of tomorrow", { ...book, version: 2 }, "version: Invalid input"],
    [
      "a negative price",
      { ...book, prices: { [M7I]: { ...entry, usd: "-1" } } },
      `prices["${M7I}"].usd: must be a decimal number`,
    ],
    [
      "a price of nothing",
      { ...book, prices: { [M7I]: { ...entry, usd: "0" } } },
      `prices["${M7I}"]: 0 USD per hour is not above 0`,
    ],
    [
      "an absurd price",
      { ...book, prices: { [M7I]: { ...entry, usd: "2000" } } },
      `prices["${M7I}"]: 2000 USD per hour is absurd`,
    ],
    [
      "an unknown key",
      { ...book, prices: { "aws/eu-south-2/coffee": entry } },
      'prices["aws/eu-south-2/coffee"]: is the key of nothing',
    ],
    [
      "a key of another region",
      { ...book, prices: { "aws/eu-west-1/nat-gateway": entry } },
      'prices["aws/eu-west-1/nat-gateway"] is no price of aws eu-south-2',
    ],
    [
      "a date to come",
      { ...book, prices: { [M7I]: { ...entry, asOf: "2026-11-26" } } },
      `prices["${M7I}"].asOf = 2026-11-26 is in the future`,
    ],
    [
      "no source",
      { ...book, prices: { [M7I]: { usd: "1", asOf: "2026-11-20" } } },
      `prices["${M7I}"].source`,
    ],
    [
      "spot above on-demand",
      { ...book, prices: { [M7I]: entry, [M7I.replace("on-demand", "spot")]: { ...entry, usd: "0.26" } } },
      "usd = 0.26 is above the on-demand price of 0.25",
    ],
  ])("with %s is refused, naming file and key", (_title, content, message) => {
    const text = typeof content === "string" ? content : JSON.stringify(content);
    const parse = (): unknown => parseBook(text, "aws-eu-south-2.json", "2026-11-25");
    expect(parse).toThrow(PriceBookError);
    expect(parse).toThrow(message);
    expect(parse).toThrow("aws-eu-south-2.json: ");
  });
});
