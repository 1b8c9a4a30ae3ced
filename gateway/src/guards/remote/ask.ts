import { request } from "undici";
import { canonicalJson } from "../../audit/canonical-json.ts";
import type { GatewayConfig } from "../../config/schema.ts";
import { readSecret } from "../../config/secrets.ts";
import type { VerdictBook } from "../inspect.ts";
import { genericExchange } from "./generic.ts";
import { llamaGuardExchange } from "./llama-guard.ts";
import { nemoExchange } from "./nemo.ts";
import { presidioExchange } from "./presidio.ts";
import type { RemoteExchange, RemoteQuestion, RemoteVerdict } from "./verdict.ts";
import { unclear } from "./verdict.ts";

/** One guard behind HTTP as configured. */
export type RemoteGuardConfig = GatewayConfig["guards"]["remote"][number];

function exchangeOf(guard: RemoteGuardConfig, question: RemoteQuestion): RemoteExchange {
  switch (guard.kind) {
    case "generic":
      return genericExchange(question);
    case "presidio":
      return presidioExchange(guard, question);
    case "llama-guard":
      return llamaGuardExchange(guard.model, question);
    case "nemo":
      return nemoExchange(guard, question);
  }
}

/** Asks one guard. Fails closed: a late, broken or unclear answer is an error, and the caller blocks on errors. */
export async function askRemoteGuard(
  guard: RemoteGuardConfig,
  question: RemoteQuestion,
): Promise<RemoteVerdict> {
  const { path, body, read } = exchangeOf(guard, question);
  try {
    const key = guard.credential === null ? null : await readSecret(guard.credential);
    const response = await request(`${guard.url.replace(/\/$/, "")}${path}`, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        ...(key === null ? {} : { authorization: `Bearer ${key}` }),
      },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(guard.deadlineMs),
    });
    const answer: unknown = await response.body.json();
    return response.statusCode === 200 ? read(answer) : unclear(`status ${response.statusCode}`);
  } catch (error) {
    return unclear(error instanceof Error ? error.name : "unknown");
  }
}

/** Asks all guards of a side at once and notes their verdicts; returns the first that did not pass, or null. */
export async function askRemoteGuards(
  guards: readonly RemoteGuardConfig[],
  side: RemoteQuestion["side"],
  body: unknown,
  book: VerdictBook,
): Promise<string | null> {
  const asked = guards.filter(({ sides }) => sides.includes(side));
  if (asked.length === 0) return null;
  const question = { side, text: canonicalJson(body) };
  const verdicts = await Promise.all(asked.map((guard) => askRemoteGuard(guard, question)));
  let stopped: string | null = null;
  verdicts.forEach((verdict, at) => {
    const { name } = asked[at] as RemoteGuardConfig;
    if (verdict.kind === "error") book.note(name, "unknown", "error", { [verdict.reason]: 1 });
    else book.note(name, verdict.version, verdict.kind, verdict.kind === "block" ? verdict.found : {});
    if (verdict.kind !== "pass") stopped ??= name;
  });
  return stopped;
}
