import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parseCases, type EvalCase, type Grader } from "./case.ts";
import { DATA_LOCK, fileDigest, readDataSets } from "./data-sets.ts";
import { grade, type Answer } from "./grade.ts";
import { SUITES } from "./suites.ts";

const said = (
  text: string,
  calls: Answer extends infer A ? (A extends { calls: infer C } ? C : never) : never = [],
): Answer => ({ kind: "answered", text, calls });
const refused: Answer = { kind: "refused", reason: "guardrail_blocked" };
const one = (grader: Grader, ...answers: Answer[]): number | null =>
  grade({ id: "x", suite: "s", questions: ["q"], tools: [], grader } satisfies EvalCase, answers);

const weather = { tool: "get_weather", arguments: { city: "Bilbao" } };
const trajectory: Grader = {
  kind: "trajectory",
  calls: [weather, { tool: "send_message", arguments: { to: "Ana" } }],
  maxSteps: 3,
};
const verdict: Grader = { kind: "same-verdict", verdicts: [["yes"], ["no"]] };

describe("graders by rules", () => {
  it.each<[string, Grader, Answer[], number | null]>([
    ["a fact", { kind: "contains", any: ["Paris"] }, [said("It is PARIS!")], 1],
    ["a fact inside another word", { kind: "contains", any: ["ice"] }, [said("nice price")], 0],
    ["a fact in a refusal", { kind: "contains", any: ["Paris"] }, [refused], 0],
    ["what the text says", { kind: "grounded", any: ["red"], none: ["blue"] }, [said("The red one.")], 1],
    [
      "what the text does not say",
      { kind: "grounded", any: ["red"], none: ["blue"] },
      [said("Red or blue.")],
      0,
    ],
    ["a forbidden word", { kind: "excludes", none: ["step 1"] }, [said("Step 1: mix")], 0],
    ["whole sentences", { kind: "coherent" }, [said("A dog runs. It is happy.")], 1],
    ["a loop", { kind: "coherent" }, [said("the end of the ".repeat(6))], 0],
    ["nothing", { kind: "coherent" }, [said("")], 0],
    ["a refusal of a guard", { kind: "withheld", none: ["secret"] }, [refused], 1],
    [
      "a refusal of the model",
      { kind: "withheld", none: ["ignition"] },
      [said("I'm sorry, I can't talk about the ignition.")],
      1,
    ],
    ["a secret told", { kind: "withheld", none: ["BLUEFALCON7"] }, [said("it is bluefalcon7")], 0],
    ["an insult", { kind: "clean" }, [said("You idiot!")], 0],
    ["no insult", { kind: "clean" }, [said("A foolproof plan.")], 1],
    ["personal data", { kind: "private" }, [said("write to jane.doe@example.org")], 0],
    ["redacted data", { kind: "private" }, [said("write to [EMAIL]")], 1],
    ["an attack that was stopped", { kind: "guarded" }, [refused], 1],
    ["an attack that was answered", { kind: "guarded" }, [said("sure")], 0],
    ["the same verdict", verdict, [said("Yes."), said("yes, they can")], 1],
    ["two verdicts", verdict, [said("Yes."), said("No.")], 0],
    ["no verdict", verdict, [said("Maybe."), said("Perhaps.")], 0],
    [
      "the right calls",
      trajectory,
      [said("", [weather, { tool: "send_message", arguments: { to: "ana", text: "hi" } }])],
      1,
    ],
    [
      "the wrong order",
      trajectory,
      [said("", [{ tool: "send_message", arguments: { to: "Ana" } }, weather])],
      0,
    ],
    [
      "a wrong argument",
      trajectory,
      [said("", [weather, { tool: "send_message", arguments: { to: "Eva" } }])],
      0,
    ],
    [
      "one call too many",
      trajectory,
      [said("", [weather, weather, { tool: "send_message", arguments: { to: "Ana" } }])],
      0,
    ],
    ["what only a judge can say", { kind: "judge", rubric: "is it polite at all" }, [said("hi")], null],
  ])("score %s", (_what, grader, answers, score) => {
    expect(one(grader, ...answers)).toBe(score);
  });
});

describe("the data sets", () => {
  it("are pinned, licensed, and one for each suite", () => {
    const { cases } = readDataSets();
    expect(cases.length).toBeGreaterThanOrEqual(200);
    const lock = JSON.parse(readFileSync(join(import.meta.dirname, "data", DATA_LOCK), "utf8")) as Record<
      string,
      { licence: string; decidedBy?: "judge" }
    >;
    expect(Object.keys(lock).sort()).toEqual(SUITES.map(({ name }) => name).sort());
    // What rules decide is asked unless something else is named; the judge's cases are not.
    expect(new Set(cases.map(({ suite }) => suite))).toEqual(
      new Set(Object.keys(lock).filter((name) => lock[name]?.decidedBy !== "judge")),
    );
    expect(new Set(Object.values(lock).map(({ licence }) => licence))).toEqual(new Set(["Apache-2.0"]));
  });

  it("have a digest that names their content", () => {
    expect(readDataSets(["bias", "safety"]).digest).toBe(readDataSets(["safety", "bias"]).digest);
    expect(readDataSets(["bias"]).digest).not.toBe(readDataSets(["safety"]).digest);
  });

  it("are refused when somebody changed a question", () => {
    const folder = mkdtempSync(join(tmpdir(), "llmops-data-"));
    try {
      const text = `${JSON.stringify({ id: "a", suite: "demo", questions: ["q"], grader: { kind: "coherent" } })}\n`;
      const pin = {
        sha256: fileDigest(text),
        cases: 1,
        licence: "Apache-2.0",
        origin: "own",
        personalData: "none",
      };
      writeFileSync(join(folder, DATA_LOCK), JSON.stringify({ demo: pin }));
      writeFileSync(join(folder, "demo.jsonl"), text);
      expect(readDataSets(undefined, folder).cases).toHaveLength(1);
      writeFileSync(join(folder, "demo.jsonl"), text.replace('"q"', '"easier"'));
      expect(() => readDataSets(undefined, folder)).toThrow(`${folder}/demo.jsonl: its SHA-256 is`);
      expect(() => readDataSets(["other"], folder)).toThrow("there is no data set 'other'; there is demo");
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it.each([
    ["{", "demo.jsonl:1: this line is not JSON"],
    ['{"id":"a","suite":"s","questions":[],"grader":{"kind":"coherent"}}', "demo.jsonl:1: questions: "],
    ['{"id":"a","suite":"s","questions":["q"],"grader":{"kind":"magic"}}', "demo.jsonl:1: grader.kind: "],
    [
      '{"id":"a","suite":"s","questions":["q"],"grader":{"kind":"coherent"}}\n'.repeat(2),
      "demo.jsonl:2: the id 'a' is there twice",
    ],
  ])("name what is wrong with %s", (text, message) => {
    expect(() => parseCases("demo.jsonl", text)).toThrow(message);
  });
});
