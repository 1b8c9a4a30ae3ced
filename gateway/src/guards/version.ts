import { canonicalJson } from "../audit/canonical-json.ts";
import { sha256Hex } from "../audit/chain.ts";
import { gatewayConfigSchema, type GatewayConfigInput } from "../config/schema.ts";
import { rulesOf } from "./rules.ts";

/** Identity of the guardrails: every rule with its defaults filled in, and the version of every detector. */
export function guardrailVersion(guards: GatewayConfigInput["guards"]): `sha256:${string}` {
  const rules = gatewayConfigSchema.shape.guards.parse(guards);
  const detectors = Object.fromEntries(
    rulesOf([...rules.input, ...rules.output]).map(({ detector: { name, version } }) => [name, version]),
  );
  return `sha256:${sha256Hex(canonicalJson({ rules, detectors }))}`;
}
