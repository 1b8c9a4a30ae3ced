import type { ClusterHandle } from "../components/cluster/handle.ts";
import {
  EVALUATION_PATHS,
  MLFLOW_ACCOUNT,
  MLFLOW_ADMIN,
  MLFLOW_NAMESPACE,
  MLFLOW_URL,
  ONLINE_PORT,
} from "../components/evaluation/address.ts";
import { EvaluationJobs } from "../components/evaluation/evaluation-jobs.ts";
import { EvaluationNamespace } from "../components/evaluation/evaluation-namespace.ts";
import { OnlineEvaluation } from "../components/evaluation/online-evaluation.ts";
import { TrackingServer } from "../components/evaluation/tracking-server.ts";
import { GATEWAY_NAMESPACE } from "../components/gateway/address.ts";
import {
  onlineConfig,
  scheduledConfig,
  type OnlineConfig,
  type ScheduledConfig,
} from "../evals/cluster/config.ts";
import { readDataSets } from "../evals/data-sets.ts";
import { MAX_TURNS } from "../evals/run/target.ts";
import { gatewayPrompt } from "../prompts/compile.ts";
import type { CloudServices } from "./clouds/environment.ts";
import type { ClusterServices } from "./cluster-services.ts";
import { replicaUsdPerHour } from "./evaluation-spend.ts";
import { promotions } from "./promotions.ts";
import type { PlatformConfig } from "./schema/platform.ts";
import { servedNames } from "./schema/served-names.ts";

/** What MLflow is deployed onto. */
export interface TrackingTarget {
  readonly cluster: ClusterHandle;
  /** What its cloud can give it. */
  readonly services: CloudServices | undefined;
}

/** Days a replaced or deleted artifact can still be brought back. */
const ARTIFACT_HISTORY_DAYS = 30;

/**
 * MLflow, where the environment has it.
 * @throws RangeError where there is no object store; the schema refuses that before
 */
export function deployTracking(
  name: string,
  config: PlatformConfig,
  target: TrackingTarget,
): TrackingServer | undefined {
  const { tracking } = config.evaluation;
  if (tracking.kind === "none") return undefined;
  const { cluster, services } = target;
  if (services === undefined) throw new RangeError("evaluation.tracking: there is no object store");
  return new TrackingServer(
    `${name}-mlflow`,
    {
      image: tracking.image,
      database: tracking.database,
      artifacts: services.objectStore({
        purpose: "mlflow",
        retentionDays: tracking.artifactDays,
        historyDays: ARTIFACT_HISTORY_DAYS,
        users: [
          { name: "server", namespace: MLFLOW_NAMESPACE, serviceAccount: MLFLOW_ACCOUNT, access: "write" },
        ],
      }),
      labels: { "llmops.io/client": config.client, "llmops.io/environment": config.environment },
    },
    { providers: { kubernetes: cluster.provider } },
  );
}

type Model = PlatformConfig["models"][number];
type Runner = Extract<PlatformConfig["evaluation"]["runner"], { readonly kind: "cluster" }>;

const COMMON = { gateway: `http://gateway.${GATEWAY_NAMESPACE}.svc`, keyFile: EVALUATION_PATHS.key } as const;

/** Version of the prompt `judge` that live answers are judged with. */
const JUDGE_PROMPT = "1";

/** Longest verdict, tokens. */
const VERDICT_TOKENS = 200;

/** Length of the longest system message of a model, bytes. */
function promptBytes({ prompts }: Model): number {
  const lengths = (prompts?.variants ?? []).map((variant) =>
    Buffer.byteLength(gatewayPrompt(variant).system),
  );
  return Math.max(0, ...lengths);
}

