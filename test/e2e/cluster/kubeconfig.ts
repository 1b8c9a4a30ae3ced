import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ApiServer } from "./api-server.ts";

/** Who a program is for the API server. */
interface User {
  readonly name: string;
  readonly token: string;
}

/** Writes a kubeconfig and returns its path. */
export function writeKubeconfig(
  { folder, url }: Pick<ApiServer, "folder" | "url">,
  { name, token }: User,
): string {
  const file = join(folder, `${name}.kubeconfig`);
  const content = {
    apiVersion: "v1",
    kind: "Config",
    "current-context": "loopback",
    clusters: [{ name: "loopback", cluster: { server: url, "insecure-skip-tls-verify": true } }],
    users: [{ name, user: { token } }],
    contexts: [{ name: "loopback", context: { cluster: "loopback", user: name } }],
  };
  writeFileSync(file, JSON.stringify(content));
  return file;
}

/**
 * A token of a service account, as the kubelet asks for it.
 * @throws Error with the server's message
 */
export async function tokenOf(
  api: Pick<ApiServer, "send">,
  { namespace, name }: { readonly namespace: string; readonly name: string },
): Promise<string> {
  const { status, body } = await api.send(
    "POST",
    `/api/v1/namespaces/${namespace}/serviceaccounts/${name}/token`,
    { apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest", spec: {} },
  );
  if (status !== 201) throw new Error(`token of ${namespace}/${name}: ${status} ${body.message ?? ""}`);
  return (body["status"] as { token: string }).token;
}
