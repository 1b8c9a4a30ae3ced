import { byUrn, type ResourceGraph } from "../graph/graph.ts";
import { ownerOf } from "../plan/components.ts";
import type { CostLine, CostReport } from "../plan/cost.ts";
import { mapRange, type Range } from "../plan/range.ts";
import { servedNames } from "../stacks/schema/served-names.ts";
import type { PlatformConfig } from "../stacks/schema/platform.ts";
import { apportion, sumOf } from "./apportion.ts";

/** What one part of an environment costs in a month, USD. */
export interface Part {
  readonly name: string;
  readonly monthlyUsd: Range<string>;
}

/** Part for what no model and no client causes alone: cluster, network, keys, gateway, logs. */
export const PLATFORM = "platform";

const KEYS: Range<keyof Range<unknown>> = { min: "min", expected: "expected", max: "max" };

function total(name: string, parts: readonly { readonly monthlyUsd: Range<string> }[]): Part {
  return { name, monthlyUsd: mapRange(KEYS, (key) => sumOf(parts.map(({ monthlyUsd }) => monthlyUsd[key]))) };
}

/** Splits a part by weights that may differ from figure to figure. */
function split(part: Part, names: readonly string[], weights: Range<readonly number[]>): Part[] {
  const shares = mapRange(weights, (weight, key) => apportion(part.monthlyUsd[key], weight));
  return names.map((name, index) => ({
    name,
    monthlyUsd: mapRange(shares, (each) => each[index] ?? "0.00"),
  }));
}

function merged(parts: readonly Part[]): Part[] {
  return [...Map.groupBy(parts, ({ name }) => name)].map(([name, same]) => total(name, same));
}

/** Cost per component of the program, and per declared use and provider. */
export function byComponent(graph: ResourceGraph, { lines, use }: CostReport): Part[] {
  const index = byUrn(graph);
  const owner = ({ urn }: CostLine): string => {
    const node = index.get(urn);
    const component = node === undefined ? undefined : index.get(ownerOf(node, index));
    return component?.name ?? urn;
  };
  return merged([
    ...lines.map((line) => ({ name: owner(line), monthlyUsd: line.monthlyUsd })),
    ...use.map(({ name, monthlyUsd }) => ({ name: `use: ${name}`, monthlyUsd })),
  ]);
}

function gpusOf(lines: readonly CostLine[], gpusPerNode: number): Range<number> {
  return mapRange(KEYS, (key) =>
    lines
      .map(({ units }) => units[key])
      .filter(({ sku }) => sku.includes("/machine/"))
      .reduce((sum, { quantity }) => sum + quantity * gpusPerNode, 0),
  );
}

/**
 * Cost per model: a pool's nodes are split over its models by the GPUs they use at that figure; what no model uses is idle.
 * Providers stand for themselves, everything else is the platform.
 */
export function byModel(config: PlatformConfig, { lines, use }: CostReport): Part[] {
  const pools = config.gpuPools.flatMap((pool): Part[] => {
    const own = lines.filter((line) => line.pool === pool.name);
    const models = config.models.filter(({ gpu }) => gpu.pool === pool.name);
    const available = gpusOf(own, pool.gpusPerNode);
    const weights = mapRange(KEYS, (key) => {
      const used = models.map(({ autoscaling, gpu }) => {
        const { minReplicas, expectedReplicas, maxReplicas } = autoscaling;
        return (
          gpu.tensorParallel *
          gpu.nodes *
          { min: minReplicas, expected: expectedReplicas, max: maxReplicas }[key]
        );
      });
      const idle = Math.max(0, available[key] - used.reduce((sum, gpus) => sum + gpus, 0));
      // A pool in which nothing runs is all idle, whatever its size.
      return [...used, used.every((gpus) => gpus === 0) ? Math.max(1, idle) : idle];
    });
    return split(
      total(pool.name, own),
      [...models.map(({ name }) => name), `idle GPUs of pool ${pool.name}`],
      weights,
    );
  });
  const providers = use.filter(({ bound }) => bound === "gateway");
  const rest = [
    ...lines.filter(({ pool }) => !config.gpuPools.some(({ name }) => name === pool)),
    ...use.filter(({ bound }) => bound !== "gateway"),
  ];
  return [
    ...pools,
    ...providers.map(({ name, monthlyUsd }) => ({ name: `provider ${name}`, monthlyUsd })),
    total(PLATFORM, rest),
  ].filter(({ monthlyUsd }) =>
    [monthlyUsd.min, monthlyUsd.expected, monthlyUsd.max].some((usd) => usd !== "0.00"),
  );
}

/** Names that clients call a part of `byModel` by; none for what everybody shares. */
function namesOf(config: PlatformConfig, part: string): readonly string[] {
  const model = config.models.find(({ name }) => name === part);
  if (model !== undefined) return servedNames(model);
  const provider = config.providers.find(({ name }) => `provider ${name}` === part);
  return provider?.models.map(({ name }) => name) ?? [];
}

/**
 * Cost per client of the gateway, by the tokens a minute that each may use of a model, until there are measurements; idle GPUs and
 * the platform by the same limits over everything.
 */
export function byClient(config: PlatformConfig, parts: readonly Part[]): Part[] {
  const { clients } = config.gateway;
  if (clients.length === 0) return [total("no client", parts)];
  const shares = parts.flatMap((part) => {
    const served = namesOf(config, part.name);
    const callers = clients.filter(({ models }) => models.some((model) => served.includes(model)));
    const payers = callers.length === 0 ? clients : callers;
    const weights = payers.map(({ tokensPerMinute }) => tokensPerMinute);
    return split(
      part,
      payers.map(({ id }) => id),
      { min: weights, expected: weights, max: weights },
    );
  });
  return merged(shares);
}
