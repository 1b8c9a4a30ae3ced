import { request } from "undici";

/** Answer of a guard behind HTTP; everything that is not a clear pass is not a pass. */
export type RemoteVerdict =
  | { readonly kind: "pass"; readonly version: string }
  | { readonly kind: "block"; readonly version: string }
  | { readonly kind: "error"; readonly reason: string };

/** Settings of a guard behind HTTP. */
export interface RemoteGuardSettings {
  readonly name: string;
  readonly url: string;
  /** Longest wait in milliseconds. */
  readonly deadlineMs: number;
}

/**
 * Asks a guard service (`POST {side, text}` answered by `{verdict: "pass" | "block", version}`). Fails closed: a late,
 * broken or unclear answer is an error, and the caller blocks on errors.
 */
export async function askRemoteGuard(
  settings: RemoteGuardSettings,
  side: "input" | "output",
  text: string,
): Promise<RemoteVerdict> {
  try {
    const response = await request(settings.url, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ side, text }),
      signal: AbortSignal.timeout(settings.deadlineMs),
    });
    const answer: unknown = await response.body.json();
    if (response.statusCode !== 200) return { kind: "error", reason: `status ${response.statusCode}` };
    if (typeof answer !== "object" || answer === null) return { kind: "error", reason: "not an object" };
    const { verdict, version } = answer as Record<string, unknown>;
    if (typeof version !== "string") return { kind: "error", reason: "no version" };
    if (verdict === "pass" || verdict === "block") return { kind: verdict, version: version.slice(0, 64) };
    return { kind: "error", reason: "no verdict" };
  } catch (error) {
    return { kind: "error", reason: error instanceof Error ? error.name : "unknown" };
  }
}
