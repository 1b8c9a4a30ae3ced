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

/** Index of the choice a draw in [0, 1) falls on, in proportion to the weights. */
export function weighted(choices: readonly { readonly weight: number }[], draw: number): number {
  let left = draw * choices.reduce((sum, { weight }) => sum + weight, 0);
  const index = choices.findIndex(({ weight }) => (left -= weight) < 0);
  return index === -1 ? choices.length - 1 : index;
}

/**
 * Upstreams to try, in order: one route by weight, then the other routes, then the fallbacks, at most `attempts`.
 * @param draw number in [0, 1): random, or a hash of who must always get the same route
 */
export function planFor(
  { fallbacks, attempts }: Pick<ModelConfig, "fallbacks" | "attempts">,
  routes: ModelConfig["routes"],
  draw: number,
): Target[] {
  const chosen = weighted(routes, draw);
  const ordered = [...routes.slice(chosen), ...routes.slice(0, chosen)];
  const targets = [...ordered, ...fallbacks].map(({ upstream, model }) => ({ upstream, model }));
  const first = targets[0] as Target;
  const missing = Math.max(0, attempts - targets.length);
  return [...targets, ...Array<Target>(missing).fill(first)].slice(0, attempts);
}
