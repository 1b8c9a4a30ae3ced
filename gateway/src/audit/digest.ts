import { createHmac, hkdfSync } from "node:crypto";
import { sha256Hex } from "./chain.ts";

/** Keyed digests of one tenant: equal inputs can be matched by who holds the key and guessed by nobody else. */
export interface TenantDigester {
  /** Digest of content; `domain` keeps equal texts in different roles apart. */
  digest(
    domain: "input" | "output" | "subject" | "reviewer" | "tool-call",
    content: string | Uint8Array,
  ): string;
  /** Digest of a request whose body was not read. */
  readonly noInput: string;
}

/** Shortest master secret accepted, in bytes. */
export const MIN_SECRET_BYTES = 32;

/**
 * Derives the digest key of each tenant from one secret (HKDF-SHA-256) and computes HMAC-SHA-256 digests.
 * @throws RangeError when the secret is shorter than 32 bytes.
 */
export function tenantDigests(secret: Buffer): (tenant: string) => TenantDigester {
  if (secret.length < MIN_SECRET_BYTES)
    throw new RangeError(`a digest secret has at least ${MIN_SECRET_BYTES} bytes`);
  const known = new Map<string, TenantDigester>();
  return (tenant) => {
    const existing = known.get(tenant);
    if (existing !== undefined) return existing;
    const key = Buffer.from(hkdfSync("sha256", secret, tenant, "llmops-audit-digest/1", 32));
    const digest: TenantDigester["digest"] = (domain, content) =>
      `hmac-sha256:${createHmac("sha256", key).update(`${domain}\n`).update(content).digest("hex")}`;
    const digester: TenantDigester = { digest, noInput: digest("input", sha256Hex("")) };
    known.set(tenant, digester);
    return digester;
  };
}
