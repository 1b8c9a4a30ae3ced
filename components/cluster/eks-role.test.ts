import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fittingRoleName } from "./eks-role.ts";

describe("the name of a role", () => {
  it("stays as it is where IAM takes it", () => {
    expect(fittingRoleName("acme-prod-weights-claims-assistant")).toBe("acme-prod-weights-claims-assistant");
    expect(fittingRoleName("a".repeat(64))).toBe("a".repeat(64));
  });

  it("never gets too long, and never that of another", () => {
    const name = fc.stringMatching(/^[a-z-]{65,120}$/);
    fc.assert(
      fc.property(name, name, (one, other) => {
        expect(fittingRoleName(one)).toHaveLength(64);
        expect(fittingRoleName(one) === fittingRoleName(other)).toBe(one === other);
      }),
    );
    // They differ beyond what fits.
    const long = "a".repeat(70);
    expect(fittingRoleName(`${long}b`)).not.toBe(fittingRoleName(`${long}c`));
  });
});
