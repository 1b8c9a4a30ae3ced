import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { canonicalJson } from "../audit/canonical-json.ts";
import { sha256Hex } from "../audit/chain.ts";
import type { ContentReference, DecisionBody, Exchange, GuardVerdict } from "../audit/record.ts";
import { AuditUnavailableError } from "../audit/wal.ts";
import { objectsIn } from "../api/endpoint.ts";
import type { EndpointPath } from "../config/schema.ts";
import { ContentNotKeptError, subjectFolder } from "../content/vault.ts";
import { VerdictBook } from "../guards/inspect.ts";
import { inspectBody } from "../guards/leaves.ts";
import { askRemoteGuards } from "../guards/remote/ask.ts";
import type { Caller } from "../identity/caller.ts";
import { transparencyHeaders } from "../api/transparency.ts";
import { isStopped, throttled, type Brake } from "../oversight/brakes.ts";
import { routesFor } from "../routing/complexity.ts";
import { LimitsUnavailableError } from "../routing/limits.ts";
import type { Demand } from "../routing/limits.ts";
import { costOf } from "../routing/money.ts";
import { fractionOf, planFor } from "../routing/plan.ts";
import { promptFor, withPrompt } from "../routing/prompts.ts";
import { CallTrace } from "../tracing/call-trace.ts";
import { ATTRIBUTE } from "../tracing/semconv.ts";
import { AgentRun } from "./agent-run.ts";
import { CallRunner, HALTED } from "./call.ts";
import type { CallEnd } from "./call.ts";
import {
  CONTENT_NOT_KEPT,
  INTERNAL_ERROR,
  LIMITS_UNAVAILABLE,
  readBody,
  refuse,
  send,
  STOPPED,
  traceHeaders,
} from "./http.ts";
import type { Refusal } from "./http.ts";
import type { CallerContext, PreparedRequest } from "./prepare.ts";
import { callerContext, parseRequest, prepare } from "./prepare.ts";
import type { Policy, Runtime, SideRules } from "./runtime.ts";
import { DEADLINE } from "./upstreams.ts";

/** How often a running call looks whether its model was stopped, ms. */
const WATCH_MS = 1_000;

/** A request that passed the input guards. */
interface Passed {
  readonly verdicts: readonly GuardVerdict[];
  readonly rules: SideRules;
}

/** One request of a known client, from its body to its last record. */
export class Serving {
  readonly #runtime: Runtime;
  readonly #policy: Policy;
  readonly #caller: Caller;
  readonly #req: IncomingMessage;
  readonly #res: ServerResponse;
  readonly #path: EndpointPath;
  readonly #started = performance.now();
  readonly #context: CallerContext;
  readonly #run: AgentRun;
  readonly #trace: CallTrace;
  #exchange: Exchange;
  #inForce: readonly Brake[] = [];
  #ending: { readonly result: string; readonly reason?: string } = { result: "failed" };
  #isRecorded = false;
  #used: Demand = { tokens: 0, cost: 0n };

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
    const { client, credential } = caller;
    const { trace, subject, reviewer, prompt } = this.#context;
    const digester = runtime.digests(client.tenant);
    this.#run = new AgentRun(runtime, client, trace);
    this.#trace = new CallTrace(runtime.tracing.tracer, path, this.#context.traceparent);
    this.#exchange = {
      id: randomUUID(),
      tenant: client.tenant,
      client: client.id,
      credential,
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
    this.#isRecorded = true;
    this.#ending = { result, reason: refusal.code };
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

  /**
   * Serves the request.
   * @throws AuditUnavailableError when a record could not be made durable before an answer began.
   */
  async run(): Promise<void> {
    try {
      await this.#serve().catch((error: unknown) => this.#recordFailure(error));
    } catch (error) {
      const reason = error instanceof AuditUnavailableError ? "audit-unavailable" : "internal-error";
      this.#ending = { result: "failed", reason };
      throw error;
    } finally {
      this.#endTrace();
    }
  }

  /** Records and answers a request that failed before anything was recorded about it. */
  async #recordFailure(error: unknown): Promise<void> {
    if (this.#isRecorded || error instanceof AuditUnavailableError) throw error;
    if (error instanceof LimitsUnavailableError) await this.#decide("failed", LIMITS_UNAVAILABLE);
    else if (error instanceof ContentNotKeptError) await this.#decide("failed", CONTENT_NOT_KEPT);
    else await this.#decide("failed", INTERNAL_ERROR);
  }

