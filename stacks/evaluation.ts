import type { ClusterHandle } from "../components/cluster/handle.ts";
import type { ArtifactDestination } from "../components/evaluation/artifact-destination.ts";
import { EVALUATION_PATHS, MLFLOW_ADMIN, MLFLOW_URL, ONLINE_PORT } from "../components/evaluation/address.ts";
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
import type { ClusterServices } from "./cluster-services.ts";
import { promotions } from "./promotions.ts";
import type { PlatformConfig } from "./schema/platform.ts";

/** What MLflow is deployed onto. */
export interface TrackingTarget {
  readonly cluster: ClusterHandle;
  readonly artifacts: ArtifactDestination | undefined;
}

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
  const { cluster, artifacts } = target;
  if (artifacts === undefined) throw new RangeError("evaluation.tracking: there is no object store");
  return new TrackingServer(
    `${name}-mlflow`,
    {
      image: tracking.image,
      database: tracking.database,
      artifacts,
      labels: { "llmops.io/client": config.client, "llmops.io/environment": config.environment },
    },
    { providers: { kubernetes: cluster.provider }, dependsOn: [...artifacts.ready] },
  );
}

type Runner = Extract<PlatformConfig["evaluation"]["runner"], { readonly kind: "cluster" }>;

const COMMON = { gateway: `http://gateway.${GATEWAY_NAMESPACE}.svc`, keyFile: EVALUATION_PATHS.key } as const;

/** Version of the prompt `judge` that live answers are judged with. */
const JUDGE_PROMPT = "1";

/** Longest verdict, tokens. */
const VERDICT_TOKENS = 200;

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
    models: promotions(config).map(({ model, evaluated }) => ({ model, evaluated })),
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
