import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { z } from "zod";
import { sha256Hex } from "../audit/chain.ts";
import type { GatewayConfig } from "../config/schema.ts";
import { subjectFolder } from "../content/vault.ts";
import { brakeName, EVERY_MODEL } from "../oversight/brakes.ts";
import { readBody, refuse, send } from "./http.ts";
import type { Runtime } from "./runtime.ts";

type Role = AdminConfig["keys"][number]["roles"][number];
type AdminConfig = NonNullable<GatewayConfig["admin"]>;

/** One operation of the administration interface. */
interface Operation {
  readonly method: "GET" | "POST";
  readonly path: RegExp;
  readonly role: Role;
  readonly run: (call: AdminCall) => Promise<void>;
}

interface AdminCall {
  readonly runtime: Runtime;
  readonly config: AdminConfig;
  readonly res: ServerResponse;
  /** Id of the administration key. */
  readonly who: string;
  /** First 12 hex digits of the SHA-256 of the key. */
  readonly credential: string;
  readonly query: URLSearchParams;
  /** Groups of the path. */
  readonly parts: readonly string[];
  readonly body: unknown;
}

const BODY_BYTES = 256 * 1024;
const BODY_MS = 5_000;

const decisionSchema = z.strictObject({ decision: z.enum(["approved", "denied"]) });
const erasureSchema = z.strictObject({ tenant: z.string().min(1), subject: z.string().min(1) });
const scope = z
  .string()
  .regex(/^[a-z0-9]([a-z0-9._-]{0,62}[a-z0-9])?$/)
  .default(EVERY_MODEL);
const brakeSchema = z.strictObject({ model: scope, reason: z.string().min(3).max(500) });
const alertsSchema = z.object({
  status: z.enum(["firing", "resolved"]),
  alerts: z
    .array(
      z.object({
        status: z.enum(["firing", "resolved"]),
        labels: z.record(z.string(), z.string()),
      }),
    )
    .min(1),
});
const stateSchema = z.enum(["pending", "approved", "denied", "used"]).catch("pending");

function answer(res: ServerResponse, status: number, body: unknown): void {
  send(res, status, "application/json", JSON.stringify(body));
}

function reject(res: ServerResponse, status: number, code: string, message: string): void {
  refuse(res, "/admin", { status, code, message });
}

async function listReviews({ runtime, res, query }: AdminCall): Promise<void> {
  answer(res, 200, { reviews: await runtime.oversight.queue.list(stateSchema.parse(query.get("state"))) });
}

async function decideReview({ runtime, res, who, parts, body }: AdminCall): Promise<void> {
  const parsed = decisionSchema.safeParse(body);
  if (!parsed.success) {
    reject(res, 400, "decision_invalid", 'Send {"decision": "approved"} or {"decision": "denied"}.');
    return;
  }
  const { decision } = parsed.data;
  const ticket = parts[0] ?? "";
  const pending = (await runtime.oversight.queue.list("pending")).find(({ id }) => id === ticket);
  if (pending !== undefined) {
    const reviewer = runtime.digests(pending.tenant).digest("reviewer", who);
    await runtime.audit.review({ kind: "review", ticket, id: pending.request, decision, reviewer });
    const result = await runtime.oversight.queue.decide(ticket, decision, reviewer);
    if (result.kind === "decided") {
      answer(res, 200, result.ticket);
      return;
    }
  }
  reject(res, 409, "not_pending", "No ticket with this id waits for a decision.");
}

async function erase({ runtime, res, body }: AdminCall): Promise<void> {
  const parsed = erasureSchema.safeParse(body);
  if (!parsed.success) {
    reject(res, 400, "erasure_invalid", 'Send {"tenant": "...", "subject": "..."}.');
    return;
  }
  if (runtime.vault === null) {
    reject(res, 409, "no_content", "No content is kept, so there is nothing to erase.");
    return;
  }
  const { tenant, subject } = parsed.data;
  const digest = runtime.digests(tenant).digest("subject", subject);
  const folder = subjectFolder(tenant, digest);
  const keys = await runtime.vault.keyIds(folder);
  await runtime.audit.erasure({ kind: "erasure", subject: digest, keys });
  await runtime.vault.erase(folder);
  answer(res, 200, { subject: digest, keys });
}

async function listBrakes({ runtime, res }: AdminCall): Promise<void> {
  answer(res, 200, { brakes: await runtime.brakes.inForce() });
}

