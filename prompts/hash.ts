import { createHash } from "node:crypto";
import { canonicalJson } from "../gateway/src/audit/canonical-json.ts";
import type { Prompt, VariableValue } from "./prompt.ts";

/**
 * SHA-256 of what a prompt makes of its variables: settings, schema, template and values, in canonical JSON (RFC 8785), so that
 * order, comments and layout of the file do not count. The description does not count either.
 */
export function promptHash(
  { settings, variables, defaults, template }: Prompt,
  given: Readonly<Record<string, VariableValue>> = {},
): `sha256:${string}` {
  const content = {
    settings,
    variables: Object.fromEntries(variables.map(({ name, need, type }) => [name, { need, type }])),
    values: { ...defaults, ...given },
    template,
  };
  return `sha256:${createHash("sha256").update(canonicalJson(content)).digest("hex")}`;
}
