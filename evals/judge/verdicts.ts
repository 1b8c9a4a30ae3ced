import { appendFileSync, existsSync, readFileSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import type { EvalCase } from "../case.ts";
import { answerDigest } from "../labels/labels.ts";
import { keyOf, readRun, type RunLine } from "../run/journal.ts";
import type { JudgeVerdicts } from "../results.ts";
import { CostCapError } from "../run/runner.ts";
import { costOf, type TokenPrice } from "../run/spend.ts";
import { judgeAnswer, JudgeError, judgeVersion, type Judge, type JudgeTask } from "./judge.ts";

const line = z.strictObject({
  suite: z.string(),
  id: z.string(),
  repeat: z.int().min(0),
  /** Judge that said it. */
  version: z.string().min(1),
  verdict: z.enum(["good", "bad", "undecided"]),
  /** Its reason, or why there is no verdict. */
  reason: z.string(),
  /** SHA-256 of the answer that was judged, hex, and its length, characters. */
  answer: z.string().regex(/^[0-9a-f]{64}$/),
  characters: z.int().min(0),
  inputTokens: z.int().min(0),
  outputTokens: z.int().min(0),
});

/** What a judge said about one repeat of one case. */
export type VerdictLine = z.output<typeof line>;

const FILE = "verdicts.jsonl";

/**
 * Verdicts in the folder of a run; a torn last line, which a kill leaves, counts as not judged.
 * @throws JudgeError naming file and line
 */
export function readVerdicts(folder: string): VerdictLine[] {
  const path = join(folder, FILE);
  const text = existsSync(path) ? readFileSync(path, "utf8") : "";
  return text
    .slice(0, text.lastIndexOf("\n") + 1)
    .split("\n")
    .filter((each) => each !== "")
    .map((each, index) => {
      const parsed = line.safeParse(JSON.parse(each));
      if (!parsed.success) throw new JudgeError(`${path}:${index + 1}: ${z.prettifyError(parsed.error)}`);
      return parsed.data;
    });
}

/** What a run asks a judge: rubric, question and answer of each repeat; null where there is no answer to judge. */
export function taskOf(each: EvalCase, { answers }: RunLine): JudgeTask | null {
  const texts = answers.flatMap((answer) => (answer.kind === "answered" ? [answer.text] : []));
  if (each.grader.kind !== "judge" || texts.length < answers.length) return null;
  return {
    rubric: each.grader.rubric,
    question: each.questions.join("\n\n"),
    answer: texts.join("\n\n"),
  };
}

/** What a judge is asked to do with a run. */
export interface JudgeOrder {
  readonly folder: string;
  readonly cases: readonly EvalCase[];
  readonly judge: Judge;
  readonly price: TokenPrice;
  /** Most the verdicts may cost, USD. */
  readonly maxUsd: number;
  /** Told after each verdict. */
  readonly onProgress: (done: number, all: number, usd: number) => void;
  readonly signal: AbortSignal;
}

/**
 * Judges every answer of a run that no rule decides and that has no verdict of this judge yet.
 * @throws JudgeError when the judge would judge itself, or nothing asks for a judge
 * @throws CostCapError when more is spent than may be
 * @throws TargetError when the judge cannot be reached
 */
export async function judgeRun(order: JudgeOrder): Promise<VerdictLine[]> {
  const { folder, cases, judge, price, maxUsd, onProgress, signal } = order;
  const { head, lines } = readRun(folder);
  if (head.model === judge.target.model)
    throw new JudgeError(
      `'${head.model}' would judge its own answers, and models prefer those: name another model`,
    );
  const version = judgeVersion(judge);
  const byKey = new Map(cases.map((each) => [`${each.suite}/${each.id}`, each]));
  const all = lines.flatMap((each) => {
    const of = byKey.get(`${each.suite}/${each.id}`);
    return of?.grader.kind === "judge" ? [{ each, task: taskOf(of, each) }] : [];
  });
  if (all.length === 0) throw new JudgeError(`${folder}: no case of this run asks for a judge`);
  const before = readVerdicts(folder).filter((each) => each.version === version);
  const known = new Set(before.map(keyOf));
  const path = join(folder, FILE);
  if (existsSync(path)) {
    const text = readFileSync(path, "utf8");
    truncateSync(path, Buffer.byteLength(text.slice(0, text.lastIndexOf("\n") + 1)));
  }
  let usd = before.reduce((sum, each) => sum + costOf(each, price), 0);
  let done = before.length;
  for (const { each, task } of all) {
    if (known.has(keyOf(each))) continue;
    signal.throwIfAborted();
    if (usd > maxUsd)
      throw new CostCapError(
        `${usd.toFixed(4)} USD are spent and --max-usd is ${maxUsd}; ${done} of ${all.length} verdicts are kept, raise it and run again`,
        usd,
      );
    const { suite, id, repeat } = each;
    const answer = task?.answer ?? "";
    const where = {
      ...{ suite, id, repeat, version },
      ...{ answer: answerDigest(answer), characters: answer.length },
    };
    const judged: VerdictLine =
      task === null
        ? { ...where, verdict: "bad", reason: "a guard refused, so there is no answer", ...FREE }
        : { ...where, ...(await verdictOn(judge, task, signal)) };
    appendFileSync(path, `${JSON.stringify(judged)}\n`, { flush: true });
    usd += costOf(judged, price);
    done += 1;
    onProgress(done, all.length, usd);
  }
  return readVerdicts(folder).filter((each) => each.version === version);
}

const FREE = { inputTokens: 0, outputTokens: 0 } as const;

async function verdictOn(
  judge: Judge,
  task: JudgeTask,
  signal: AbortSignal,
): Promise<Pick<VerdictLine, "verdict" | "reason" | "inputTokens" | "outputTokens">> {
  const { outcome, inputTokens, outputTokens } = await judgeAnswer(judge, task, signal);
  const used = { inputTokens, outputTokens };
  return outcome.kind === "decided"
    ? { verdict: outcome.verdict, reason: outcome.reason, ...used }
    : { verdict: "undecided", reason: outcome.why, ...used };
}

/** Score of each case whose repeats all have a verdict: the share of good ones. */
export function verdictScores(verdicts: readonly VerdictLine[], repeats: number): JudgeVerdicts {
  const decided = verdicts.filter(({ verdict }) => verdict !== "undecided");
  const byCase = Map.groupBy(decided, ({ suite, id }) => `${suite}/${id}`);
  return new Map(
    [...byCase].flatMap(([key, of]) =>
      of.length === repeats
        ? [[key, of.filter(({ verdict }) => verdict === "good").length / repeats] as const]
        : [],
    ),
  );
}
