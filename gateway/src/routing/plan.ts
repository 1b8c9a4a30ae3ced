import { createHash } from "node:crypto";
import type { ModelConfig } from "../config/schema.ts";

/** One upstream and the model name it knows. */
export interface Target {
  readonly upstream: string;
  readonly model: string;
}

/** A number in [0, 1) that depends only on the text. */
export function fractionOf(text: string): number {
  return createHash("sha256").update(text).digest().readUInt32BE(0) / 2 ** 32;
}

/**
 * Upstreams to try, in order: one route by weight, then the other routes, then the fallbacks, at most `attempts`.
 * @param draw number in [0, 1): random, or a hash of who must always get the same route
 */
export function planFor(model: ModelConfig, draw: number): Target[] {
  const total = model.routes.reduce((sum, route) => sum + route.weight, 0);
  let left = draw * total;
  let chosen = model.routes.length - 1;
  for (const [index, route] of model.routes.entries()) {
    left -= route.weight;
    if (left < 0) {
      chosen = index;
      break;
    }
  }
  const routes = [...model.routes.slice(chosen), ...model.routes.slice(0, chosen)];
  const targets = [...routes, ...model.fallbacks].map(({ upstream, model: name }) => ({
    upstream,
    model: name,
  }));
  const first = targets[0] as Target;
  const padded =
    targets.length >= model.attempts
      ? targets
      : [...targets, ...Array<Target>(model.attempts - targets.length).fill(first)];
  return padded.slice(0, model.attempts);
}