/** Stops or releases models; the record is durable before the brake moves. */
function braking(action: "stop" | "release"): Operation["run"] {
  return async ({ runtime, res, credential, body }) => {
    const parsed = brakeSchema.safeParse(body);
    if (!parsed.success) {
      reject(res, 400, "brake_invalid", 'Send {"model": "<name or all>", "reason": "..."}.');
      return;
    }
    const { model, reason } = parsed.data;
    const brake = { kind: "stop", scope: model, since: new Date().toISOString() } as const;
    await runtime.audit.brake({ kind: "brake", action, scope: model, reason, by: credential });
    if (action === "stop") await runtime.brakes.put(brake);
    else await runtime.brakes.release(brakeName(brake));
    answer(res, 200, { brakes: await runtime.brakes.inForce() });
  };
}

/** Label of alerts that ask for throttling. */
const THROTTLING = "throttle";

/**
 * Takes Alertmanager's notification: throttles while an alert with `action="throttle"` fires, releases when all are over.
 * @see https://prometheus.io/docs/alerting/latest/configuration/#webhook_config
 */
async function takeAlerts({ runtime, config, res, credential, body }: AdminCall): Promise<void> {
  const parsed = alertsSchema.safeParse(body);
  if (!parsed.success) {
    reject(res, 400, "alerts_invalid", "This is not a notification of Alertmanager.");
    return;
  }
  const asking = parsed.data.alerts.filter(({ labels }) => labels["action"] === THROTTLING);
  const firing = asking.filter(({ status }) => status === "firing");
  const names = [...new Set((firing.length > 0 ? firing : asking).map(({ labels }) => labels["alertname"]))];
  const reason = names.map((name) => name ?? "unnamed alert").join(", ");
  const { share, minutes } = config.throttle;
  if (firing.length > 0) {
    const until = new Date(Date.now() + minutes * 60_000).toISOString();
    await runtime.audit.brake({ kind: "brake", action: "throttle", scope: "all", reason, by: credential });
    await runtime.brakes.put({ kind: "throttle", share, until });
  } else if (asking.length > 0) {
    await runtime.audit.brake({
      kind: "brake",
      action: "release",
      scope: THROTTLING,
      reason,
      by: credential,
    });
    await runtime.brakes.release(THROTTLING);
  }
  answer(res, 200, { brakes: await runtime.brakes.inForce() });
}

const OPERATIONS: readonly Operation[] = [
  { method: "GET", path: /^\/admin\/reviews$/, role: "review", run: listReviews },
  { method: "POST", path: /^\/admin\/reviews\/([0-9a-f-]{36})$/, role: "review", run: decideReview },
  { method: "POST", path: /^\/admin\/erasures$/, role: "erase", run: erase },
  { method: "GET", path: /^\/admin\/brakes$/, role: "stop", run: listBrakes },
  { method: "POST", path: /^\/admin\/stops$/, role: "stop", run: braking("stop") },
  { method: "POST", path: /^\/admin\/releases$/, role: "stop", run: braking("release") },
  { method: "POST", path: /^\/admin\/alerts$/, role: "throttle", run: takeAlerts },
];

async function bodyOf(req: IncomingMessage): Promise<unknown> {
  const read = await readBody(req, BODY_BYTES, BODY_MS);
  if (read.kind === "refused") return undefined;
  try {
    return JSON.parse(read.bytes.toString("utf8")) as unknown;
  } catch {
    return undefined;
  }
}

async function handle(
  runtime: Runtime,
  config: AdminConfig,
  req: IncomingMessage,
  res: ServerResponse,
): Promise<void> {
  const url = new URL(req.url ?? "/", "http://admin");
  const operation = OPERATIONS.find(({ method, path }) => method === req.method && path.test(url.pathname));
  if (operation === undefined) {
    reject(res, 404, "unknown_url", "There is no such operation.");
    return;
  }
  const bearer = /^Bearer ([\x21-\x7e]{8,512})$/.exec(req.headers.authorization ?? "")?.[1];
  const digest = bearer === undefined ? "" : sha256Hex(bearer);
  const known = config.keys.find(({ key }) => key === digest);
  if (known === undefined) {
    reject(res, 401, "invalid_api_key", "The key is missing or not known.");
    return;
  }
  if (!known.roles.includes(operation.role)) {
    reject(res, 403, "role_missing", `This key does not have the role "${operation.role}".`);
    return;
  }
  await operation.run({
    runtime,
    res,
    config,
    who: known.id,
    credential: digest.slice(0, 12),
    query: url.searchParams,
    parts: operation.path.exec(url.pathname)?.slice(1) ?? [],
    body: operation.method === "POST" ? await bodyOf(req) : undefined,
  });
}

/** Makes the server for reviewers and for data-protection staff; it is apart from the model API and not listening yet. */
export function createAdminServer(runtime: Runtime, config: AdminConfig): Server {
  return createServer({ requestTimeout: 10_000 }, (req, res) => {
    handle(runtime, config, req, res).catch(() => {
      refuse(res, "/admin", {
        status: 503,
        code: "unavailable",
        message: "The operation could not be carried out.",
      });
    });
  });
}
