import type { IncomingMessage, ServerResponse } from "node:http";
import { AuditUnavailableError } from "../audit/wal.ts";
import type { EndpointPath } from "../config/schema.ts";
import { ENDPOINTS } from "../config/schema.ts";
import { identify } from "../identity/caller.ts";
import { AUDIT_UNAVAILABLE, refuse, repeatedHeader, send } from "./http.ts";
import type { Refusal } from "./http.ts";
import type { Policy, Runtime } from "./runtime.ts";
import { Serving } from "./serving.ts";

function isEndpoint(path: string): path is EndpointPath {
  return (ENDPOINTS as readonly string[]).includes(path);
}

/** The models of a client in the form of both the OpenAI and the Anthropic list. */
function modelList(models: readonly string[]): object {
  const data = models.map((id) => ({
    id,
    object: "model",
    type: "model",
    display_name: id,
    created: 0,
    created_at: "1970-01-01T00:00:00Z",
    owned_by: "gateway",
  }));
  return {
    object: "list",
    data,
    has_more: false,
    first_id: models[0] ?? null,
    last_id: models.at(-1) ?? null,
  };
}

/** Serves one request of the model API. */
export async function serve(
  runtime: Runtime,
  policy: Policy,
  req: IncomingMessage,
  res: ServerResponse,
  path: string,
): Promise<void> {
  const turnAway = (reason: string, refusal: Refusal): void => {
    runtime.audit.reject(reason);
    runtime.metrics.rejected.inc({ reason });
    refuse(res, path, refusal);
  };
  const repeated = repeatedHeader(req);
  if (repeated !== null) {
    turnAway("repeated-header", {
      status: 400,
      code: "header_repeated",
      message: `The header ${repeated} is there more than once.`,
    });
    return;
  }
  if (path !== "/v1/models" && !isEndpoint(path)) {
    turnAway("unknown-path", {
      status: 404,
      code: "unknown_url",
      message: `Unknown request URL: ${path.slice(0, 200)}`,
    });
    return;
  }
  const caller = await identify(policy.directory, req);
  if (caller === null) {
    turnAway("unauthenticated", {
      status: 401,
      code: "invalid_api_key",
      message: "The API key is missing or not known.",
    });
    return;
  }
  const method = path === "/v1/models" ? "GET" : "POST";
  if (req.method !== method) {
    turnAway("method", { status: 405, code: "method_not_allowed", message: `Use ${method}.` });
    return;
  }
  if (!isEndpoint(path)) {
    send(res, 200, "application/json", JSON.stringify(modelList(caller.client.models)));
    return;
  }
  const { health } = runtime.audit;
  if (health.kind === "unavailable") {
    runtime.metrics.rejected.inc({ reason: "audit-unavailable" });
    refuse(res, path, AUDIT_UNAVAILABLE);
    return;
  }
  try {
    await new Serving(runtime, policy, caller, req, res, path).run();
  } catch (error) {
    if (!(error instanceof AuditUnavailableError)) throw error;
    refuse(res, path, AUDIT_UNAVAILABLE);
  }
}
