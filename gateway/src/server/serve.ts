import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { canonicalJson } from "../audit/canonical-json.ts";
import { sha256Hex } from "../audit/chain.ts";
import type { DecisionBody, Exchange, GuardVerdict } from "../audit/record.ts";
import { AuditUnavailableError } from "../audit/wal.ts";
import type { ClientConfig, EndpointPath } from "../config/schema.ts";
import { ENDPOINTS } from "../config/schema.ts";
import { VerdictBook } from "../guards/inspect.ts";
import { inspectBody } from "../guards/leaves.ts";
import { askRemoteGuard } from "../guards/remote.ts";
import { costOf } from "../routing/money.ts";
import { fractionOf, planFor } from "../routing/plan.ts";
import { CallRunner } from "./call.ts";
import type { Refusal } from "./http.ts";
import { readBody, refuse, repeatedHeader, send } from "./http.ts";
import type { CallerContext, PreparedRequest } from "./prepare.ts";
import { callerContext, parseObject, prepare } from "./prepare.ts";
import type { Policy, Runtime } from "./runtime.ts";

function isEndpoint(path: string): path is EndpointPath {
  return (ENDPOINTS as readonly string[]).includes(path);
}

interface Caller {
  readonly client: ClientConfig;
  /** SHA-256 of the key. */
  readonly key: string;
}

function authenticate(policy: Policy, req: IncomingMessage): Caller | null {
  const bearer = /^Bearer ([\x21-\x7e]{8,512})$/.exec(req.headers.authorization ?? "")?.[1];
  const plain = req.headers["x-api-key"];
  if (bearer !== undefined && plain !== undefined) return null;
  const presented = bearer ?? (typeof plain === "string" ? plain : undefined);
  if (presented === undefined) return null;
  const key = sha256Hex(presented);
  const client = policy.clients.get(key);
  return client === undefined ? null : { client, key };
}

const UNAVAILABLE: Refusal = {
  status: 503,
  code: "audit_unavailable",
  message: "Calls cannot be recorded now.",
  retryAfterSeconds: 5,
};

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
  const caller = authenticate(policy, req);
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
    const data = caller.client.models.map((id) => ({ id, object: "model", created: 0, owned_by: "gateway" }));
    send(res, 200, "application/json", JSON.stringify({ object: "list", data }));
    return;
  }
  const { health } = runtime.audit;
  if (health.kind === "unavailable") {
    runtime.metrics.rejected.inc({ reason: "audit-unavailable" });
    refuse(res, path, UNAVAILABLE);
    return;
  }
  try {
    await new Serving(runtime, policy, caller, req, res, path).run();
  } catch (error) {
    if (!(error instanceof AuditUnavailableError)) throw error;
    refuse(res, path, UNAVAILABLE);
  }
}

class Serving {
  readonly #runtime: Runtime;
  readonly #policy: Policy;
  readonly #caller: Caller;
  readonly #req: IncomingMessage;
  readonly #res: ServerResponse;
  readonly #path: EndpointPath;
  readonly #started = performance.now();
  readonly #context: CallerContext;
  #exchange: Exchange;

