import { randomBytes } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { generateSigningKeyPem } from "../audit/signer.ts";
import type { OwnSecret, SecretSource } from "./schema.ts";

/** Raised when a configured secret is not there. */
export class MissingSecretError extends Error {
  constructor(where: string) {
    super(`there is no secret in ${where}`);
    this.name = "MissingSecretError";
  }
}

/**
 * Reads a secret.
 * @throws MissingSecretError when the variable or the file is empty.
 */
export async function readSecret(source: SecretSource): Promise<string> {
  const value =
    source.from === "env" ? (process.env[source.name] ?? "") : await readFile(source.path, "utf8");
  if (value.trim() === "")
    throw new MissingSecretError(source.from === "env" ? `variable ${source.name}` : source.path);
  return value.trim();
}

async function readOrGenerate(path: string, generate: () => string): Promise<string> {
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    await writeFile(path, generate(), { flag: "wx", mode: 0o600 });
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
  }
  return readSecret({ from: "file", path });
}

/** Private key of the checkpoints, PEM; a generated one is kept in its file. */
export function readSigningKey(source: OwnSecret): Promise<string> {
  return source.from === "generated"
    ? readOrGenerate(source.path, generateSigningKeyPem)
    : readSecret(source);
}

/** A key of random bytes (base64); a generated one has 32 and is kept in its file. */
export async function readKeyBytes(source: OwnSecret): Promise<Buffer> {
  const text =
    source.from === "generated"
      ? await readOrGenerate(source.path, () => randomBytes(32).toString("base64"))
      : await readSecret(source);
  return Buffer.from(text, "base64");
}
