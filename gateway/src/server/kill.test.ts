import { expect, it } from "vitest";
import { killUnderLoad } from "../testing/kill-scenario.ts";

const ROUNDS = 3;

it(
  "has an intent for every engine call and an outcome for every delivered answer after kill -9 under load",
  { timeout: 30_000 },
  async () => {
    const { called, delivered } = await killUnderLoad(ROUNDS);
    expect(called).toBeGreaterThan(ROUNDS);
    expect(delivered).toBeGreaterThan(0);
  },
);
