import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

/** Files of a certificate signed by the authority of the same folder. */
export interface Certificate {
  readonly certificate: string;
  readonly key: string;
}

function openssl(folder: string, args: readonly string[]): void {
  execFileSync("openssl", args, { cwd: folder, stdio: ["ignore", "ignore", "pipe"] });
}

/** An authority for one run: `ca.crt` and `ca.key` in the folder. */
export function createAuthority(folder: string): string {
  const request = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=loopback"];
  openssl(folder, [...request, "-keyout", "ca.key", "-out", "ca.crt"]);
  return join(folder, "ca.crt");
}

/** A certificate for a common name, valid for localhost, signed by the folder's authority. */
export function createCertificate(folder: string, name: string): Certificate {
  const [key, request, certificate, extensions] = ["key", "csr", "crt", "ext"].map(
    (end) => `${name}.${end}`,
  ) as [string, string, string, string];
  writeFileSync(
    join(folder, extensions),
    "subjectAltName=DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=serverAuth,clientAuth\n",
  );
  openssl(folder, [
    "req",
    "-newkey",
    "rsa:2048",
    "-nodes",
    "-subj",
    `/CN=${name}`,
    "-keyout",
    key,
    "-out",
    request,
  ]);
  openssl(folder, [
    "x509",
    "-req",
    "-in",
    request,
    "-CA",
    "ca.crt",
    "-CAkey",
    "ca.key",
    "-CAcreateserial",
    "-days",
    "2",
    "-extfile",
    extensions,
    "-out",
    certificate,
  ]);
  return { certificate: join(folder, certificate), key: join(folder, key) };
}
