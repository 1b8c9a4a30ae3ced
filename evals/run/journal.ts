import { appendFileSync, existsSync, mkdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { evaluatedSchema, ReportError } from "../report.ts";

const head = z.strictObject({
  schema: z.literal("llmops.evaluation-run/v1"),
  run: z.string().min(1),
  stack: z.string().min(1),
  environment: z.enum(["local", "dev", "staging", "prod"]),
  model: z.string().min(1),
  evaluated: evaluatedSchema,
  engine: z.enum(["model", "stand-in"]),
  maxTokens: z.int().min(1),
  repeats: z.int().min(1),
  cases: z.int().min(1),
  startedAt: z.iso.datetime(),
});

/** What a run asks of whom. */
export type RunHead = z.output<typeof head>;

const answer = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("answered"),
    text: z.string(),
    calls: z.array(z.strictObject({ tool: z.string(), arguments: z.record(z.string(), z.unknown()) })),
  }),
  z.strictObject({ kind: z.literal("refused"), reason: z.string() }),
]);

const line = z.strictObject({
  suite: z.string(),
  id: z.string(),
  repeat: z.int().min(0),
  answers: z.array(answer).min(1),
  ms: z.number().min(0),
  inputTokens: z.int().min(0),
  outputTokens: z.int().min(0),
  at: z.iso.datetime(),
});

/** What came back for one repeat of one case. */
export type RunLine = z.output<typeof line>;

/** A run on disk. */
export interface StoredRun {
  readonly head: RunHead;
  readonly lines: readonly RunLine[];
}

const HEAD = "run.json";
const LINES = "answers.jsonl";

/** Identity of one question: nothing is asked twice under it. */
export function keyOf({ suite, id, repeat }: Pick<RunLine, "suite" | "id" | "repeat">): string {
  return `${suite}/${id}#${repeat}`;
}

/**
 * Reads a run; a torn last line, which a kill leaves, counts as not asked.
 * @throws ReportError when the folder holds no run
 */
export function readRun(folder: string): StoredRun {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(join(folder, HEAD), "utf8"));
  } catch {
    throw new ReportError(`${join(folder, HEAD)}: there is no run here; \`llmops eval run --out\` makes one`);
  }
  const parsed = head.safeParse(value);
  if (!parsed.success) throw new ReportError(`${join(folder, HEAD)}: ${z.prettifyError(parsed.error)}`);
  const path = join(folder, LINES);
  const text = existsSync(path) ? readFileSync(path, "utf8") : "";
  const whole = text.slice(0, text.lastIndexOf("\n") + 1);
  const lines = whole
    .split("\n")
    .filter((each) => each !== "")
    .map((each, index) => {
      const result = line.safeParse(JSON.parse(each));
      if (!result.success) throw new ReportError(`${path}:${index + 1}: ${z.prettifyError(result.error)}`);
      return result.data;
    });
  return { head: parsed.data, lines };
}

/** Where a run writes what it gets, line by line, so that a kill loses at most the question in flight. */
export class Journal {
  readonly done: ReadonlyMap<string, RunLine>;
  readonly head: RunHead;
  readonly #path: string;

  /**
   * Begins a run, or goes on with the one in the folder.
   * @throws ReportError when the folder holds a run of something else
   */
  constructor(folder: string, wanted: RunHead) {
    mkdirSync(folder, { recursive: true });
    this.#path = join(folder, LINES);
    if (!existsSync(join(folder, HEAD))) {
      writeFileSync(join(folder, HEAD), `${JSON.stringify(wanted, null, 2)}\n`);
      this.head = wanted;
      this.done = new Map();
      return;
    }
    const { head: found, lines } = readRun(folder);
    const same = { ...found, run: wanted.run, startedAt: wanted.startedAt };
    if (JSON.stringify(same) !== JSON.stringify(head.parse(wanted)))
      throw new ReportError(
        `${folder}: there is a run of something else (model, prompt, guardrails, data sets or settings differ); choose another --out`,
      );
    this.head = found;
    this.done = new Map(lines.map((each) => [keyOf(each), each]));
    if (existsSync(this.#path)) {
      const text = readFileSync(this.#path, "utf8");
      truncateSync(this.#path, Buffer.byteLength(text.slice(0, text.lastIndexOf("\n") + 1)));
    }
  }

  write(each: RunLine): void {
    appendFileSync(this.#path, `${JSON.stringify(each)}\n`, { flush: true });
  }
}
