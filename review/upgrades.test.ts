import { describe, expect, it } from "vitest";
import { jumpsOf, pinnedVersion } from "./upgrades.ts";

const ONE_AT_A_TIME = "one minor at a time, each in a change of its own";

describe("the version of a control plane", () => {
  it.each([
    ["1.35", "1.35", undefined],
    ["1.35", "1.36", undefined],
    ["1.35", "1.37", ONE_AT_A_TIME],
    ["1.35", "1.34", "a control plane cannot go back"],
    ["1.35", "2.0", ONE_AT_A_TIME],
    ["1.35", "latest", ONE_AT_A_TIME],
  ])("from %s to %s", (from, to, reason) => {
    const found = jumpsOf([{ urn: "c", version: from }], [{ urn: "c", version: to }]);
    expect(found.map(({ what }) => what)).toEqual(
      reason === undefined ? [] : [`c goes from Kubernetes ${from} to ${to}: ${reason}`],
    );
  });

  it("of a new cluster is its own choice", () => {
    expect(jumpsOf([], [{ urn: "c", version: "1.36" }])).toEqual([]);
  });

  it("is read where a type pins one", () => {
    expect(pinnedVersion("aws:eks/cluster:Cluster", { version: "1.35" })).toBe("1.35");
    expect(pinnedVersion("gcp:container/cluster:Cluster", {})).toBeUndefined();
    expect(pinnedVersion("aws:eks/nodeGroup:NodeGroup", { version: "1.35" })).toBeUndefined();
  });
});