/** Models as the runner is told about them; where nobody knows a price, nothing is charged. */
function candidatesOf(config: PlatformConfig): ScheduledConfig["models"] {
  return promotions(config).flatMap(({ model: name, evaluated }) => {
    const model = config.models.find((each) => servedNames(each).includes(name));
    if (model === undefined) return [];
    return [
      {
        model: name,
        evaluated,
        promptBytes: promptBytes(model),
        maxCaseSeconds: config.gateway.holdSeconds + Math.ceil((MAX_TURNS * model.slo.e2eP99Ms) / 1000),
        usdPerHour: replicaUsdPerHour(config, model) ?? 0,
      },
    ];
  });
}

function scheduledOf(
  name: string,
  config: PlatformConfig,
  runner: Runner,
  tracking: TrackingServer | undefined,
): ScheduledConfig {
  return scheduledConfig({
    ...COMMON,
    stack: name,
    environment: config.environment,
    models: candidatesOf(config),
    spend: runner.maxUsd === undefined ? { kind: "unpriced" } : { kind: "capped", maxUsd: runner.maxUsd },
    dataSets: config.evaluation.dataSets,
    maxTokens: runner.maxTokens,
    minSamples: config.evaluation.minSamples,
    folder: EVALUATION_PATHS.runs,
    ...(tracking === undefined
      ? {}
      : { mlflow: { url: MLFLOW_URL, user: MLFLOW_ADMIN, passwordFile: EVALUATION_PATHS.mlflow } }),
  });
}

type Sampled = Extract<Runner["online"], { readonly kind: "sampled" }>;

/** @throws DataSetError when a data set of the reference is unknown or not what its pin says */
function distanceOf({ evaluation }: PlatformConfig, { distance }: Sampled): Pick<OnlineConfig, "distance"> {
  if (distance.kind === "none") return {};
  const { model, suites, share, maxPerDay } = distance;
  const { dataSets } = evaluation;
  const { digest } = readDataSets(suites, dataSets);
  return { distance: { model, share, maxPerDay, dataSets, suites, digest } };
}

function onlineOf(config: PlatformConfig, online: Sampled): OnlineConfig {
  const { share, judge, maxPerDay } = online;
  return onlineConfig({
    ...COMMON,
    port: ONLINE_PORT,
    share,
    models: promotions(config).flatMap(({ model }) => (model === judge ? [] : [model])),
    judge: { model: judge, prompt: JUDGE_PROMPT, maxTokens: VERDICT_TOKENS },
    maxPerDay,
    ...distanceOf(config, online),
  });
}

/**
 * Evaluations in the cluster, where the environment has them.
 * @throws DataSetError when a data set that distances are measured from is unknown or not what its pin says
 */
export function deployEvaluations(
  name: string,
  config: PlatformConfig,
  cluster: ClusterHandle,
  {
    monitoring,
    tracking,
  }: Pick<ClusterServices, "monitoring"> & { readonly tracking: TrackingServer | undefined },
): void {
  const { runner } = config.evaluation;
  if (runner.kind === "none") return;
  const labels = { "llmops.io/client": config.client, "llmops.io/environment": config.environment };
  const providers = { kubernetes: cluster.provider };
  const { namespace } = new EvaluationNamespace(`${name}-evaluation`, { labels }, { providers });
  const shared = { image: runner.image, gatewayKey: runner.key, labels };
  new EvaluationJobs(
    `${name}-evaluation-jobs`,
    {
      ...shared,
      configuration: JSON.stringify(scheduledOf(name, config, runner, tracking), null, 2),
      ...(tracking === undefined ? {} : { mlflowPassword: tracking.adminPassword }),
      schedule: runner.schedule,
      maxMinutes: runner.maxMinutes,
    },
    { providers, dependsOn: [namespace, ...(tracking === undefined ? [] : [tracking.chart])] },
  );
  if (runner.online.kind === "none") return;
  new OnlineEvaluation(
    `${name}-online-evaluation`,
    { ...shared, configuration: JSON.stringify(onlineOf(config, runner.online), null, 2) },
    { providers, dependsOn: [namespace, monitoring.chart] },
  );
}
