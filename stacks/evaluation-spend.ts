import { CONCURRENCY } from "../evals/cluster/scheduled.ts";
import { readDataSets } from "../evals/data-sets.ts";
import { runsPerMonth } from "./evaluation-schedule.ts";
import { pricedPools } from "./gpu-pool-prices.ts";
import type { PlatformConfig } from "./schema/platform.ts";

type Model = PlatformConfig["models"][number];

/** What evaluations in the cluster cost. */
export interface EvaluationSpend {
  /** Evaluations by the clock and after changes. */
  readonly runsPerMonth: number;
  /** Of one evaluation of all models, USD. */
  readonly expectedUsd: number;
  /** Most one may cost; the runner stops before it, USD. */
  readonly maxUsd: number;
}

/** Machines of one replica of a model, USD per hour on demand; undefined where nobody knows the price. */
export function replicaUsdPerHour(config: PlatformConfig, { gpu }: Model): number | undefined {
  const priced = pricedPools(config).find(({ pool }) => pool.name === gpu.pool);
  return priced === undefined
    ? undefined
    : (Number(priced.usdPerHour) * gpu.tensorParallel * gpu.nodes) / priced.pool.gpusPerNode;
}

const MS_PER_HOUR = 3_600_000;
const MINUTES_PER_HOUR = 60;

/**
 * What evaluations cost in GPU hours; undefined where there are none or no price bounds them. Expected is every answer as slow as the model's own 99th
 * percentile, and no more than the time and the money of a run allow.
 * @throws RangeError when the price of a model's GPUs is unknown
 * @throws DataSetError when the data sets cannot be read
 */
export function evaluationSpend(config: PlatformConfig): EvaluationSpend | undefined {
  const { runner, dataSets } = config.evaluation;
  if (runner.kind === "none" || runner.maxUsd === undefined) return undefined;
  const turns = readDataSets(undefined, dataSets).cases.reduce(
    (sum, { questions, tools }) => sum + questions.length * (tools.length + 1),
    0,
  );
  const rates = config.models.map((model) => {
    const usdPerHour = replicaUsdPerHour(config, model);
    if (usdPerHour === undefined)
      throw new RangeError(
        `evaluation.runner.maxUsd: the GPUs of pool '${model.gpu.pool}' have no known price, so nothing can be held to it`,
      );
    return { usdPerHour, hours: (turns * model.slo.e2eP99Ms) / MS_PER_HOUR };
  });
  const slowest = rates.reduce((sum, { usdPerHour, hours }) => sum + usdPerHour * hours, 0);
  const dearest = Math.max(0, ...rates.map(({ usdPerHour }) => usdPerHour));
  const inTime = (dearest * CONCURRENCY * runner.maxMinutes) / MINUTES_PER_HOUR;
  return {
    runsPerMonth: runsPerMonth(runner),
    expectedUsd: Math.min(slowest, inTime, runner.maxUsd),
    maxUsd: runner.maxUsd,
  };
}
