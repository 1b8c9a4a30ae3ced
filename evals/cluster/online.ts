import { readFileSync } from "node:fs";
import type { Server } from "node:http";
import { readDataSets } from "../data-sets.ts";
import { OnlineEvaluator } from "../online/evaluator.ts";
import { onlineMetrics, type OnlineMetrics } from "../online/metrics.ts";
import { PromptDistances } from "../online/prompt-distance.ts";
import { onlineServer } from "../online/server.ts";
import { ClusterConfigError, type OnlineConfig } from "./config.ts";

/** The evaluation of live answers, not listening yet. */
export interface Online {
  readonly server: Server;
  /** Lets go of what waits. */
  readonly close: () => void;
}

/**
 * Texts that prompts are compared with.
 * @throws DataSetError when a data set is not what its pin says
 * @throws ClusterConfigError when the image holds other data sets than the configuration is for
 */
function referenceOf({ dataSets, suites, digest }: NonNullable<OnlineConfig["distance"]>): string[] {
  const found = readDataSets(suites, dataSets);
  if (found.digest !== digest)
    throw new ClusterConfigError(
      `distance.digest: ${dataSets} of this image is ${found.digest}, the configuration is for ${digest}: deploy the image of the commit the configuration is from`,
    );
  return found.cases.flatMap(({ questions }) => questions);
}

function distancesOf(
  { gateway, models, distance }: OnlineConfig,
  apiKey: string,
  metrics: OnlineMetrics,
  warn: (message: string) => void,
): PromptDistances[] {
  if (distance === undefined) return [];
  const { model, share, maxPerDay } = distance;
  const target = { baseUrl: gateway, apiKey, model };
  return [
    new PromptDistances({
      target,
      reference: referenceOf(distance),
      share,
      models,
      maxPerDay,
      metrics,
      warn,
    }),
  ];
}

/**
 * The evaluation of live answers as its configuration says.
 * @param warn takes what an operator should know; no content is in it
 * @throws DataSetError when the reference of the distances is not what its pin says
 * @throws ClusterConfigError when it is not the one that the configuration is for
 */
export function onlineFrom(config: OnlineConfig, warn: (message: string) => void): Online {
  const { gateway, keyFile, share, models, judge, maxPerDay } = config;
  const apiKey = readFileSync(keyFile, "utf8").trim();
  const metrics = onlineMetrics();
  const { model, maxTokens, prompt } = judge;
  const evaluator = new OnlineEvaluator({
    ...{ share, models, maxPerDay, metrics },
    judge: { target: { baseUrl: gateway, apiKey, model, maxTokens }, prompt },
  });
  const takers = [evaluator, ...distancesOf(config, apiKey, metrics, warn)];
  return {
    server: onlineServer(takers, metrics),
    close: () => {
      for (const taker of takers) taker.close();
    },
  };
}
