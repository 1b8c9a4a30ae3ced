import { routed } from "../simulation/repeats.ts";
import type { PlatformConfig } from "../stacks/schema/platform.ts";
import { TrafficError, trafficOfRequests, type Traffic } from "./traffic.ts";

/**
 * Traffic of each model after the gateway has sent simple requests to a smaller one (`models[].tiers`). A trace says nothing of
 * messages and tools: one and none are taken, so the share that is simple is the highest there can be.
 * @throws TrafficError where nothing says which requests are simple, or a smaller model has a traffic of its own
 */
export function afterRouting(
  { models }: Pick<PlatformConfig, "models">,
  traffic: ReadonlyMap<string, Traffic>,
): ReadonlyMap<string, Traffic> {
  const after = new Map(traffic);
  for (const [name, arriving] of traffic) {
    const tiers = models.find((model) => model.name === name)?.tiers ?? [];
    if (tiers.length === 0) continue;
    if (arriving.requests === undefined)
      throw new TrafficError(
        `--trace ${name}=${arriving.name}: a profile has no lengths, so nothing says which requests models '${name}'.tiers sends elsewhere; use a trace of requests`,
      );
    const seconds = arriving.windowSeconds * arriving.windows.length;
    let rest = arriving.requests;
    for (const { model: smaller, maxInputTokens } of tiers) {
      const split = routed(rest, { maxInputTokens });
      rest = split.rest;
      if (split.simple.arrivals.length === 0) continue;
      if (after.has(smaller))
        throw new TrafficError(
          `--trace ${name}=${arriving.name}: '${smaller}' would take simple requests of it beside a traffic of its own; price one at a time`,
        );
      after.set(smaller, trafficOfRequests({ ...split.simple, name: `${arriving.name}, simple` }, seconds));
    }
    if (rest.arrivals.length === 0) after.delete(name);
    else after.set(name, trafficOfRequests({ ...rest, name: arriving.name }, seconds));
  }
  return after;
}
