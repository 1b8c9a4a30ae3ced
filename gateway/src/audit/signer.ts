import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  sign,
  verify,
} from "node:crypto";
import type { KeyObject } from "node:crypto";
import { canonicalJson } from "./canonical-json.ts";
import type { AuditRecord, CheckpointBody, RecordHeader } from "./record.ts";

const DOMAIN = "llmops-audit-checkpoint/1\n";

/** Signs checkpoints. */
export interface CheckpointSigner {
  /** Id of the key: the first 16 hex digits of the SHA-256 of its public key (SPKI, DER). */
  readonly keyId: string;
  /** Public half, PEM. */
  readonly publicKeyPem: string;
  /** Signs a message; base64. */
  sign(message: string): string;
}

/** Public keys a verifier accepts, by key id. */
export type TrustedKeys = ReadonlyMap<string, KeyObject>;

/** Raised for a key that is not Ed25519. */
export class WrongKeyTypeError extends Error {
  constructor(found: string) {
    super(`checkpoint keys are Ed25519, this one is ${found}`);
    this.name = "WrongKeyTypeError";
  }
}

function requireEd25519(key: KeyObject): KeyObject {
  if (key.asymmetricKeyType !== "ed25519") throw new WrongKeyTypeError(key.asymmetricKeyType ?? "symmetric");
  return key;
}

/** Id of a public key. */
export function keyIdOf(publicKey: KeyObject): string {
  return createHash("sha256")
    .update(publicKey.export({ type: "spki", format: "der" }))
    .digest("hex")
    .slice(0, 16);
}

/**
 * Makes a signer from a PEM private key.
 * @throws WrongKeyTypeError when the key is not Ed25519.
 */
export function signerFromPem(pem: string): CheckpointSigner {
  const privateKey = requireEd25519(createPrivateKey(pem));
  const publicKey = createPublicKey(privateKey);
  return {
    keyId: keyIdOf(publicKey),
    publicKeyPem: publicKey.export({ type: "spki", format: "pem" }).toString(),
    sign: (message) => sign(null, Buffer.from(message), privateKey).toString("base64"),
  };
}

/** Makes a new private key, PEM (PKCS #8). */
export function generateSigningKeyPem(): string {
  return generateKeyPairSync("ed25519").privateKey.export({ type: "pkcs8", format: "pem" }).toString();
}

/**
 * Reads the public keys a verifier trusts.
 * @throws WrongKeyTypeError when one is not Ed25519.
 */
export function trustedKeysFromPem(pems: readonly string[]): TrustedKeys {
  return new Map(
    pems.map((pem) => {
      const key = requireEd25519(createPublicKey(pem));
      return [keyIdOf(key), key] as const;
    }),
  );
}

function statement(header: RecordHeader, reason: CheckpointBody["reason"], key: string): string {
  return DOMAIN + canonicalJson({ ...header, body: { kind: "checkpoint", reason, key } });
}

/** Builds a signed checkpoint at the given place; the signature covers writer, seq, prev, time and reason. */
export function checkpointAt(
  header: RecordHeader,
  reason: CheckpointBody["reason"],
  signer: CheckpointSigner,
): AuditRecord {
  const signature = signer.sign(statement(header, reason, signer.keyId));
  return { ...header, body: { kind: "checkpoint", reason, key: signer.keyId, signature } };
}

/** Checks a checkpoint's signature against the trusted keys. */
export function checkCheckpoint(
  record: RecordHeader & { readonly body: CheckpointBody },
  trusted: TrustedKeys,
): "valid" | "unknown-key" | "bad-signature" {
  const { body, ...header } = record;
  const key = trusted.get(body.key);
  if (key === undefined) return "unknown-key";
  const message = Buffer.from(statement(header, body.reason, body.key));
  return verify(null, message, key, Buffer.from(body.signature, "base64")) ? "valid" : "bad-signature";
}
