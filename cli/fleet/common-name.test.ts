import { describe, expect, it } from "vitest";
import { commonCosts, contradictions } from "./common-name.ts";
import type { Outcome } from "./outcome.ts";

type Planned = Extract<Outcome, { kind: "planned" }>;
type Common = NonNullable<Planned["commonName"]>;

function planned(stack: string, common: Partial<Common> | undefined, max = "100.00"): Planned {
  return {
    kind: "planned",
    stack,
    resources: 1,
    monthlyUsd: { min: "0.00", expected: "1.00", max },
    verdict: "within-budget",
    blocking: [],
    unusable: [],
    wallMs: 1,
    ...(common === undefined
      ? {}
      : {
          commonName: {
            hostname: "llm.acme.example",
            client: "acme",
            region: "eu-south-2",
            regions: ["eu-south-2", "eu-central-1"],
            record: "each-region",
            ...common,
          },
        }),
  };
}

const spain = planned("es", {});
const germany = planned("de", { region: "eu-central-1", regions: ["eu-central-1", "eu-south-2"] });

describe("stacks under one name", () => {
  it.each([
    ["agree", spain, [germany], []],
    ["are alone so far", spain, [], []],
    ["of other names say nothing", spain, [planned("x", { hostname: "x.example", client: "x" })], []],
    [
      "of another client",
      spain,
      [planned("x", { region: "eu-central-1", client: "globex" })],
      ["llm.acme.example is also a name of globex (x)"],
    ],
    [
      "with other regions",
      spain,
      [planned("de", { region: "eu-central-1", regions: ["eu-central-1", "eu-west-1"] })],
      ["de lists other regions for llm.acme.example: eu-central-1, eu-west-1"],
    ],
    ["in the same region", spain, [planned("b", {})], ["b is in eu-south-2 too, under llm.acme.example"]],
    [
      "in two clouds",
      spain,
      [planned("g", { region: "eu-central-1", record: "here" })],
      ["g writes the record of llm.acme.example in another cloud's DNS"],
    ],
    [
      "both writing",
      planned("a", { record: "here" }),
      [planned("b", { region: "eu-central-1", record: "here" })],
      ["the record of llm.acme.example is written by a, b"],
    ],
    [
      "none writing",
      planned("a", { record: "elsewhere" }),
      [planned("b", { region: "eu-central-1", record: "elsewhere" })],
      ["no stack writes the record of llm.acme.example"],
    ],
    [
      "one writing",
      planned("a", { record: "elsewhere" }),
      [planned("b", { region: "eu-central-1", record: "here" })],
      [],
    ],
  ] satisfies [string, Planned, Planned[], string[]][])("%s", (_what, own, others, expected) => {
    expect(contradictions(own, [own, ...others])).toEqual(expected);
  });

  it("cost the sum of their ceilings at worst, and say which region was not planned", () => {
    const eur = { regions: ["eu-south-2", "eu-central-1", "eu-west-1"] };
    expect(
      commonCosts([
        planned("es", eur, "100.50"),
        planned("de", { ...eur, region: "eu-central-1" }, "200.25"),
        planned("other", undefined, "999.00"),
      ]),
    ).toEqual([
      { hostname: "llm.acme.example", stacks: ["es", "de"], absent: ["eu-west-1"], ceilingUsd: "300.75" },
    ]);
  });
});
