import { z } from "zod";
import { sendJson } from "./http.ts";
import type { ReportSummary } from "./summary.ts";

/** A project of Braintrust. */
export interface BraintrustTarget {
  /** Base address: `https://api-eu.braintrust.dev` keeps data in the EU. */
  readonly url: string;
  readonly apiKey: string;
  readonly project: string;
}

const named = z.object({ id: z.string() });
const inserted = z.object({ row_ids: z.array(z.string()) });

/**
 * Writes an evaluation as an experiment with one event per suite: scores and hashes, no prompt and no answer.
 * @returns id of the experiment
 * @throws PublishError when the platform refuses or cannot be reached
 * @see https://www.braintrust.dev/docs/api-reference/introduction
 */
export async function publishToBraintrust(summary: ReportSummary, target: BraintrustTarget): Promise<string> {
  const headers = { authorization: `Bearer ${target.apiKey}` };
  const base = `${target.url.replace(/\/$/, "")}/v1`;
  const project = await sendJson(`${base}/project`, headers, { name: target.project }, named);
  const experiment = await sendJson(
    `${base}/experiment`,
    headers,
    { project_id: project.id, name: summary.run, metadata: summary.labels, ensure_new: true },
    named,
  );
  await sendJson(
    `${base}/experiment/${experiment.id}/insert`,
    headers,
    {
      events: summary.suites.map(({ name, samples, score, grader, decision }) => ({
        id: `${summary.run}/${name}`,
        input: { suite: name },
        scores: score === null ? {} : { [name]: score },
        metadata: { samples, grader, decision },
      })),
    },
    inserted,
  );
  return experiment.id;
}
