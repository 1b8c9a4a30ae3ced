import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { EmbeddedModel } from "../engine/embedded.ts";

/** Folder of everything `npm run model:install` fetches; ignored by git. */
export const MODEL_CACHE = join(import.meta.dirname, "..", "..", ".cache", "model");

/** Name of the model file. */
export const MODEL_FILE = "SmolLM2-135M-Instruct.Q4_1.gguf";

/** Written last, so that a broken installation is not taken for a whole one. */
export const INSTALLED_MARK = join(MODEL_CACHE, "installed.json");

/** The embedded model, or undefined when it is not installed. */
export function installedModel(): EmbeddedModel | undefined {
  return existsSync(INSTALLED_MARK)
    ? { modelPath: join(MODEL_CACHE, MODEL_FILE), runtimeFolder: join(MODEL_CACHE, "runtime") }
    : undefined;
}

/**
 * Digest of the installed model file, as its installation verified it.
 * @throws Error when it is not installed
 */
export function installedDigest(): `sha256:${string}` {
  const { sha256 } = JSON.parse(readFileSync(INSTALLED_MARK, "utf8")) as { readonly sha256: string };
  return `sha256:${sha256}`;
}
