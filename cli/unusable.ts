import type { ResourceGraph } from "../graph/graph.ts";
import { endingsOf, formatEnding } from "../stacks/schema/endings.ts";
import type { PlatformConfig } from "../stacks/schema/platform.ts";
import { outsideMirror } from "../supply-chain/inventory.ts";

/**
 * What a stack relies on and cannot have: services that have ended, and what its registry mirror does not stand for; one line each.
 * @param asOf ISO time to judge on
 */
export function unusable(config: PlatformConfig, graph: ResourceGraph, asOf: string): string[] {
  const { registryMirror } = config;
  return [
    ...endingsOf(config, asOf)
      .filter(({ state }) => state === "over")
      .map(formatEnding),
    ...(registryMirror === undefined
      ? []
      : outsideMirror(graph, registryMirror).map((text) => `registryMirror: ${text}`)),
  ];
}
