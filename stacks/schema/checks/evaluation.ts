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

/** Rules about evaluation. */
export const evaluationChecks: readonly Check[] = [
  { needs: ["cloud", "evaluation"], run: artifactsHaveAPlace },
  { needs: ["evaluation"], run: databaseIsNamed },
  { needs: ["evaluation", "gateway", "models"], run: runnerIsAClient },
  { needs: ["evaluation", "providers"], run: embeddingsAreServed },
];
