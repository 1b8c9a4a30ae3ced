import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { addressRange, networkAt, overlaps } from "../components/network/cidr.ts";
import { allocate, PRIVATE_SPACE } from "./address-space.ts";

const network = fc
  .tuple(fc.integer({ min: 8, max: 30 }), fc.nat({ max: 0xffff_ffff }))
  .map(([prefix, address]) =>
    networkAt(Math.floor(address / 2 ** (32 - prefix)) * 2 ** (32 - prefix), prefix),
  );

describe("networks for a new client", () => {
  it("lie in the space, have the lengths asked for and meet nothing that is taken nor each other", () => {
    fc.assert(
      fc.property(
        fc.array(network, { maxLength: 30 }),
        fc.array(fc.integer({ min: 12, max: 28 }), { minLength: 1, maxLength: 5 }),
        (taken, prefixes) => {
          let given: string[];
          try {
            given = allocate(PRIVATE_SPACE, prefixes, taken);
          } catch (error) {
            // Only where something wide enough is taken may the space be full.
            return error instanceof Error && error.name === "ForkError" && taken.length > 0;
          }
          return (
            given.every((each, index) => Number(each.split("/")[1]) === prefixes[index]) &&
            given.every((each) => {
              const { first, last } = addressRange(each);
              return first >= addressRange(PRIVATE_SPACE).first && last <= addressRange(PRIVATE_SPACE).last;
            }) &&
            given.every((each) => !taken.some((other) => overlaps(each, other))) &&
            given.every((each, index) => !given.slice(0, index).some((other) => overlaps(each, other)))
          );
        },
      ),
      { numRuns: 500 },
    );
  });

  it("are found whenever there is room, checked against every place of a small space", () => {
    const small = "10.0.0.0/24";
    const places = Array.from({ length: 16 }, (_, index) =>
      networkAt(addressRange(small).first + index * 16, 28),
    );
    fc.assert(
      fc.property(fc.subarray(places), (taken) => {
        const isFree = places.find((place) => !taken.includes(place));
        if (isFree !== undefined) return allocate(small, [28], taken)[0] === isFree;
        expect(() => allocate(small, [28], taken)).toThrow("no free /28 is left in 10.0.0.0/24: 16 networks");
        return true;
      }),
    );
  });

  it.each([
    [[16], [], ["10.0.0.0/16"]],
    [[16], ["10.0.0.0/15"], ["10.2.0.0/16"]],
    [[20, 14, 20, 28], ["10.0.128.0/20"], ["10.0.0.0/20", "10.4.0.0/14", "10.0.16.0/20", "10.0.32.0/28"]],
  ])("%j beside %j are %j", (prefixes, taken, expected) => {
    expect(allocate(PRIVATE_SPACE, prefixes, taken)).toEqual(expected);
  });
});
