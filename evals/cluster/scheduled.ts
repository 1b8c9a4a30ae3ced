import { readFileSync } from "node:fs";
import { join } from "node:path";
import { readDataSets } from "../data-sets.ts";
import { evaluationOf } from "../evaluation.ts";
import { publishToMlflow } from "../publish/mlflow.ts";
import { summaryOf } from "../publish/summary.ts";
import type { EvaluationReport } from "../report.ts";
import { run } from "../run/runner.ts";
import type { ScheduledConfig } from "./config.ts";

/** Questions asked at a time: a quarter of what a small replica takes, so that callers are not pushed aside. */
const CONCURRENCY = 2;

const FREE = { inputUsdPerMillion: 0, outputUsdPerMillion: 0 } as const;

/**
 * Asks each model every case that rules decide, and judges the answers by the limits. There is no baseline: a comparison, and the signature
 * that opens the gate, are made where the key is, which is not in the cluster.
 * @throws TargetError when a gateway cannot be asked
 * @throws PublishError when MLflow refuses the figures
 */
export async function evaluateOnce(
  config: ScheduledConfig,
  { id, signal }: { readonly id: string; readonly signal: AbortSignal },
): Promise<EvaluationReport[]> {
  const { cases, digest } = readDataSets(undefined, config.dataSets);
  const reports: EvaluationReport[] = [];
  for (const { model, evaluated } of config.models) {
    const candidate = await run({
      head: {
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
      },
      cases,
      target: {
        baseUrl: config.gateway,
        apiKey: readFileSync(config.keyFile, "utf8").trim(),
        model,
        maxTokens: config.maxTokens,
      },
      folder: join(config.folder, model),
      price: FREE,
      maxUsd: 0,
      concurrency: CONCURRENCY,
      onProgress: () => undefined,
      signal,
    });
    const report = evaluationOf({ candidate, baseline: null, cases, minSamples: config.minSamples });
    reports.push(report);
    if (config.mlflow !== undefined) {
      const { url, user, passwordFile } = config.mlflow;
      const password = readFileSync(passwordFile, "utf8").trim();
      await publishToMlflow(summaryOf(report), { url, account: { user, password } }, "run-only");
    }
  }
  return reports;
}
