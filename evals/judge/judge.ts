import { z } from "zod";
import { gatewayPrompt, type PromptVariant } from "../../prompts/compile.ts";
import { complete, type Target } from "../run/target.ts";

/** Something a judge is asked, or was calibrated on, does not fit. */
export class JudgeError extends Error {
  override readonly name = "JudgeError";
}

/** A model that judges answers. */
export interface Judge {
  readonly target: Target;
  /** Version of the prompt `judge`. */
  readonly prompt: string;
}

/** One answer to judge. */
export interface JudgeTask {
  readonly rubric: string;
  readonly question: string;
  readonly answer: string;
}

/** What a judge says. */
export type Verdict = "good" | "bad";

/** What came of asking a judge, and what it took. */
export interface Judgement {
  readonly outcome:
    | { readonly kind: "decided"; readonly verdict: Verdict; readonly reason: string }
    /** `order`: it says something else when the options are named the other way round. */
    | { readonly kind: "undecided"; readonly why: "order" | "unreadable" | "refused" };
  readonly inputTokens: number;
  readonly outputTokens: number;
}

/** Longest answer a judge is shown, characters; a longer one is cut, so that length alone earns nothing. */
export const MAX_ANSWER = 4_000;

/** The two orders the verdicts are named in. */
const ORDERS = [
  { first: "good", second: "bad" },
  { first: "bad", second: "good" },
] as const;

/** Same question, same answer. */
const SEED = 0;

const reply = z.object({ reason: z.string().max(2_000).default(""), verdict: z.enum(["good", "bad"]) });

/** The verdict in what a model wrote: its only JSON object; undefined where there is none, or more than one. */
export function readVerdict(text: string): z.output<typeof reply> | undefined {
  const objects = text.match(/\{[^{}]*\}/g) ?? [];
  const [object] = objects;
  if (object === undefined || objects.length > 1) return undefined;
  try {
    return reply.safeParse(JSON.parse(object)).data;
  } catch {
    return undefined;
  }
}

function variant(prompt: string, order: (typeof ORDERS)[number]): PromptVariant {
  return { prompt: "judge", version: prompt, weight: 1, variables: order };
}

/**
 * Identity of a judge: model, and hash of what it is told. A calibration counts for exactly this.
 * @throws PromptError when there is no such version of the prompt
 */
export function judgeVersion({
  target,
  prompt,
}: Pick<Judge, "prompt"> & { target: Pick<Target, "model"> }): string {
  return `${target.model}/${gatewayPrompt(variant(prompt, ORDERS[0])).version}`;
}

/**
 * Asks a judge about one answer, once for each order of the verdicts. Only what it says both times counts.
 * @throws TargetError when the judge cannot be reached
 */
export async function judgeAnswer(
  { target, prompt }: Judge,
  task: JudgeTask,
  signal: AbortSignal,
): Promise<Judgement> {
  const material = JSON.stringify({ ...task, answer: task.answer.slice(0, MAX_ANSWER) });
  const used = { inputTokens: 0, outputTokens: 0 };
  const said: z.output<typeof reply>[] = [];
  for (const order of ORDERS) {
    const { system, settings } = gatewayPrompt(variant(prompt, order));
    const completion = await complete(
      target,
      [
        { role: "system", content: system },
        { role: "user", content: material },
      ],
      { ...settings, seed: SEED },
      signal,
    );
    if (completion.kind === "refused") return { outcome: { kind: "undecided", why: "refused" }, ...used };
    used.inputTokens += completion.inputTokens;
    used.outputTokens += completion.outputTokens;
    const verdict = readVerdict(completion.content ?? "");
    if (verdict === undefined) return { outcome: { kind: "undecided", why: "unreadable" }, ...used };
    said.push(verdict);
  }
  const [one, other] = said;
  return one !== undefined && one.verdict === other?.verdict
    ? { outcome: { kind: "decided", ...one }, ...used }
    : { outcome: { kind: "undecided", why: "order" }, ...used };
}
