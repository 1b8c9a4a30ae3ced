import { rmSync } from "node:fs";
import { afterEach, describe, expect, it } from "vitest";
import type { VerdictLine } from "../judge/verdicts.ts";
import { readRun } from "../run/journal.ts";
import { judgedCases, storedRun } from "../testing/judging.ts";
import { LABELING_INTERFACE, labelsFromLabelStudio, labelStudioTasks } from "./label-studio.ts";
import { answerDigest, labelsText, parseLabels } from "./labels.ts";
import { labelTasks, sampleTasks, type LabelTask } from "./queue.ts";

let folder = "";

afterEach(() => {
  if (folder !== "") rmSync(folder, { recursive: true });
  folder = "";
});

const cases = judgedCases(3);

function tasks(answer = "Write to ana@example.com."): LabelTask[] {
  folder = storedRun(cases, () => answer);
  return labelTasks(readRun(folder), cases);
}

/** An annotated task in the form Label Studio's documentation gives; written from it, not recorded from a server. */
function annotated(task: object, annotations: readonly object[]): object {
  return {
    id: 12,
    ...task,
    annotations,
    predictions: [],
    file_upload: "1-tasks.json",
    created_at: "2026-11-25T09:00:00.000000Z",
    updated_at: "2026-11-25T09:05:00.000000Z",
    project: 3,
  };
}

function annotation(person: number | object, choice: string, more: object = {}): object {
  return {
    id: 40,
    completed_by: person,
    was_cancelled: false,
    ground_truth: false,
    lead_time: 8.5,
    result: [
      {
        id: "aB3xY",
        from_name: "verdict",
        to_name: "answer",
        type: "choices",
        origin: "manual",
        value: { choices: [choice] },
      },
    ],
    ...more,
  };
}

describe("tasks for people", () => {
  it("hold question, answer and rubric without personal data, and not what the judge said", () => {
    const [task] = labelStudioTasks(tasks());
    expect(task).toEqual({
      data: {
        key: "usefulness/usefulness-1#0",
        answer_digest: answerDigest("Write to ana@example.com."),
        rubric: "The answer answers the question.",
        question: "Question 1?",
        answer: "Write to [email].",
      },
    });
    for (const name of ["rubric", "question", "answer"])
      expect(LABELING_INTERFACE).toContain(`value="$${name}"`);
  });

  it("are half doubtful ones where there are so many, and the same each time", () => {
    const many = judgedCases(40);
    folder = storedRun(many, ({ id }) => id);
    const all = labelTasks(readRun(folder), many);
    const verdicts = all.map(({ suite, id, repeat, answer }, index): VerdictLine => ({
      ...{ suite, id, repeat, reason: "", characters: answer.length, inputTokens: 0, outputTokens: 0 },
      answer: answerDigest(answer),
      version: "judge-1",
      verdict: index < 4 ? "bad" : index < 8 ? "undecided" : "good",
    }));
    const isDoubtful = ({ id }: LabelTask): boolean => Number(id.split("-")[1]) <= 8;
    const ten = sampleTasks(all, verdicts, 10);
    expect([ten.length, ten.filter(isDoubtful).length]).toEqual([10, 5]);
    expect(sampleTasks(all, verdicts, 10)).toEqual(ten);
    expect(sampleTasks(all, verdicts, 30).filter(isDoubtful)).toHaveLength(8);
    expect(sampleTasks(all, [], 100)).toHaveLength(40);
  });
});

