import type { ModelConfig } from "../config/schema.ts";

/** What is known of a request before any model sees it. */
export interface RequestSize {
  /** Estimated input tokens. */
  readonly inputTokens: number;
  readonly messages: number;
  readonly tools: number;
}

/** Routes for a request: those of the first tier whose bounds it keeps, or the model's own. */
export function routesFor(
  model: Pick<ModelConfig, "routes" | "tiers">,
  size: RequestSize,
): ModelConfig["routes"] {
  const tier = model.tiers.find(
    ({ maxInputTokens, maxMessages, tools }) =>
      size.inputTokens <= maxInputTokens &&
      size.messages <= maxMessages &&
      (tools === "allowed" || size.tools === 0),
  );
  return tier?.routes ?? model.routes;
}
