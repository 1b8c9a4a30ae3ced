import { describe, expect, it } from "vitest";
import { checkConfig, ConfigError } from "../config/load.ts";
import type { GatewayConfigInput } from "../config/schema.ts";
import { configFor } from "../testing/gateway-under-test.ts";
import { piiDetector } from "./pii.ts";

type Rules = NonNullable<NonNullable<GatewayConfigInput["guards"]>["input"]>;

function problemsWith(guards: { readonly input?: Rules; readonly output?: Rules }): readonly string[] {
  try {
    checkConfig({ ...configFor("/nowhere", ["http://127.0.0.1:1"]), guards });
    return [];
  } catch (error) {
    return error instanceof ConfigError ? error.problems : [String(error)];
  }
}

describe("the kinds of a rule", () => {
  it("are those its detector finds", () => {
    expect(
      problemsWith({
        input: [
          { detector: "pii", action: "redact", kinds: [...piiDetector.kinds] },
          { detector: "secrets", action: "block", kinds: ["jwt", "private-key"] },
          { detector: "injection", action: "block", kinds: ["override", "template-token"] },
          { detector: "topics", action: "block", phrases: ["x"], kinds: ["topic"] },
        ],
      }),
    ).toEqual([]);
  });

  it("that no detector finds are refused with those it does", () => {
    const input: Rules = [
      { detector: "injection", action: "block" },
      { detector: "pii", action: "redact", kinds: ["iban", "e-mail"] },
    ];
    const output: Rules = [{ detector: "topics", action: "block", phrases: ["x"], kinds: ["iban"] }];
    expect(problemsWith({ input, output })).toEqual([
      'guards.input[1].kinds: "e-mail" is none of pii: dni, nie, cif, iban, card, phone, email',
      'guards.output[0].kinds: "iban" is none of topics: topic',
    ]);
  });

  it("of personal data are all that the detector finds", () => {
    const text = [
      "12345678Z",
      "X1234567L",
      "A58818501",
      "ES91 2100 0418 4502 0005 1332",
      "4111 1111 1111 1111",
      "+34 612 345 678",
      "ana@example.com",
    ].join(" and ");
    expect(new Set(piiDetector.find(text).map(({ kind }) => kind))).toEqual(new Set(piiDetector.kinds));
  });
});