describe("labels from Label Studio", () => {
  it("come back for the answers that were read, by people without names, and through a file", () => {
    const asked = tasks();
    const [one, two, three] = labelStudioTasks(asked);
    const back = [
      annotated(one ?? {}, [
        annotation(1, "good"),
        annotation({ id: 2, email: "eva@example.com", first_name: "Eva" }, "bad"),
        annotation(3, "bad", { was_cancelled: true }),
      ]),
      annotated(two ?? {}, [annotation(1, "unsure")]),
      annotated(three ?? {}, []),
    ];
    const labels = labelsFromLabelStudio("export.json", back, asked);
    expect(labels).toEqual([
      {
        ...{ suite: "usefulness", id: "usefulness-1", repeat: 0 },
        answer: answerDigest("Write to ana@example.com."),
        reviews: [
          { reviewer: "ls-1", verdict: "good" },
          { reviewer: "ls-2", verdict: "bad" },
        ],
      },
      {
        ...{ suite: "usefulness", id: "usefulness-2", repeat: 0 },
        answer: answerDigest("Write to ana@example.com."),
        reviews: [{ reviewer: "ls-1", verdict: "unsure" }],
      },
    ]);
    expect(labelsText(labels)).not.toContain("eva@example.com");
    expect(parseLabels("labels.jsonl", labelsText(labels))).toEqual(labels);
  });

  const data = (change: object = {}): object => {
    const [task] = labelStudioTasks(tasks());
    return { data: { ...task?.data, ...change } };
  };
  it.each<[string, () => unknown, string]>([
    ["no list", () => ({}), "e.json: the file: Invalid input: expected array, received object"],
    ["no annotations", () => [data()], "e.json: [0].annotations: Invalid input"],
    [
      "an answer nobody gave",
      () => [annotated(data({ key: "usefulness/x#0" }), [])],
      'e.json: [0].data.key = "usefulness/x#0": the run has no such answer',
    ],
    [
      "another answer",
      () => [annotated(data({ answer_digest: "1" }), [])],
      'e.json: [0].data.answer_digest = "1": the run has another answer now: label it again',
    ],
    [
      "a task twice",
      () => [annotated(data(), []), annotated(data(), [])],
      'e.json: [1].data.key = "usefulness/usefulness-1#0": it is there twice',
    ],
    [
      "a choice nobody offered",
      () => [annotated(data(), [annotation(1, "great")])],
      'e.json: [0].annotations[0].result: verdict = ["great"]; one of good, bad, unsure is needed',
    ],
    [
      "no choice",
      () => [annotated(data(), [annotation(1, "good", { result: [] })])],
      "e.json: [0].annotations[0].result: verdict = []; one of good, bad, unsure is needed",
    ],
    [
      "two opinions of one person",
      () => [annotated(data(), [annotation(1, "good"), annotation(1, "bad")])],
      'e.json: [0].annotations = "ls-1": one person annotated it twice',
    ],
  ])("are refused with %s", (_what, value, message) => {
    const content = value();
    expect(() => labelsFromLabelStudio("e.json", content, tasks())).toThrow(message);
  });
});

describe("a file of labels", () => {
  const line = {
    suite: "s",
    id: "a",
    repeat: 0,
    answer: "0".repeat(64),
    reviews: [{ reviewer: "r", verdict: "good" }],
  };
  it.each<[string, string, string]>([
    ["no JSON", "{", "l.jsonl:1: this line is not JSON"],
    [
      "an unknown verdict",
      JSON.stringify({ ...line, reviews: [{ reviewer: "r", verdict: "ok" }] }),
      "l.jsonl:1: reviews[0].verdict",
    ],
    [
      "an address",
      JSON.stringify({ ...line, reviews: [{ reviewer: "a@b.c", verdict: "good" }] }),
      "l.jsonl:1: reviews[0].reviewer",
    ],
    [
      "an unknown key",
      JSON.stringify({ ...line, name: "Eva" }),
      'l.jsonl:1: the label: Unrecognized key: "name"',
    ],
    [
      "an answer twice",
      `${JSON.stringify(line)}\n\n${JSON.stringify(line)}`,
      "l.jsonl:3: s/a#0 is there twice",
    ],
  ])("is refused with %s", (_what, text, message) => {
    expect(() => parseLabels("l.jsonl", text)).toThrow(message);
  });
});
