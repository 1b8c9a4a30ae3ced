import type { PlatformConfig } from "../platform.ts";
import type { ConfigProblem } from "../problem.ts";
import { problem, type Check } from "./check.ts";

function deployable({ loops, gpuPools, riskClass }: PlatformConfig): ConfigProblem[] {
  const { automation, image } = loops;
  if (automation.kind === "off") return [];
  const { retrain } = automation;
  const pools = gpuPools.map(({ name }) => name);
  return [
    ...(image === undefined
      ? [
          problem(
            ["loops", "image"],
            image,
            "loops are on, and nothing would decide about them",
            "build loops/Dockerfile and write its image with digest",
          ),
        ]
      : []),
    ...(retrain !== undefined && !pools.includes(retrain.pool)
      ? [
          problem(
            ["loops", "automation", "retrain", "pool"],
            retrain.pool,
            `there is no GPU pool '${retrain.pool}'`,
            `use ${pools.join(", ") || "a configured pool"}`,
          ),
        ]
      : []),
    ...(retrain?.approval === "automatic" && riskClass.level === "high"
      ? [
          problem(
            ["loops", "automation", "retrain", "approval"],
            retrain.approval,
            "a high-risk system is not changed without a person (AI Act Art. 14)",
            "set approval: required",
          ),
        ]
      : []),
  ];
}

/** Rules about loops. */
export const loopChecks: readonly Check[] = [{ needs: ["loops", "gpuPools", "riskClass"], run: deployable }];
