import { createHash } from "node:crypto";
import { isRecord, valueAt, type GraphValue } from "../../graph/values.ts";
import { listed } from "./reading.ts";

function sorted(value: GraphValue): GraphValue {
  if (Array.isArray(value)) return (value as readonly GraphValue[]).map(sorted);
  if (!isRecord(value)) return value;
  return Object.fromEntries(
    Object.keys(value)
      .sort()
      .map((key) => [key, sorted(value[key] ?? null)]),
  );
}

function digest(value: GraphValue): string {
  return `sha256:${createHash("sha256")
    .update(JSON.stringify(sorted(value)))
    .digest("hex")}`;
}

/** What goes before and around a model; an evaluation without them says nothing about answers. */
export interface SurroundingHashes {
  /** Of the system prompts the gateway adds for the model; `none` without any. */
  readonly prompt: string;
  /** Of every guard of the gateway. */
  readonly guardrails: string;
}

/**
 * Hashes of prompts and guardrails in a configuration of the gateway.
 * @param configuration parsed file
 */
export function surroundingHashes(configuration: GraphValue, model: string): SurroundingHashes {
  const entry = listed(valueAt(configuration, "models")).find((each) => valueAt(each, "name") === model);
  const prompts = listed(entry === undefined ? undefined : valueAt(entry, "prompts"));
  return {
    prompt: prompts.length === 0 ? "none" : digest(prompts),
    guardrails: digest(valueAt(configuration, "guards") ?? {}),
  };
}
