import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { canonicalJson, NotCanonicalError } from "./canonical-json.ts";

describe("canonicalJson", () => {
  it.each([
    [
      "sorts by UTF-16 code units, not by code points",
      { "\u{1f600}": 1, "\ufb33": 2, a: 3 },
      '{"a":3,"\u{1f600}":1,"\ufb33":2}',
    ],
    [
      "writes numbers as ECMAScript does",
      [1e21, 0.000001, 1e-7, -0, 4.5, 333333333.3333333],
      "[1e+21,0.000001,1e-7,0,4.5,333333333.3333333]",
    ],
    ["escapes control characters with lower-case hex", '\u000f\n\u20ac"\\', '"\\u000f\\n\u20ac\\"\\\\"'],
    ["leaves undefined members out", { b: undefined, a: null }, '{"a":null}'],
    ["sorts nested members", { z: [{ b: 1, a: true }] }, '{"z":[{"a":true,"b":1}]}'],
  ])("%s", (_behaviour, value, text) => {
    expect(canonicalJson(value)).toBe(text);
  });

  it.each([
    ["a lone surrogate", { a: "\ud800" }, "/a"],
    ["a lone surrogate in a key", { "\udc00": 1 }, ""],
    ["NaN", [Number.NaN], "/0"],
    ["infinity", { a: { b: Infinity } }, "/a/b"],
    ["a bigint", { n: 1n }, "/n"],
    ["an undefined item", [undefined], "/0"],
    ["a date", { at: new Date(0) }, "/at"],
  ])("refuses %s and says where", (_what, value, path) => {
    expect(() => canonicalJson(value)).toThrow(NotCanonicalError);
    expect(() => canonicalJson(value)).toThrow(expect.objectContaining({ path }));
  });

  it("is stable under parsing and member order", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const clean: unknown = JSON.parse(JSON.stringify(value));
        const text = canonicalJson(clean);
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(clean)));
        expect(canonicalJson(JSON.parse(text))).toBe(text);
      }),
      { numRuns: 200 },
    );
  });
});
