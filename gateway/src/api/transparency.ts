import type { GatewayConfig } from "../config/schema.ts";

/** What people and machines are told about generated answers. */
export type Transparency = GatewayConfig["transparency"];

/**
 * Headers of an answer that a model generated.
 *
 * `ai-disclosure` follows draft-abaris-aicdh-01, an expired individual Internet-Draft: the best-known form, not a standard
 * (https://datatracker.ietf.org/doc/draft-abaris-aicdh/). `x-ai-interaction` carries the sentence an application shows
 * before the first answer (AI Act Art. 50(1)), in the encoding of RFC 8187.
 */
export function transparencyHeaders(
  { marking, disclosure }: Transparency,
  model: string,
): Record<string, string> {
  return {
    ...(marking === "headers" ? { "ai-disclosure": `mode=ai-originated, model="${model}"` } : {}),
    ...(disclosure.kind === "notice"
      ? { "x-ai-interaction": `text*=UTF-8'${disclosure.language}'${encodeURIComponent(disclosure.text)}` }
      : {}),
  };
}
