import type { PlatformConfig } from "../platform.ts";
import type { ConfigProblem } from "../problem.ts";
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

/** Rules about evaluation. */
export const evaluationChecks: readonly Check[] = [
  { needs: ["cloud", "evaluation"], run: artifactsHaveAPlace },
  { needs: ["evaluation"], run: databaseIsNamed },
];
