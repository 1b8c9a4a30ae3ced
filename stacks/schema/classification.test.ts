import { describe, expect, it } from "vitest";
import { APPLIES_FROM, classify, type RiskAnswers } from "./classification.ts";

const chat: RiskAnswers = {
  role: "deployer",
  intendedPurpose: "Answers questions about orders and deliveries.",
  owner: "a@b.example",
  practices: [],
  profiling: "no",
  interactsWithPeople: "yes",
  generates: "text",
  decisions: "none",
  publicService: "no",
  biometricIdentification: "none",
};
const exception = { ground: "preparatory-task", assessment: "ASSESS-1" } as const;

describe("the risk class", () => {
  it.each<[string, Partial<RiskAnswers>, string, string, string]>([
    ["a chat", {}, "limited", APPLIES_FROM.general, "Art. 50(1)"],
    ["a batch summary", { interactsWithPeople: "no" }, "limited", APPLIES_FROM.general, "Art. 50(2)"],
    [
      "a classifier of spare parts",
      { interactsWithPeople: "no", generates: "nothing" },
      "minimal",
      APPLIES_FROM.general,
      "no answer",
    ],
    ["insurance", { annexIII: "5(c)" }, "high", APPLIES_FROM.annexIII, "Art. 6(2)"],
    [
      "insurance, preparatory only",
      { annexIII: "5(c)", exception },
      "limited",
      APPLIES_FROM.general,
      "Art. 6(3)",
    ],
    [
      "insurance with profiling, whatever the exception",
      { annexIII: "5(c)", exception, profiling: "yes" },
      "high",
      APPLIES_FROM.annexIII,
      "no exception holds",
    ],
    [
      "a part of a medical device",
      { annexI: "Regulation (EU) 2017/745" },
      "high",
      APPLIES_FROM.annexI,
      "Art. 6(1)",
    ],
    [
      "a medical device under Annex III too",
      { annexI: "Regulation (EU) 2017/745", annexIII: "5(a)" },
      "high",
      APPLIES_FROM.annexIII,
      "Art. 6(2)",
    ],
    [
      "social scoring, whatever else",
      { practices: ["social-scoring"], annexIII: "5(a)" },
      "prohibited",
      APPLIES_FROM.prohibitions,
      "Art. 5(1)",
    ],
  ])("of %s", (_what, answers, level, appliesFrom, reason) => {
    const result = classify({ ...chat, ...answers });
    expect([result.level, result.appliesFrom]).toEqual([level, appliesFrom]);
    expect(result.reasons.join("; ")).toContain(reason);
  });
});
