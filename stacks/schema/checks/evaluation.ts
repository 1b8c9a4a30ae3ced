import { MAX_RUNS_PER_YEAR, runsInYear, runsPerMonth } from "../../evaluation-schedule.ts";
import type { PlatformConfig } from "../platform.ts";
import type { ConfigProblem } from "../problem.ts";
import { servedNames } from "../served-names.ts";
import { problem, type Check } from "./check.ts";

/** MLflow keeps its artifacts in an object store that the platform makes in the account of the environment. */
function artifactsHaveAPlace({ cloud, evaluation }: PlatformConfig): ConfigProblem[] {
  if (evaluation.tracking.kind === "none" || cloud.provider === "aws" || cloud.provider === "gcp") return [];
  return [
    problem(
      ["evaluation", "tracking", "kind"],
      evaluation.tracking.kind,
      `provider ${cloud.provider} has no object store for artifacts`,
      "set kind: none, and use an MLflow you run yourself",
    ),
  ];
}

/** Postgres is inside: a database that anybody could be at is no database of this environment. */
function databaseIsNamed({ evaluation: { tracking } }: PlatformConfig): ConfigProblem[] {
  if (tracking.kind === "none" || !tracking.database.cidr.endsWith("/0")) return [];
  return [
    problem(
      ["evaluation", "tracking", "database", "cidr"],
      tracking.database.cidr,
      "every address would be reachable",
      "write the network Postgres is in, for example its subnets",
    ),
  ];
}

/** The model that live prompts are embedded by, where there is one. */
function embeddingModel({ evaluation: { runner } }: PlatformConfig): string[] {
  if (runner.kind === "none" || runner.online.kind === "none") return [];
  const { distance } = runner.online;
  return distance.kind === "none" ? [] : [distance.model];
}

/** Engines of the platform and Anthropic serve no embeddings. */
function embeddingsAreServed(config: PlatformConfig): ConfigProblem[] {
  const able = config.providers.flatMap(({ kind, models }) =>
    kind === "anthropic" ? [] : models.map(({ name }) => name),
  );
  return embeddingModel(config)
    .filter((name) => !able.includes(name))
    .map((name) =>
      problem(
        ["evaluation", "runner", "online", "distance", "model"],
        name,
        "no provider with /v1/embeddings has this model",
        `name one of providers[].models${able.length === 0 ? ", of kind openai or openai-compatible" : `: ${able.join(", ")}`}`,
      ),
    );
}

/** The runner is a client like any other: what it asks, somebody must have allowed. */
function runnerIsAClient(config: PlatformConfig): ConfigProblem[] {
  const { runner } = config.evaluation;
  if (runner.kind === "none") return [];
  const client = config.gateway.clients.find(({ id }) => id === runner.client);
  if (client === undefined)
    return [
      problem(
        ["evaluation", "runner", "client"],
        runner.client,
        `the gateway has no client '${runner.client}'`,
        "add one under gateway.clients, with every model it evaluates",
      ),
    ];
  const served = config.models.flatMap(servedNames);
  const judge = runner.online.kind === "none" ? [] : [runner.online.judge];
  const embedding = embeddingModel(config);
  const judged = served.filter((name) => !judge.includes(name));
  return [
    ...[...served, ...judge, ...embedding]
      .filter((name) => !client.models.includes(name))
      .map((name) =>
        problem(
          ["evaluation", "runner", "client"],
          runner.client,
          `the client may not call '${name}'`,
          "add it to the client's models",
        ),
      ),
    ...(judge.length > 0 && judged.length === 0
      ? [
          problem(
            ["evaluation", "runner", "online", "judge"],
            judge[0],
            "it is the only model, and no model judges its own answers",
            "name a model of a provider, or another one",
          ),
        ]
      : []),
  ];
}

/** A schedule fires, and not all the time. */
function scheduleIsNightly({ evaluation: { runner } }: Pick<PlatformConfig, "evaluation">): ConfigProblem[] {
  if (runner.kind === "none") return [];
  const wrong = (reason: string, fix: string): ConfigProblem[] => [
    problem(["evaluation", "runner", "schedule"], runner.schedule, reason, fix),
  ];
  let runs: number;
  try {
    runs = runsInYear(runner.schedule, MAX_RUNS_PER_YEAR);
  } catch (error) {
    return wrong(
      `it is no cron expression: ${error instanceof Error ? error.message : String(error)}`,
      'write five fields, for example "0 2 * * *"',
    );
  }
  if (runs > MAX_RUNS_PER_YEAR)
    return wrong(`it fires more than ${MAX_RUNS_PER_YEAR} times a year`, "evaluate at most four times a day");
  return [];
}

/** Share of the budget that evaluations may take at their caps. */
const BUDGET_SHARE = 0.1;

/** What an evaluation may cost is known and held, where GPUs are rented. */
function spendIsBounded({ cloud, evaluation, budget }: PlatformConfig): ConfigProblem[] {
  const { runner } = evaluation;
  if (runner.kind === "none" || scheduleIsNightly({ evaluation }).length > 0) return [];
  const path = ["evaluation", "runner", "maxUsd"];
  const isRented = cloud.provider === "aws" || cloud.provider === "gcp";
  if (!isRented)
    return runner.maxUsd === undefined
      ? []
      : [
          problem(
            path,
            runner.maxUsd,
            "nobody knows what the GPUs of this cluster cost, so nothing could be held to it",
            "remove it; maxMinutes bounds an evaluation",
          ),
        ];
  if (runner.maxUsd === undefined)
    return [
      problem(
        path,
        runner.maxUsd,
        "GPUs are rented by the hour, and nothing bounds what an evaluation costs",
        "write the most one evaluation of all models may cost, USD",
      ),
    ];
  const runs = runsPerMonth(runner);
  const share = budget.monthly * budget.usdPerUnit * BUDGET_SHARE;
  const most = runs * runner.maxUsd;
  if (most <= share) return [];
  return [
    problem(
      path,
      runner.maxUsd,
      `${runs} evaluations a month may cost ${most.toFixed(2)} USD, and a tenth of the budget is ${share.toFixed(2)}`,
      "lower it, or evaluate less often (schedule, changesPerMonth)",
    ),
  ];
}

/** Rules about evaluation. */
export const evaluationChecks: readonly Check[] = [
  { needs: ["cloud", "evaluation"], run: artifactsHaveAPlace },
  { needs: ["evaluation"], run: databaseIsNamed },
  { needs: ["evaluation"], run: scheduleIsNightly },
  { needs: ["cloud", "evaluation", "budget"], run: spendIsBounded },
  { needs: ["evaluation", "gateway", "models"], run: runnerIsAClient },
  { needs: ["evaluation", "providers"], run: embeddingsAreServed },
];
