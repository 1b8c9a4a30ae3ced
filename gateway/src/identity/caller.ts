import type { IncomingMessage } from "node:http";
import { TLSSocket } from "node:tls";
import { sha256Hex } from "../audit/chain.ts";
import type { ClientConfig } from "../config/schema.ts";
import type { TokenVerifier } from "./tokens.ts";

/** Who calls and by what. */
export interface Caller {
  readonly client: ClientConfig;
  /** How the caller proved who it is. */
  readonly by: "key" | "token" | "certificate";
  /** First 12 hex digits of the SHA-256 of the key, the token's subject or the certificate's name. */
  readonly credential: string;
}

/** Clients by what they can present. */
export interface Directory {
  /** By SHA-256 of the key. */
  readonly keys: ReadonlyMap<string, ClientConfig>;
  /** By subject of a token. */
  readonly subjects: ReadonlyMap<string, ClientConfig>;
  /** By name in a certificate, for example `URI:spiffe://acme/app`. */
  readonly certificates: ReadonlyMap<string, ClientConfig>;
  /** Null when tokens are not accepted. */
  readonly tokens: TokenVerifier | null;
}

const BEARER = /^Bearer ([\x21-\x7e]{8,8192})$/;
const TOKEN = /^eyJ[\w-]+\.[\w-]+\.[\w-]+$/;

function caller(client: ClientConfig | undefined, by: Caller["by"], digest: string): Caller | null {
  return client === undefined ? null : { client, by, credential: digest.slice(0, 12) };
}

function byCertificate(directory: Directory, req: IncomingMessage): Caller | null {
  if (!(req.socket instanceof TLSSocket) || !req.socket.authorized) return null;
  const names = (req.socket.getPeerCertificate().subjectaltname ?? "").split(", ");
  for (const name of names) {
    const found = caller(directory.certificates.get(name), "certificate", sha256Hex(name));
    if (found !== null) return found;
  }
  return null;
}

/** Finds out who calls; null when nothing that was presented is known, or two things were presented at once. */
export async function identify(directory: Directory, req: IncomingMessage): Promise<Caller | null> {
  const bearer = BEARER.exec(req.headers.authorization ?? "")?.[1];
  const plain = req.headers["x-api-key"];
  if (bearer !== undefined && plain !== undefined) return null;
  const presented = bearer ?? (typeof plain === "string" ? plain : undefined);
  if (presented === undefined) {
    return req.headers.authorization === undefined ? byCertificate(directory, req) : null;
  }
  if (directory.tokens !== null && TOKEN.test(presented)) {
    const subject = await directory.tokens(presented);
    return subject === null ? null : caller(directory.subjects.get(subject), "token", sha256Hex(subject));
  }
  const key = sha256Hex(presented);
  return caller(directory.keys.get(key), "key", key);
}
