import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readDataSets } from "../evals/data-sets.ts";
import { scriptedJudge, storedRun, type ScriptedJudge } from "../evals/testing/judging.ts";
import { run } from "./testing/run.ts";

const sets = readDataSets(["usefulness"]);
const folder = mkdtempSync(join(tmpdir(), "llmops-judge-"));
const at = (name: string): string => join(folder, name);
let judge: ScriptedJudge;
let stored = "";

/** Every third answer is bad, and the judge sees it. */
const isBad = (id: string): boolean => Number(id.split("-")[1]) % 3 === 0;

beforeAll(async () => {
  judge = await scriptedJudge(({ answer }) =>
    JSON.stringify({ reason: "read", verdict: answer.includes("nonsense") ? "bad" : "good" }),
  );
  stored = storedRun(sets.cases, ({ id }) => (isBad(id) ? "nonsense" : "a useful answer"), {
    evaluated: {
      model: `sha256:${"a".repeat(64)}`,
      prompt: "none",
      guardrails: `sha256:${"b".repeat(64)}`,
      dataSets: sets.digest,
    },
  });
  writeFileSync(at("key"), "secret");
});

afterAll(async () => {
  await judge.close();
  rmSync(folder, { recursive: true });
  rmSync(stored, { recursive: true });
});

describe("a judge, from verdicts over labels to the gate", () => {
  it("gives verdicts, which are advice", async () => {
    const args = ["eval", "judge", stored, "--url", judge.url, "--key", at("key"), "--model", "judge-1"];
    expect(await run(args)).toMatchObject({
      code: 0,
      out: "16 good, 8 bad, 0 undecided; advice until calibrated\n",
    });
    const again = await run([...args, "--json"]);
    expect(JSON.parse(again.out)).toMatchObject({ good: 16, bad: 8, undecided: 0 });
    expect(judge.shown).toHaveLength(48);
  });

  it("puts answers before people and takes their labels back", async () => {
    const tasks = await run([
      "eval",
      "labels",
      "export",
      stored,
      "--out",
      at("tasks.json"),
      "--interface",
      at("i.xml"),
    ]);
    expect(tasks).toMatchObject({ code: 0, out: "24 answers to label\n" });
    expect(readFileSync(at("i.xml"), "utf8")).toContain('<Choices name="verdict"');
    const asked = JSON.parse(readFileSync(at("tasks.json"), "utf8")) as {
      data: { key: string; answer: string };
    }[];
    const annotated = asked.map(({ data }) => ({
      data,
      annotations: [1, 2].map((person) => ({
        completed_by: person,
        result: [
          {
            from_name: "verdict",
            type: "choices",
            value: { choices: [data.answer === "nonsense" ? "bad" : "good"] },
          },
        ],
      })),
    }));
    writeFileSync(at("export.json"), JSON.stringify(annotated));
    const back = await run([
      "eval",
      "labels",
      "import",
      stored,
      at("export.json"),
      "--out",
      at("labels.jsonl"),
    ]);
    expect(back).toMatchObject({ code: 0, out: "24 answers, 48 reviews\n" });
    const agreed = await run(["eval", "labels", "agreement", at("labels.jsonl"), "--json"]);
    expect([agreed.code, JSON.parse(agreed.out)]).toEqual([
      0,
      { answers: 24, reviewers: 2, reviewedTwice: 24, alpha: 1, fleiss: 1, needed: 0.667 },
    ]);
  });

  it("says when people do not agree", async () => {
    const apart = readFileSync(at("labels.jsonl"), "utf8")
      .split("\n")
      .map((line, index) =>
        index % 2 === 0 ? line.replace('"ls-2","verdict":"good"', '"ls-2","verdict":"bad"') : line,
      );
    writeFileSync(at("apart.jsonl"), apart.join("\n"));
    const { code, out } = await run(["eval", "labels", "agreement", at("apart.jsonl")]);
    expect([code, out]).toEqual([1, expect.stringContaining("below 0.667: talk about the rubric")]);
  });

  it("calibrates, and refuses a judge with 24 labels however right it was", async () => {
    const { code, out } = await run([
      "eval",
      "calibrate",
      stored,
      "--labels",
      at("labels.jsonl"),
      "--out",
      at("c.json"),
    ]);
    expect(code).toBe(1);
    expect(out).toContain("24 labels; 200 are needed");
    expect(out).toContain("kappa 1.00");
  });

  it("stands in the report as advice, with its calibration or without", async () => {
    const compare = ["eval", "compare", stored, "--first", "--suite", "usefulness", "--json"];
    const without = JSON.parse((await run(compare)).out) as Record<string, unknown>;
    expect(without).toMatchObject({
      judge: null,
      suites: [
        {
          name: "usefulness",
          decision: "advisory",
          reason: "the judge may not gate: it was never calibrated",
        },
      ],
    });
    const withIt = JSON.parse((await run([...compare, "--calibration", at("c.json")])).out) as Record<
      string,
      unknown
    >;
    expect(withIt).toMatchObject({
      judge: { labels: 24, kappa: 1, mayGate: "no" },
      suites: [{ name: "usefulness", score: 16, decision: "advisory", grader: "judge" }],
    });
  });

  it.each<[string, () => string[], string]>([
    [
      "a run of nobody",
      () => ["judge", at("none"), "--url", "u", "--key", at("key"), "--model", "m"],
      "there is no run here",
    ],
    [
      "the model itself",
      () => ["judge", stored, "--url", "u", "--key", at("key"), "--model", "candidate"],
      "would judge its own answers",
    ],
    [
      "labels that are none",
      () => ["calibrate", stored, "--labels", at("key"), "--out", at("x")],
      "key:1: this line is not JSON",
    ],
    [
      "an export that is none",
      () => ["labels", "import", stored, at("c.json"), "--out", at("x")],
      "c.json: the file",
    ],
    [
      "an amount that is none",
      () => ["judge", stored, "--url", "u", "--key", "k", "--model", "m", "--max-usd", "lots"],
      "'lots' is not an amount",
    ],
  ])("is refused with %s", async (_what, args, message) => {
    const { code, err } = await run(["eval", ...args()]);
    expect([code, err]).toEqual([2, expect.stringContaining(message)]);
  });
});