  #endTrace(): void {
    const { id, client, tenant, model, prompt } = this.#exchange;
    const { step } = this.#run;
    this.#trace.describe({
      [ATTRIBUTE.request]: id,
      [ATTRIBUTE.client]: client,
      [ATTRIBUTE.tenant]: tenant,
      [ATTRIBUTE.model]: model,
      ...(prompt === undefined ? {} : { [ATTRIBUTE.prompt]: prompt }),
      ...(step === null ? {} : { [ATTRIBUTE.step]: step }),
    });
    const status = this.#res.headersSent ? this.#res.statusCode : null;
    this.#trace.end({ ...this.#ending, status });
  }

  async #serve(): Promise<void> {
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
    const parsed = parseRequest(bytes);
    if (parsed.kind === "refused") {
      await this.#decide("invalid", parsed.refusal);
      return;
    }
    const prepared = prepare(this.#policy, this.#caller.client, this.#path, parsed.body, bytes.length);
    if (prepared.kind === "refused") {
      await this.#decide(prepared.result, prepared.refusal);
      return;
    }
    const { request } = prepared;
    this.#exchange = { ...this.#exchange, model: request.model.name, stream: request.stream };
    const place = await this.#runtime.gate.enter(this.#caller.client.priority);
    if (place.kind === "shed") {
      this.#offer(request);
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

  /** Routes of a request: those of its tier, unless a model of the tier is stopped. */
  #routes({ model, body, tools }: PreparedRequest): PreparedRequest["model"]["routes"] {
    const routes = routesFor(model, {
      inputTokens: Math.ceil(this.#exchange.inputBytes / 4),
      messages: objectsIn(body["messages"]).length,
      tools: tools.length,
    });
    return routes.some((route) => isStopped(this.#inForce, route.model)) ? model.routes : routes;
  }

  /** Counts load that replicas must carry, whether it is served now or shed: those of the model, or of the tier it falls into. */
  #offer(request: PreparedRequest): void {
    const { metrics, expected } = this.#runtime;
    const { model, outputTokens } = request;
    const routes = this.#routes(request);
    const carriers = routes === model.routes ? [{ model: model.name, weight: 1 }] : routes;
    const input = Math.ceil(this.#exchange.inputBytes / 4);
    const output = expected.of(model.name, outputTokens);
    const whole = carriers.reduce((sum, { weight }) => sum + weight, 0);
    for (const { model: carrier, weight } of carriers) {
      metrics.offeredTokens.inc({ model: carrier, kind: "input" }, (input * weight) / whole);
      metrics.offeredTokens.inc({ model: carrier, kind: "output" }, (output * weight) / whole);
    }
  }

  async #admitted(request: PreparedRequest): Promise<void> {
    const { client } = this.#caller;
    const { limits, expected, brakes } = this.#runtime;
    const inForce = await brakes.inForce();
    this.#inForce = inForce;
    if (isStopped(inForce, request.model.name)) {
      await this.#decide("denied", STOPPED);
      return;
    }
    const over = await this.#run.begin();
    if (over !== null) {
      await this.#decide("limited", {
        status: 429,
        code: over.replaceAll("-", "_"),
        message: "The limit of this agent run is reached.",
      });
      return;
    }
    const { model, rounds } = request;
    const most = { input: rounds * request.inputTokens, output: rounds * request.outputTokens };
    const demand = { tokens: most.input + most.output, cost: costOf(model.price, most) };
    const reservation = await limits.reserve(throttled(client, inForce), demand);
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
    this.#offer(request);
    try {
      const passed = await this.#guardInput(request);
      if (passed === null) return;
      const end = await this.#answer(request, passed, demand);
      if (end === null) return;
      if (end.result === "completed") expected.seen(model.name, end.usage.output);
      await this.#run.end(end.used, typeof model.price === "object" ? (model.price?.currency ?? null) : null);
      this.#ending = end;
      this.#count(end.result, passed.verdicts);
    } finally {
      await reservation.settle(this.#used);
    }
  }

  /** Rules for this request: those for approved ones when it brings an approval that holds for its body. */
  async #rules(): Promise<SideRules> {
    const { approval } = this.#context;
    if (approval === null) return this.#policy.rules;
    const { client, input } = this.#exchange;
    const ticket = await this.#runtime.oversight.queue.take(approval, client, input);
    if (ticket === null) return this.#policy.rules;
    this.#exchange = {
      ...this.#exchange,
      approval: ticket.id,
      ...(ticket.reviewer === undefined ? {} : { reviewer: ticket.reviewer }),
    };
    return this.#policy.approvedRules[ticket.side];
  }

  /** Puts an exchange before a person. */
  async #askReview(side: "input" | "output", guards: readonly string[]): Promise<Refusal> {
    const ticket = await this.#runtime.oversight.ask(this.#exchange, side, guards);
    return {
      status: 403,
      code: "review_required",
      message: `A person must look at this first. Repeat the request with the header x-llmops-approval: ${ticket} once it is approved.`,
      headers: { "x-llmops-review": ticket },
    };
  }

  async #guardInput(request: PreparedRequest): Promise<Passed | null> {
    const rules = await this.#rules();
    const book = new VerdictBook("input", rules.input);
    const { model, ...content } = request.body;
    const guarding = this.#trace.guard("input");
    const inspected = inspectBody(content, rules.input, book);
    Object.assign(request.body, content, { model });
    let stopped = inspected.kind === "blocked" ? inspected.guard : null;
    const { remote } = this.#policy.config.guards;
    stopped ??= await askRemoteGuards(remote, "input", content, book);
    guarding.end(book.verdicts);
    if (stopped === null) return { verdicts: book.verdicts, rules };
    const { reviewers } = book;
    if (reviewers.length > 0) {
      await this.#decide("review", await this.#askReview("input", reviewers), book.verdicts);
      return null;
    }
    const refusal = {
      status: 403,
      code: "guardrail_blocked",
      message: `The request was stopped by the guard "${stopped}".`,
    };
    await this.#decide("blocked", refusal, book.verdicts);
    return null;
  }

  /** Null when the answer is neither kept nor taken from the cache; an approval holds for one answer. */
  #cacheKey(request: PreparedRequest): string | null {
    const { prompt = "", approval } = this.#exchange;
    if (request.model.cache === null || request.stream || approval !== undefined) return null;
    const scope = `${this.#caller.client.id} ${this.#policy.hash} ${this.#path} ${prompt}`;
    return `${scope} ${sha256Hex(canonicalJson(request.body))}`;
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
    this.#isRecorded = true;
    this.#ending = { result: "cached" };
    this.#count("cached", guards);
    send(this.#res, 200, "application/json", text, {
      "x-request-id": this.#exchange.id,
      "x-cache": "hit",
      ...traceHeaders(this.#trace),
      ...transparencyHeaders(this.#policy.config.transparency, this.#exchange.model),
    });
    return true;
  }

  #draw(what: string, { sticky, name }: PreparedRequest["model"]): number {
    const { client, trace, subject } = {
      client: this.#caller.client.id,
      trace: this.#context.trace,
      subject: this.#exchange.subject ?? null,
    };
    const who = { none: null, client, trace, subject }[sticky];
    return who === null ? Math.random() : fractionOf(`${name} ${what} ${who}`);
  }

  async #answer(given: PreparedRequest, passed: Passed, reserved: Demand): Promise<CallEnd | null> {
    const { model } = given;
    const variant = promptFor(model, this.#draw("prompt", model));
    let request = given;
    if (variant !== null) {
      this.#exchange = { ...this.#exchange, prompt: variant.version };
      request = { ...given, body: withPrompt(this.#path, given.body, variant) };
    }
    const cacheKey = this.#cacheKey(request);
    if (await this.#fromCache(cacheKey, passed.verdicts)) return null;
    const targets = planFor(model, this.#routes(given), this.#draw("route", model));
    const content = await this.#keep("input", () => JSON.stringify(request.body));
    await this.#runtime.audit.intent({
      kind: "intent",
      ...this.#exchange,
      plan: targets,
      reserved: reserved.tokens,
      guards: passed.verdicts,
      ...(content === null ? {} : { content }),
    });
    this.#isRecorded = true;
    return this.#call(request, passed, targets, reserved, cacheKey);
  }

  /** Keeps one side of the exchange when content is kept; it must be durable before the record that names it. */
  async #keep(side: "input" | "output", text: () => string): Promise<ContentReference | null> {
    const { vault, digests } = this.#runtime;
    if (vault === null) return null;
    const { tenant, subject, id, client } = this.#exchange;
    const whom = subject ?? digests(tenant).digest("subject", `client ${client}`);
    try {
      return await vault.seal(subjectFolder(tenant, whom), id, side, Buffer.from(text()));
    } catch (error) {
      throw new ContentNotKeptError(error);
    }
  }

  async #call(
    request: PreparedRequest,
    passed: Passed,
    targets: ReturnType<typeof planFor>,
    reserved: Demand,
    cacheKey: string | null,
  ): Promise<CallEnd> {
    const end = new AbortController();
    const abort = (): void => {
      end.abort();
    };
    const left = (): void => {
      if (!this.#res.writableFinished) abort();
    };
    this.#res.once("close", left);
    if (this.#res.destroyed) left();
    const timer = setTimeout(() => {
      end.abort(DEADLINE);
    }, request.model.totalMs);
    const { stopping, brakes } = this.#runtime;
    const watch = setInterval(() => {
      brakes.inForce().then(
        (inForce) => {
          if (isStopped(inForce, request.model.name)) end.abort(HALTED);
        },
        () => undefined,
      );
    }, WATCH_MS);
    stopping.addEventListener("abort", abort, { once: true });
    if (stopping.aborted) abort();
    const runner = new CallRunner({
      runtime: this.#runtime,
      policy: this.#policy,
      client: this.#caller.client,
      request,
      rules: passed.rules.output,
      exchange: this.#exchange,
      trace: this.#trace,
      run: this.#run,
      targets,
      reserved,
      started: this.#started,
      res: this.#res,
      signal: end.signal,
      cacheKey,
      keep: (text) => this.#keep("output", () => text),
      askReview: (guards) => this.#askReview("output", guards),
    });
    this.#used = reserved;
    try {
      const ended = await runner.run();
      this.#used = ended.used;
      return ended;
    } finally {
      clearTimeout(timer);
      clearInterval(watch);
      stopping.removeEventListener("abort", abort);
    }
  }
}
