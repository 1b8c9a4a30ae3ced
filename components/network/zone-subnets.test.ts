import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { addressRange, overlaps } from "./cidr.ts";
import { MAX_ZONES, zoneSubnets } from "./zone-subnets.ts";

const zoneNames = ["a", "b", "c", "d", "e", "f"];

/** A network from /16 to /20 inside 10.0.0.0/8. */
const vpc = fc.tuple(fc.integer({ min: 16, max: 20 }), fc.nat(2 ** 24 - 1)).map(([prefix, host]) => {
  const size = 2 ** (32 - prefix);
  const first = 10 * 2 ** 24 + Math.floor(host / size) * size;
  return `${[24, 16, 8, 0].map((shift) => Math.floor(first / 2 ** shift) % 256).join(".")}/${prefix}`;
});

describe("zoneSubnets", () => {
  it("gives every zone its eighth of a /16 and a public /22", () => {
    expect(zoneSubnets("10.20.0.0/16", ["a", "b"])).toEqual([
      { zone: "a", privateCidr: "10.20.0.0/19", publicCidr: "10.20.192.0/22" },
      { zone: "b", privateCidr: "10.20.32.0/19", publicCidr: "10.20.196.0/22" },
    ]);
  });

  it("keeps all subnets inside the VPC and disjoint", () => {
    fc.assert(
      fc.property(vpc, fc.integer({ min: 1, max: MAX_ZONES }), (cidr, count) => {
        const subnets = zoneSubnets(cidr, zoneNames.slice(0, count)).flatMap((zone) => [
          zone.privateCidr,
          zone.publicCidr,
        ]);
        const whole = addressRange(cidr);
        const inside = subnets.every((subnet) => {
          const { first, last } = addressRange(subnet);
          return first >= whole.first && last <= whole.last;
        });
        const disjoint = subnets.every((one, index) =>
          subnets.slice(index + 1).every((other) => !overlaps(one, other)),
        );
        return inside && disjoint && subnets.length === 2 * count;
      }),
    );
  });

  it("moves no subnet when a zone is appended", () => {
    fc.assert(
      fc.property(vpc, fc.integer({ min: 1, max: MAX_ZONES - 1 }), (cidr, count) => {
        const before = zoneSubnets(cidr, zoneNames.slice(0, count));
        expect(zoneSubnets(cidr, zoneNames.slice(0, count + 1)).slice(0, count)).toEqual(before);
      }),
    );
  });

  it.each([
    ["10.0.0.0/21", ["a"], "/21: a VPC needs a prefix from /16 to /20"],
    ["10.0.0.0/15", ["a"], "/15: a VPC needs a prefix from /16 to /20"],
    ["10.0.0.0/16", [], "0 zones: a VPC is split into 1 to 6"],
    ["10.0.0.0/16", [...zoneNames, "g"], "7 zones: a VPC is split into 1 to 6"],
  ])("refuses %s over %j", (cidr, zones, message) => {
    expect(() => zoneSubnets(cidr, zones)).toThrow(new RangeError(message));
  });
});
