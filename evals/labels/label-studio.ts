import { z } from "zod";
import { keyOf } from "../run/journal.ts";
import { LabelError, type HumanLabel } from "./labels.ts";
import type { LabelTask } from "./queue.ts";

const CHOICES = ["good", "bad", "unsure"] as const;

/**
 * Interface of the project in Label Studio; paste it under Settings, Labeling Interface.
 * @see https://labelstud.io/tags/choices
 */
export const LABELING_INTERFACE = `<View>
  <Header value="Does the answer meet the rubric?"/>
  <Text name="rubric" value="$rubric"/>
  <Text name="question" value="$question"/>
  <Text name="answer" value="$answer"/>
  <Choices name="verdict" toName="answer" choice="single" required="true">
${CHOICES.map((choice) => `    <Choice value="${choice}"/>`).join("\n")}
  </Choices>
</View>
`;

/** A task as Label Studio imports it. @see https://labelstud.io/guide/tasks#Basic-Label-Studio-JSON-format */
export interface LabelStudioTask {
  readonly data: {
    /** `<suite>/<id>#<repeat>`. */
    readonly key: string;
    readonly answer_digest: string;
    readonly rubric: string;
    readonly question: string;
    readonly answer: string;
  };
}

/** Tasks in Label Studio's form; the verdict of the judge is not among them, so that nobody follows it. */
export function labelStudioTasks(tasks: readonly LabelTask[]): LabelStudioTask[] {
  return tasks.map((task) => ({
    data: {
      key: keyOf(task),
      answer_digest: task.answerDigest,
      rubric: task.rubric,
      question: task.question,
      answer: task.answer,
    },
  }));
}

const exported = z.array(
  z.object({
    data: z.object({ key: z.string(), answer_digest: z.string() }),
    annotations: z.array(
      z.object({
        /** Number of the person, or an object with it. */
        completed_by: z.union([z.int(), z.object({ id: z.int() })]),
        was_cancelled: z.boolean().default(false),
        result: z.array(
          z.object({
            from_name: z.string(),
            type: z.string(),
            value: z.object({ choices: z.array(z.string()).optional() }),
          }),
        ),
      }),
    ),
  }),
);

type Annotation = z.output<typeof exported>[number]["annotations"][number];

function reviewOf(where: string, { completed_by, result }: Annotation): HumanLabel["reviews"][number] {
  const choices = result.flatMap(({ from_name, type, value }) =>
    from_name === "verdict" && type === "choices" ? (value.choices ?? []) : [],
  );
  const [choice] = choices;
  const verdict = CHOICES.find((each) => each === choice);
  if (verdict === undefined || choices.length !== 1)
    throw new LabelError(
      `${where}.result: verdict = ${JSON.stringify(choices)}; one of ${CHOICES.join(", ")} is needed`,
    );
  return { reviewer: `ls-${typeof completed_by === "number" ? completed_by : completed_by.id}`, verdict };
}

/**
 * Labels in an export of Label Studio (JSON, not JSON-MIN). People are numbers; their addresses are left behind.
 * @param tasks what was asked, from the same run
 * @throws LabelError naming file, key and value: an unknown task, another answer than was shown, a choice nobody offered, two
 *   annotations of one person
 * @see https://labelstud.io/guide/export#Label-Studio-JSON-format-of-annotated-tasks
 */
export function labelsFromLabelStudio(
  file: string,
  value: unknown,
  tasks: readonly LabelTask[],
): HumanLabel[] {
  const parsed = exported.safeParse(value);
  if (!parsed.success)
    throw new LabelError(
      parsed.error.issues
        .map(({ path, message }) => `${file}: ${z.core.toDotPath(path) || "the file"}: ${message}`)
        .join("\n"),
    );
  const asked = new Map(tasks.map((task) => [keyOf(task), task]));
  const seen = new Set<string>();
  return parsed.data.flatMap(({ data, annotations }, at): HumanLabel[] => {
    const task = asked.get(data.key);
    const fail = (key: string, found: unknown, reason: string): never => {
      throw new LabelError(`${file}: [${at}].${key} = ${JSON.stringify(found)}: ${reason}`);
    };
    if (task === undefined) return fail("data.key", data.key, "the run has no such answer");
    if (seen.has(data.key)) return fail("data.key", data.key, "it is there twice");
    seen.add(data.key);
    if (task.answerDigest !== data.answer_digest)
      return fail("data.answer_digest", data.answer_digest, "the run has another answer now: label it again");
    const reviews = annotations.flatMap((annotation, index) =>
      annotation.was_cancelled ? [] : [reviewOf(`${file}: [${at}].annotations[${index}]`, annotation)],
    );
    const people = reviews.map(({ reviewer }) => reviewer);
    const twice = people.find((reviewer, index) => people.indexOf(reviewer) !== index);
    if (twice !== undefined) return fail("annotations", twice, "one person annotated it twice");
    const { suite, id, repeat, answerDigest } = task;
    return reviews.length === 0 ? [] : [{ suite, id, repeat, answer: answerDigest, reviews }];
  });
}
