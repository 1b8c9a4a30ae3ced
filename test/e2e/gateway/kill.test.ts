import { expect, it } from "vitest";
import { killUnderLoad } from "../../../gateway/src/testing/kill-scenario.ts";

it("loses and invents nothing over fifty kills under load", { timeout: 600_000 }, async () => {
  const { called, delivered } = await killUnderLoad(50);
  expect(called).toBeGreaterThan(1_000);
  expect(delivered).toBeGreaterThan(1_000);
});
