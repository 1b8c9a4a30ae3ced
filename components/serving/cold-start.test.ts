import { describe, expect, it } from "vitest";
import { coldStartTimeouts } from "./cold-start.ts";

describe("how long `pulumi up` waits for cold replicas", () => {
  it.each([
    [
      { replicas: 1, sideBySide: 1 },
      { create: "2700s", update: "2700s" },
    ],
    [
      { replicas: 6, sideBySide: 1 },
      { create: "2700s", update: "14700s" },
    ],
    [
      { replicas: 6, sideBySide: 4 },
      { create: "2700s", update: "5100s" },
    ],
  ])("%j: longer than Kubernetes gives each of them in turn", (starts, expected) => {
    expect(coldStartTimeouts(starts)).toEqual(expected);
  });
});
