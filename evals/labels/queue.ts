import type { EvalCase } from "../case.ts";
import { taskOf, type VerdictLine } from "../judge/verdicts.ts";
import { minimised } from "../minimise.ts";
import { keyOf, type StoredRun } from "../run/journal.ts";
import { seeded } from "../statistics/random.ts";
import { answerDigest } from "./labels.ts";

/** One answer a person is asked about. */
export interface LabelTask {
  readonly suite: string;
  readonly id: string;
  readonly repeat: number;
  /** SHA-256 of the whole answer; ties a label to what was read. */
  readonly answerDigest: string;
  /** Of what follows, what the person sees: personal data and credentials are taken out, and it is cut. */
  readonly rubric: string;
  readonly question: string;
  readonly answer: string;
}

/** Longest text a person is shown, characters. */
const MAX_SHOWN = 4_000;

/** Every answer of a run that a judge would judge. */
export function labelTasks(run: StoredRun, cases: readonly EvalCase[]): LabelTask[] {
  const byKey = new Map(cases.map((each) => [`${each.suite}/${each.id}`, each]));
  return run.lines.flatMap((line): LabelTask[] => {
    const of = byKey.get(`${line.suite}/${line.id}`);
    const task = of === undefined ? null : taskOf(of, line);
    if (task === null) return [];
    const { suite, id, repeat } = line;
    return [
      {
        suite,
        id,
        repeat,
        answerDigest: answerDigest(task.answer),
        rubric: task.rubric,
        question: minimised(task.question, MAX_SHOWN),
        answer: minimised(task.answer, MAX_SHOWN),
      },
    ];
  });
}

/**
 * At most so many tasks, the same for the same run: half of them answers that the judge called bad or could not decide, where there
 * are so many, because a sample of mostly good answers says little about its errors.
 */
export function sampleTasks(
  tasks: readonly LabelTask[],
  verdicts: readonly VerdictLine[],
  most: number,
): LabelTask[] {
  const doubtful = new Set(verdicts.filter(({ verdict }) => verdict !== "good").map(keyOf));
  const random = seeded(1);
  const shuffled = [...tasks]
    .map((task) => ({ task, at: random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ task }) => task);
  const [bad, good] = [
    shuffled.filter((task) => doubtful.has(keyOf(task))),
    shuffled.filter((task) => !doubtful.has(keyOf(task))),
  ];
  const fromBad = Math.min(bad.length, Math.max(Math.ceil(most / 2), most - good.length));
  return [...bad.slice(0, fromBad), ...good.slice(0, most - fromBad)];
}
