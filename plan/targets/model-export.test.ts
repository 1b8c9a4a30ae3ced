import { describe, expect, it } from "vitest";
import { plannedFixture } from "../testing/planned-model.ts";
import { documentsText, lostDelivery } from "./model-export.ts";

const fixture = plannedFixture();

const times = { preStopSeconds: 15, drainSeconds: 90, gracePeriodSeconds: 120 };

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
    const config = { ...fixture.config, delivery: { ...delivery, ...times } };
    expect(lostDelivery({ ...fixture, config })).toEqual(lost);
  });

  it("a report that nobody has committed is what the pods wait for", () => {
    const evaluations = [
      { kind: "signed", map: {} },
      { kind: "missing", name: "evaluation-mistral-1" },
    ] as const;
    const { config } = plannedFixture({
      delivery: { strategy: "rolling", surge: { kind: "in-place" }, ...times },
    });
    expect(lostDelivery({ ...fixture, config, evaluations })).toEqual([
      "no pod starts before somebody adds the signed report as ConfigMap evaluation-mistral-1",
    ]);
  });
});

it("separates the documents of a file", () => {
  expect(documentsText([{ a: 1 }, { b: 2 }])).toBe("---\na: 1\n---\nb: 2\n");
});
