import { z } from "zod";
import { PublishError, sendJson } from "./http.ts";
import type { ReportSummary } from "./summary.ts";

/** A tracking server of MLflow. */
export interface MlflowTarget {
  /** Base address, for example `http://mlflow.mlflow:5000`. */
  readonly url: string;
  /** Account of its basic-auth app; absent where it has none. */
  readonly account?: { readonly user: string; readonly password: string };
}

/** Where a report went. */
export interface PublishedRun {
  readonly experimentId: string;
  readonly runId: string;
  /** Version of the model in the registry; absent where only the run was written. */
  readonly modelVersion?: string;
}

/** What becomes of the model: a version in the registry, or nothing, as for reports that nobody signed. */
export type Registration = "register" | "run-only";

const experiment = z.object({ experiment: z.object({ experiment_id: z.string() }) });
const created = z.object({ experiment_id: z.string() });
const run = z.object({ run: z.object({ info: z.object({ run_id: z.string() }) }) });
const version = z.object({ model_version: z.object({ version: z.coerce.string() }) });
const anything = z.object({});

const HTTP = { notFound: 404, badRequest: 400 } as const;

type Call = <T>(path: string, body: unknown, answer: z.ZodType<T>, method?: "GET" | "POST") => Promise<T>;

function caller({ url, account }: MlflowTarget): Call {
  const headers =
    account === undefined
      ? {}
      : { authorization: `Basic ${Buffer.from(`${account.user}:${account.password}`).toString("base64")}` };
  const base = url.replace(/\/$/, "");
  return (path, body, answer, method) =>
    sendJson(`${base}/api/2.0/mlflow/${path}`, headers, body, answer, method);
}

async function experimentId(call: Call, name: string): Promise<string> {
  try {
    const query = new URLSearchParams({ experiment_name: name });
    const found = await call(`experiments/get-by-name?${query.toString()}`, undefined, experiment, "GET");
    return found.experiment.experiment_id;
  } catch (error) {
    if (!(error instanceof PublishError) || error.status !== HTTP.notFound) throw error;
    return (await call("experiments/create", { name }, created)).experiment_id;
  }
}

async function registeredModel(call: Call, name: string): Promise<void> {
  try {
    await call("registered-models/create", { name }, anything);
  } catch (error) {
    if (!(error instanceof PublishError && error.status === HTTP.badRequest)) throw error;
    if (!error.message.includes("RESOURCE_ALREADY_EXISTS")) throw error;
  }
}

/**
 * Writes an evaluation as a run and, where asked, its model as a version of the registry, with the hashes it was evaluated under. The alias
 * `candidate` moves to the version only where the report says `passed`.
 * @throws PublishError when the server refuses or cannot be reached
 * @see https://mlflow.org/docs/latest/api_reference/rest-api.html
 */
export async function publishToMlflow(
  summary: ReportSummary,
  target: MlflowTarget,
  registration: Registration,
): Promise<PublishedRun> {
  const call = caller(target);
  const name = `${summary.labels["stack"] ?? ""}/${summary.model}`;
  const experiment_id = await experimentId(call, `llmops/${name}`);
  const at = Date.parse(summary.finishedAt);
  const tags = Object.entries({ ...summary.labels, "mlflow.runName": summary.run });
  const started = await call(
    "runs/create",
    { experiment_id, start_time: at, tags: tags.map(([key, value]) => ({ key, value })) },
    run,
  );
  const { run_id } = started.run.info;
  const metrics = summary.suites.flatMap(({ name: suite, samples, score }) => [
    { key: `${suite}.samples`, value: samples, timestamp: at, step: 0 },
    ...(score === null ? [] : [{ key: `${suite}.score`, value: score, timestamp: at, step: 0 }]),
  ]);
  await call("runs/log-batch", { run_id, metrics, params: [], tags: [] }, anything);
  await call("runs/update", { run_id, status: "FINISHED", end_time: at }, anything);
  if (registration === "run-only") return { experimentId: experiment_id, runId: run_id };
  const model = name.replaceAll("/", "-");
  await registeredModel(call, model);
  const registered = await call(
    "model-versions/create",
    {
      name: model,
      source: `runs:/${run_id}/evaluation`,
      run_id,
      tags: Object.entries(summary.labels).map(([key, value]) => ({ key, value })),
    },
    version,
  );
  const { version: modelVersion } = registered.model_version;
  if (summary.labels["decision"] === "passed")
    await call(
      "registered-models/alias",
      { name: model, alias: "candidate", version: modelVersion },
      anything,
    );
  return { experimentId: experiment_id, runId: run_id, modelVersion };
}
