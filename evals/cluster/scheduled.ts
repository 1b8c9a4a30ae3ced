import { readFileSync } from "node:fs";
import { join } from "node:path";
import { readDataSets, type DataSets } from "../data-sets.ts";
import { evaluationOf } from "../evaluation.ts";
import { publishToMlflow } from "../publish/mlflow.ts";
import { summaryOf } from "../publish/summary.ts";
import type { EvaluationReport } from "../report.ts";
import { readRun, type RunHead, type StoredRun } from "../run/journal.ts";
import { CostCapError, run, type RunOrder } from "../run/runner.ts";
import type { ScheduledConfig } from "./config.ts";

/** Questions asked at a time: a quarter of what a small replica takes, so that callers are not pushed aside. */
export const CONCURRENCY = 2;

type Candidate = ScheduledConfig["models"][number];

/** A run as far as it came. */
interface Outcome {
  readonly candidate: StoredRun;
  readonly usd: number;
  /** Why it ended before its end. */
  readonly stopped?: string;
}

/** Asks a model every case, until it is done or the money is. */
async function asked(order: RunOrder): Promise<Outcome> {
  try {
    const { head, lines, usd } = await run(order);
    return { candidate: { head, lines }, usd };
  } catch (error) {
    if (!(error instanceof CostCapError)) throw error;
    return { candidate: readRun(order.folder), usd: error.spentUsd, stopped: error.message };
  }
}

function headOf(
  config: ScheduledConfig,
  { model, evaluated }: Candidate,
  id: string,
  { cases, digest }: DataSets,
): RunHead {
  return {
    schema: "llmops.evaluation-run/v1",
    run: `${id}-${model}`,
    stack: config.stack,
    environment: config.environment,
    model,
    evaluated: { ...evaluated, dataSets: digest },
    engine: "model",
    maxTokens: config.maxTokens,
    repeats: 1,
    cases: cases.length,
    startedAt: new Date().toISOString(),
  };
}

/**
 * Asks each model every case that rules decide, and judges the answers by the limits. All models share one cap: what it leaves unasked makes their
 * reports incomplete. There is no baseline: a comparison, and the signature that opens the gate, are made where the key is, which is not in the cluster.
 * @throws TargetError when a gateway cannot be asked
 * @throws PublishError when MLflow refuses the figures
 */
export async function evaluateOnce(
  config: ScheduledConfig,
  { id, signal }: { readonly id: string; readonly signal: AbortSignal },
): Promise<EvaluationReport[]> {
  const sets = readDataSets(undefined, config.dataSets);
  const apiKey = readFileSync(config.keyFile, "utf8").trim();
  const reports: EvaluationReport[] = [];
  let leftUsd = config.spend.kind === "capped" ? config.spend.maxUsd : Infinity;
  for (const each of config.models) {
    const { candidate, usd, stopped } = await asked({
      head: headOf(config, each, id, sets),
      cases: sets.cases,
      target: { baseUrl: config.gateway, apiKey, model: each.model, maxTokens: config.maxTokens },
      folder: join(config.folder, each.model),
      price: { inputUsdPerMillion: 0, outputUsdPerMillion: 0, usdPerHour: each.usdPerHour },
      maxUsd: leftUsd,
      limits: { promptBytes: each.promptBytes, maxCaseMs: each.maxCaseSeconds * 1000 },
      concurrency: CONCURRENCY,
      onProgress: () => undefined,
      signal,
    });
    leftUsd = Math.max(0, leftUsd - usd);
    const report = evaluationOf({
      candidate,
      baseline: null,
      cases: sets.cases,
      minSamples: config.minSamples,
      stopped,
    });
    reports.push(report);
    if (config.mlflow !== undefined) {
      const { url, user, passwordFile } = config.mlflow;
      const password = readFileSync(passwordFile, "utf8").trim();
      await publishToMlflow(summaryOf(report), { url, account: { user, password } }, "run-only");
    }
  }
  return reports;
}
