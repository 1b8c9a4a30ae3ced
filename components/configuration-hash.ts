import { createHash } from "node:crypto";

/**
 * Annotation of a pod template by the text its pods read once at their start, so that another text starts other pods.
 * @param text content of the mounted configuration
 */
export function configurationHash(text: string): Readonly<Record<string, string>> {
  return { "llmops.io/configuration": createHash("sha256").update(text).digest("hex").slice(0, 16) };
}