  constructor(
    runtime: Runtime,
    policy: Policy,
    caller: Caller,
    req: IncomingMessage,
    res: ServerResponse,
    path: EndpointPath,
  ) {
    this.#runtime = runtime;
    this.#policy = policy;
    this.#caller = caller;
    this.#req = req;
    this.#res = res;
    this.#path = path;
    this.#context = callerContext(req.headers);
    const { client, key } = caller;
    const { trace, subject, reviewer, prompt } = this.#context;
    const digester = runtime.digests(client.tenant);
    this.#exchange = {
      id: randomUUID(),
      tenant: client.tenant,
      client: client.id,
      credential: key.slice(0, 12),
      endpoint: path,
      model: "other",
      stream: false,
      ...(trace === null ? {} : { trace }),
      ...(subject === null ? {} : { subject: digester.digest("subject", subject) }),
      ...(reviewer === null ? {} : { reviewer: digester.digest("reviewer", reviewer) }),
      ...(client.purpose === null ? {} : { purpose: client.purpose }),
      ...(prompt === null ? {} : { prompt }),
      config: policy.hash,
      input: digester.noInput,
      inputBytes: 0,
    };
  }

  async #decide(
    result: DecisionBody["result"],
    refusal: Refusal,
    guards: readonly GuardVerdict[] = [],
  ): Promise<void> {
    await this.#runtime.audit.decision({
      kind: "decision",
      ...this.#exchange,
      result,
      reason: refusal.code,
      status: refusal.status,
      guards,
    });
    this.#count(result, guards);
    refuse(this.#res, this.#path, refusal);
  }

  #count(result: string, guards: readonly GuardVerdict[]): void {
    const { requests, duration, verdicts } = this.#runtime.metrics;
    const { client, model, endpoint } = this.#exchange;
    requests.inc({ client, model, endpoint, result });
    duration.observe({ model, endpoint, result }, (performance.now() - this.#started) / 1000);
    for (const { guard, side, action } of guards) verdicts.inc({ guard, side, action });
  }

  async run(): Promise<void> {
    const { config } = this.#policy;
    if (
      !/^application\/json\s*(;|$)/i.test(this.#req.headers["content-type"] ?? "") ||
      this.#req.headers["content-encoding"] !== undefined
    ) {
      await this.#decide("invalid", {
        status: 415,
        code: "unsupported_media_type",
        message: "Send plain application/json.",
      });
      return;
    }
    const read = await readBody(this.#req, config.limits.bodyBytes, config.limits.bodyMs);
    if (read.kind === "refused") {
      await this.#decide("invalid", read.refusal);
      return;
    }
    const { bytes } = read;
    const input = this.#runtime.digests(this.#caller.client.tenant).digest("input", sha256Hex(bytes));
    this.#exchange = { ...this.#exchange, input, inputBytes: bytes.length };
    const body = parseObject(bytes);
    if (body === null) {
      await this.#decide("invalid", {
        status: 400,
        code: "json_invalid",
        message: "The body is not a JSON object in UTF-8.",
      });
      return;
    }
    const prepared = prepare(this.#policy, this.#caller.client, this.#path, body, bytes.length);
    if (prepared.kind === "refused") {
      await this.#decide(prepared.result, prepared.refusal);
      return;
    }
    const { request } = prepared;
    this.#exchange = { ...this.#exchange, model: request.model.name, stream: request.stream };
    const place = await this.#runtime.gate.enter();
    if (place.kind === "shed") {
      await this.#decide("shed", {
        status: 503,
        code: "overloaded",
        message: "Too many calls run.",
        retryAfterSeconds: 1,
      });
      return;
    }
    try {
      await this.#admitted(request);
    } finally {
      place.leave();
    }
  }

  async #admitted(request: PreparedRequest): Promise<void> {
    const { client } = this.#caller;
    const { limits, traces } = this.#runtime;
    const trace = traces.step(client, this.#context.trace);
    if (trace !== null) {
      await this.#decide("limited", {
        status: 429,
        code: trace.replaceAll("-", "_"),
        message: "The limit of this agent run is reached.",
      });
      return;
    }
    const { inputTokens, outputTokens, model } = request;
    const demand = {
      tokens: inputTokens + outputTokens,
      cost: costOf(model.price, inputTokens, outputTokens),
    };
    const reservation = limits.reserve(client, demand);
    if (reservation.kind === "refused") {
      const { reason, retryAfterSeconds } = reservation;
      const code = reason === "budget" ? "insufficient_quota" : "rate_limit_exceeded";
      await this.#decide("limited", {
        status: 429,
        code,
        message: `The limit on ${reason} is reached.`,
        retryAfterSeconds,
      });
      return;
    }
    let used = { tokens: 0, cost: 0n as bigint | null };
    try {
      const verdicts = await this.#guardInput(request);
      if (verdicts === null) return;
      const cacheKey = this.#cacheKey(request);
      if (await this.#fromCache(cacheKey, verdicts)) return;
      const end = await this.#call(request, verdicts, demand.tokens, cacheKey);
      ({ used } = end);
      traces.used(client, this.#context.trace, end.used.tokens);
      this.#count(end.result, verdicts);
    } finally {
      reservation.settle(used);
    }
  }

  async #guardInput(request: PreparedRequest): Promise<readonly GuardVerdict[] | null> {
    const { inputRules, config } = this.#policy;
    const book = new VerdictBook("input", inputRules);
    const { model, ...content } = request.body;
    const inspected = inspectBody(content, inputRules, book);
    Object.assign(request.body, content, { model });
    let blocked = inspected.kind === "blocked" ? inspected.guard : null;
    const { remote } = config.guards;
    if (blocked === null && remote?.sides.includes("input") === true) {
      const verdict = await askRemoteGuard(remote, "input", canonicalJson(content));
      const version = verdict.kind === "error" ? "unknown" : verdict.version;
      book.note(remote.name, version, verdict.kind, verdict.kind === "error" ? { [verdict.reason]: 1 } : {});
      if (verdict.kind !== "pass") blocked = remote.name;
    }
    if (blocked === null) return book.verdicts;
    const refusal = {
      status: 403,
      code: "guardrail_blocked",
      message: `The request was stopped by the guard "${blocked}".`,
    };
    await this.#decide("blocked", refusal, book.verdicts);
    return null;
  }

  #cacheKey(request: PreparedRequest): string | null {
    if (request.model.cache === null || request.stream) return null;
    return `${this.#caller.client.id} ${this.#policy.hash} ${this.#path} ${sha256Hex(canonicalJson(request.body))}`;
  }

  async #fromCache(key: string | null, guards: readonly GuardVerdict[]): Promise<boolean> {
    const text = key === null ? null : this.#runtime.cache.get(key);
    if (text === null) return false;
    await this.#runtime.audit.decision({
      kind: "decision",
      ...this.#exchange,
      result: "cached",
      reason: "exact-match",
      status: 200,
      guards,
    });
    this.#count("cached", guards);
    send(this.#res, 200, "application/json", text, { "x-request-id": this.#exchange.id, "x-cache": "hit" });
    return true;
  }

  async #call(
    request: PreparedRequest,
    guards: readonly GuardVerdict[],
    reserved: number,
    cacheKey: string | null,
  ): ReturnType<CallRunner["run"]> {
    const { client } = this.#caller;
    const { sticky, name, totalMs } = request.model;
    const who = sticky === "client" ? client.id : sticky === "trace" ? this.#context.trace : null;
    const targets = planFor(request.model, who === null ? Math.random() : fractionOf(`${name} ${who}`));
    await this.#runtime.audit.intent({ kind: "intent", ...this.#exchange, plan: targets, reserved, guards });
    const end = new AbortController();
    const abort = (): void => {
      end.abort();
    };
    const left = (): void => {
      if (!this.#res.writableFinished) abort();
    };
    this.#res.once("close", left);
    if (this.#res.destroyed) left();
    const timer = setTimeout(abort, totalMs);
    const { stopping } = this.#runtime;
    stopping.addEventListener("abort", abort, { once: true });
    if (stopping.aborted) abort();
    const runner = new CallRunner({
      runtime: this.#runtime,
      policy: this.#policy,
      client,
      request,
      exchange: this.#exchange,
      context: this.#context,
      targets,
      started: this.#started,
      res: this.#res,
      signal: end.signal,
      cacheKey,
    });
    try {
      return await runner.run();
    } finally {
      clearTimeout(timer);
      stopping.removeEventListener("abort", abort);
    }
  }
}
