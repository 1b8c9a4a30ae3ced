import { createHash } from "node:crypto";
import { z } from "zod";
import { sendJson } from "./http.ts";
import type { ReportSummary } from "./summary.ts";

/** A workspace of LangSmith. */
export interface LangsmithTarget {
  /** Base address: `https://eu.api.smith.langchain.com` keeps data in the EU. */
  readonly url: string;
  readonly apiKey: string;
}

const session = z.object({ id: z.string() });
const anything = z.object({});

/** The same run of the same suite always has the same id, so that a repeated upload adds nothing. */
function runId(text: string): string {
  const hex = createHash("sha256").update(text).digest("hex");
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `4${hex.slice(13, 16)}`,
    `8${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ].join("-");
}

/**
 * Writes an evaluation as a project with one run and one feedback per suite: scores and hashes, no prompt and no answer.
 * @returns id of the project
 * @throws PublishError when the platform refuses or cannot be reached
 * @see https://docs.langchain.com/langsmith/run-evals-api-only
 */
export async function publishToLangsmith(summary: ReportSummary, target: LangsmithTarget): Promise<string> {
  const headers = { "x-api-key": target.apiKey };
  const base = `${target.url.replace(/\/$/, "")}/api/v1`;
  const { id } = await sendJson(
    `${base}/sessions`,
    headers,
    { name: summary.run, start_time: summary.finishedAt, extra: { metadata: summary.labels } },
    session,
  );
  for (const { name, samples, score, grader, decision } of summary.suites) {
    const run = runId(`${summary.run}/${name}`);
    await sendJson(
      `${base}/runs`,
      headers,
      {
        id: run,
        name,
        run_type: "chain",
        session_id: id,
        inputs: { suite: name },
        outputs: { decision },
        start_time: summary.finishedAt,
        end_time: summary.finishedAt,
        extra: { metadata: { samples, grader } },
      },
      anything,
    );
    if (score !== null)
      await sendJson(`${base}/feedback`, headers, { run_id: run, key: name, score }, anything);
  }
  return id;
}
