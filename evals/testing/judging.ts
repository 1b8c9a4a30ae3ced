import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { EvalCase } from "../case.ts";
import type { RunHead, RunLine } from "../run/journal.ts";

/** What a scripted judge is shown. */
export interface Shown {
  readonly system: string;
  readonly rubric: string;
  readonly question: string;
  readonly answer: string;
}

/** A program in the place of a judge model, behind an OpenAI-compatible address. */
export interface ScriptedJudge {
  readonly url: string;
  readonly shown: readonly Shown[];
  close(): Promise<void>;
}

interface Body {
  readonly messages: readonly { readonly content: string }[];
}

/** Starts a judge that answers what a function says; each call takes 100 tokens in and 10 out. A number is a status. */
export async function scriptedJudge(says: (shown: Shown) => string | number): Promise<ScriptedJudge> {
  const shown: Shown[] = [];
  const server = createServer((request, response) => {
    let text = "";
    request.on("data", (block: Buffer) => (text += block.toString()));
    request.on("end", () => {
      const [system, user] = (JSON.parse(text) as Body).messages;
      const material = JSON.parse(user?.content ?? "{}") as Omit<Shown, "system">;
      const seen = { ...material, system: system?.content ?? "" };
      shown.push(seen);
      const said = says(seen);
      response.writeHead(typeof said === "number" ? said : 200, { "content-type": "application/json" });
      response.end(
        JSON.stringify(
          typeof said === "number"
            ? { error: { code: "guardrail_blocked", message: "blocked" } }
            : {
                choices: [{ message: { content: said } }],
                usage: { prompt_tokens: 100, completion_tokens: 10 },
              },
        ),
      );
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    shown,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => {
          resolve();
        });
      }),
  };
}

const hash = (letter: string): `sha256:${string}` => `sha256:${letter.repeat(64)}`;

/** Cases of one suite that ask a judge. */
export function judgedCases(count: number): EvalCase[] {
  return Array.from({ length: count }, (_, index) => ({
    id: `usefulness-${index + 1}`,
    suite: "usefulness",
    questions: [`Question ${index + 1}?`],
    tools: [],
    grader: { kind: "judge", rubric: "The answer answers the question." },
  }));
}

/** Writes a finished run with one answer for each case. */
export function storedRun(
  cases: readonly EvalCase[],
  answerOf: (each: EvalCase) => string,
  head: Partial<RunHead> = {},
): string {
  const folder = mkdtempSync(join(tmpdir(), "llmops-judged-"));
  mkdirSync(folder, { recursive: true });
  const whole: RunHead = {
    schema: "llmops.evaluation-run/v1",
    run: "run-1",
    stack: "local",
    environment: "local",
    model: "candidate",
    evaluated: { model: hash("a"), prompt: "none", guardrails: hash("b"), dataSets: hash("c") },
    engine: "model",
    maxTokens: 48,
    repeats: 1,
    cases: cases.length,
    startedAt: "2026-11-24T10:00:00.000Z",
    ...head,
  };
  writeFileSync(join(folder, "run.json"), JSON.stringify(whole));
  const lines = cases.map((each): RunLine => ({
    suite: each.suite,
    id: each.id,
    repeat: 0,
    answers: [{ kind: "answered", text: answerOf(each), calls: [] }],
    ms: 5,
    inputTokens: 10,
    outputTokens: 10,
    at: "2026-11-24T10:00:00.000Z",
  }));
  writeFileSync(join(folder, "answers.jsonl"), lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
  return folder;
}
