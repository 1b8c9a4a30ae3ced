import { createHash, createPrivateKey, createPublicKey, sign, verify } from "node:crypto";
import type { KeyObject } from "node:crypto";
import { z } from "zod";

const envelopeSchema = z.strictObject({
  payloadType: z.string(),
  payload: z.base64(),
  signatures: z.array(z.strictObject({ keyid: z.string(), sig: z.base64() })).min(1),
});

/** A signed payload. @see https://github.com/secure-systems-lab/dsse/blob/master/protocol.md */
export type Envelope = z.output<typeof envelopeSchema>;

/** A key is none, or an envelope is malformed, of another type, or not signed by the key. */
export class EnvelopeError extends Error {
  override readonly name: string = "EnvelopeError";
}

/** Bytes that are signed: the type and the payload, each with its length. */
function preAuthentication(type: string, payload: Buffer): Buffer {
  return Buffer.concat([
    Buffer.from(`DSSEv1 ${Buffer.byteLength(type)} ${type} ${payload.length} `),
    payload,
  ]);
}

/** Id of a key: SHA-256 of its public form. */
function keyId(publicKey: KeyObject): string {
  return createHash("sha256")
    .update(publicKey.export({ type: "spki", format: "der" }))
    .digest("hex");
}

function readKey(read: () => KeyObject): KeyObject {
  let key: KeyObject;
  try {
    key = read();
  } catch {
    throw new EnvelopeError("the key cannot be read; it must be an Ed25519 key in PEM");
  }
  if (key.asymmetricKeyType !== "ed25519")
    throw new EnvelopeError(`the key is ${key.asymmetricKeyType ?? "unknown"}; it must be Ed25519`);
  return key;
}

/**
 * Signs the JSON form of a value.
 * @param privateKeyPem Ed25519 key in PEM
 * @throws EnvelopeError when the key is none
 */
export function signEnvelope(payloadType: string, value: unknown, privateKeyPem: string): Envelope {
  const key = readKey(() => createPrivateKey(privateKeyPem));
  const payload = Buffer.from(JSON.stringify(value));
  return {
    payloadType,
    payload: payload.toString("base64"),
    signatures: [
      {
        keyid: keyId(createPublicKey(key)),
        sig: sign(null, preAuthentication(payloadType, payload), key).toString("base64"),
      },
    ],
  };
}

/**
 * Checks an envelope and returns the JSON value in it.
 * @param what what the envelope should hold, for the message: `evidence record`
 * @throws EnvelopeError when it is malformed, of another type, or not signed by the key
 */
export function openEnvelope(
  envelope: unknown,
  payloadType: string,
  publicKeyPem: string,
  what: string,
): unknown {
  const key = readKey(() => createPublicKey(publicKeyPem));
  const parsed = envelopeSchema.safeParse(envelope);
  if (!parsed.success) throw new EnvelopeError(`this is not a signed ${what}`);
  const { payload, signatures } = parsed.data;
  if (parsed.data.payloadType !== payloadType)
    throw new EnvelopeError(`the payload is ${parsed.data.payloadType}, not ${payloadType}`);
  const bytes = Buffer.from(payload, "base64");
  const signed = preAuthentication(payloadType, bytes);
  const isSigned = signatures.some(
    ({ keyid, sig }) => keyid === keyId(key) && verify(null, signed, key, Buffer.from(sig, "base64")),
  );
  if (!isSigned) throw new EnvelopeError("no signature of this key fits: changed, or signed by another key");
  return JSON.parse(bytes.toString("utf8")) as unknown;
}
