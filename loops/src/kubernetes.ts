import { readFileSync } from "node:fs";

/** How the API server is reached. */
export interface KubernetesAccess {
  readonly url: string;
  /** Read at each call: the kubelet rotates it. */
  readonly tokenFile: string;
}

/** The API server refused or did not answer. */
export class KubernetesError extends Error {
  override readonly name = "KubernetesError";
  /** HTTP status; 0 without an answer. */
  readonly status: number;

  constructor(what: string, status: number, detail: string) {
    super(`${what}: ${status === 0 ? "no answer" : status} ${detail}`);
    this.status = status;
  }
}

const TIMEOUT_MS = 10_000;

/**
 * One call of the Kubernetes API.
 * @throws KubernetesError for anything but success
 */
export async function callKubernetes(
  { url, tokenFile }: KubernetesAccess,
  method: "GET" | "POST" | "PATCH",
  path: string,
  body?: object,
): Promise<unknown> {
  const what = `${method} ${path}`;
  let response: Response;
  try {
    response = await fetch(new URL(path, url), {
      method,
      headers: {
        authorization: `Bearer ${readFileSync(tokenFile, "utf8").trim()}`,
        "content-type": method === "PATCH" ? "application/merge-patch+json" : "application/json",
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
  } catch (error) {
    throw new KubernetesError(what, 0, error instanceof Error ? error.message : String(error));
  }
  const text = await response.text();
  if (!response.ok) throw new KubernetesError(what, response.status, text.slice(0, 500));
  return JSON.parse(text) as unknown;
}
