import type { JsonObject } from "../api/endpoint.ts";
import { objectsIn } from "../api/endpoint.ts";
import type { EndpointPath, ModelConfig } from "../config/schema.ts";
import { weighted } from "./plan.ts";

/** A system prompt under comparison. */
export type PromptVariant = ModelConfig["prompts"][number];

/** The prompt a draw in [0, 1) falls on, or null when none is under comparison. */
export function promptFor(model: ModelConfig, draw: number): PromptVariant | null {
  return model.prompts[weighted(model.prompts, draw)] ?? null;
}

/** Puts a system prompt before what the caller wrote, in the form of the endpoint, with the settings it was written for. */
export function withPrompt(
  path: EndpointPath,
  given: JsonObject,
  { system, settings }: Pick<PromptVariant, "system" | "settings">,
): JsonObject {
  const body: JsonObject = { ...given, ...settings };
  if (path === "/v1/messages") {
    const { system: own } = body;
    if (Array.isArray(own)) return { ...body, system: [{ type: "text", text: system }, ...own] };
    return { ...body, system: typeof own === "string" ? `${system}\n\n${own}` : system };
  }
  if (path === "/v1/responses") {
    const { instructions } = body;
    return {
      ...body,
      instructions: typeof instructions === "string" ? `${system}\n\n${instructions}` : system,
    };
  }
  return { ...body, messages: [{ role: "system", content: system }, ...objectsIn(body["messages"])] };
}
