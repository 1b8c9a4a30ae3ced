import { readFile } from "node:fs/promises";
import { createLocalJWKSet, createRemoteJWKSet, jwtVerify } from "jose";
import type { JSONWebKeySet, JWTVerifyGetKey } from "jose";
import type { GatewayConfig } from "../config/schema.ts";

/** Checks a token and returns its subject, or null for a token that does not hold. */
export type TokenVerifier = (token: string) => Promise<string | null>;

/** How tokens are checked. */
export type TokenSettings = NonNullable<GatewayConfig["tokens"]>;

const ALGORITHMS = ["RS256", "PS256", "ES256", "EdDSA"];

/**
 * Makes a verifier of JSON Web Tokens (RFC 7519): signature, issuer, audience and times; `none` and symmetric
 * algorithms are never accepted.
 */
export async function tokenVerifier(settings: TokenSettings): Promise<TokenVerifier> {
  const { issuer, audience, keys, subjectClaim } = settings;
  const source: JWTVerifyGetKey =
    keys.from === "url"
      ? createRemoteJWKSet(new URL(keys.url), { timeoutDuration: 3_000 })
      : createLocalJWKSet(JSON.parse(await readFile(keys.path, "utf8")) as JSONWebKeySet);
  return async (token) => {
    try {
      const { payload } = await jwtVerify(token, source, {
        issuer,
        audience,
        algorithms: ALGORITHMS,
        requiredClaims: ["exp"],
        clockTolerance: 30,
      });
      const subject = payload[subjectClaim];
      return typeof subject === "string" && subject !== "" ? subject : null;
    } catch {
      return null;
    }
  };
}
