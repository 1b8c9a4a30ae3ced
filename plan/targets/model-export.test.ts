import { describe, expect, it } from "vitest";
import { plannedFixture } from "../testing/planned-model.ts";
import { documentsText, lostDelivery } from "./model-export.ts";

const { config } = plannedFixture();

describe("what is lost of a delivery", () => {
  it.each([
    [{ strategy: "rolling", surge: { kind: "in-place" } }, []],
    [
      { strategy: "blue-green", surge: { kind: "spare-gpus", replicas: 1 }, soakMinutes: 30 },
      [
        "no blue-green delivery: pods are replaced one by one, and nothing asks for a signed evaluation first",
      ],
    ],
  ] as const)("%j", (delivery, lost) => {
    const times = { preStopSeconds: 15, drainSeconds: 90, gracePeriodSeconds: 120 };
    expect(lostDelivery({ ...config, delivery: { ...delivery, ...times } })).toEqual(lost);
  });
});

it("separates the documents of a file", () => {
  expect(documentsText([{ a: 1 }, { b: 2 }])).toBe("---\na: 1\n---\nb: 2\n");
});
