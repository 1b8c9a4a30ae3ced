import { createHash } from "node:crypto";
import { once } from "node:events";
import { setTimeout } from "node:timers/promises";
import type { ServerResponse } from "node:http";
import type { Dispatcher } from "undici";
import { sha256Hex } from "../audit/chain.ts";
import type {
  ContentReference,
  Exchange,
  OutcomeBody,
  RecordedAttempt,
  RecordedUsage,
} from "../audit/record.ts";
import { AuditUnavailableError } from "../audit/wal.ts";
import type { JsonObject } from "../api/endpoint.ts";
import { transparencyHeaders } from "../api/transparency.ts";
import { asObject, dropTokenCopies } from "../api/endpoint.ts";
import { charactersIn, ENVELOPES } from "../api/envelope.ts";
import { BrokenStreamError, formatEvent, readEvents } from "../api/sse.ts";
import type { ToolCall } from "../api/tools.ts";
import { toolCallsIn } from "../api/tools.ts";
import type { ClientConfig, UpstreamConfig } from "../config/schema.ts";
import { ContentNotKeptError } from "../content/vault.ts";
import { VerdictBook } from "../guards/inspect.ts";
import type { Json } from "../guards/leaves.ts";
import { inspectBody } from "../guards/leaves.ts";
import { askRemoteGuards } from "../guards/remote/ask.ts";
import type { GuardRule } from "../guards/inspect.ts";
import { StreamGuard } from "../guards/stream.ts";
import { PRIORITIES } from "../routing/gate.ts";
import { costOf } from "../routing/money.ts";
import type { Demand } from "../routing/limits.ts";
import { LimitsUnavailableError } from "../routing/limits.ts";
import type { Target } from "../routing/plan.ts";
import { checkTexts, checkTools, guardAnswer, totalUsage, UsageMeter } from "./answer.ts";
import type { AnswerVerdict } from "./answer.ts";
import type { CallTrace, GuardTrace } from "../tracing/call-trace.ts";
import type { AgentRun } from "./agent-run.ts";
import type { Refusal } from "./http.ts";
import {
  AUDIT_UNAVAILABLE,
  CONTENT_NOT_KEPT,
  errorBody,
  LIMITS_UNAVAILABLE,
  refuse,
  send,
  STOPPED,
  traceHeaders,
} from "./http.ts";
import type { PreparedRequest } from "./prepare.ts";
import { isTooDeep, parseObject } from "./prepare.ts";
import type { Policy, Runtime } from "./runtime.ts";
import { isUnsent } from "./upstreams.ts";
import type { AttemptWatch } from "./upstreams.ts";

/** Everything one upstream call needs. */
export interface Call {
  readonly runtime: Runtime;
  readonly policy: Policy;
  readonly client: ClientConfig;
  readonly request: PreparedRequest;
  /** Rules for the answer. */
  readonly rules: readonly GuardRule[];
  readonly exchange: Exchange;
  readonly trace: CallTrace;
  /** Place of the call in its agent run. */
  readonly run: AgentRun;
  readonly targets: readonly Target[];
  /** The most it may use; what it counts for when its end is never told. */
  readonly reserved: Demand;
  readonly started: number;
  readonly res: ServerResponse;
  /** Aborts when the caller goes away, the time is over or the gateway stops. */
  readonly signal: AbortSignal;
  /** Key of the answer in the cache; null when it is not kept. */
  readonly cacheKey: string | null;
  /** Keeps the answer when content is kept. */
  readonly keep: (text: string) => Promise<ContentReference | null>;
  /** Puts a withheld answer before a person. */
  readonly askReview: (guards: readonly string[]) => Promise<Refusal>;
}

/** How the call ended and what it used. */
export interface CallEnd {
  readonly result: OutcomeBody["result"];
  /** Why, when it did not complete. */
  readonly reason?: string;
  readonly used: Demand;
  readonly usage: { readonly input: number; readonly output: number };
}

interface Ending {
  readonly result: OutcomeBody["result"];
  readonly status: number;
  readonly reason?: string;
  readonly output?: string;
  readonly content?: ContentReference | null;
}

interface StreamedEvent {
  readonly event: string | null;
  readonly json: JsonObject;
}

/** Reason of an abort because a person has stopped the model. */
export const HALTED = "stopped-by-operator";

/** Attempts kept in a record; a held call makes more. */
const MAX_ATTEMPTS = 16;

const UPSTREAM_BROKEN: Refusal = {
  status: 502,
  code: "upstream_invalid",
  message: "The model gave no usable answer.",
};
const UPSTREAM_GONE: Refusal = {
  status: 503,
  code: "upstream_unavailable",
  message: "No model is available.",
  retryAfterSeconds: 5,
};
const TIMED_OUT: Refusal = { status: 504, code: "timeout", message: "The model took too long." };
function blockedRefusal(guard: string): Refusal {
  return {
    status: 403,
    code: "guardrail_blocked",
    message: `The answer was stopped by the guard "${guard}".`,
  };
}

/** Runs one recorded call against the upstreams and relays the answer; the intent must be durable already. */
export class CallRunner {
  readonly #call: Call;
  readonly #book: VerdictBook;
  #meter: UsageMeter;
  readonly #earlierMeters: UsageMeter[] = [];
  /** What upstream has done for it: nothing, what nobody knows because the answer did not come, or what the meters say. */
  #spent: "nothing" | "unknown" | "metered" = "nothing";
  #attempts: RecordedAttempt[] = [];
  #served: Target | null = null;
  #firstByteMs: number | null = null;
  #tools: readonly string[] = [];
  #guarding: GuardTrace | null = null;

  constructor(call: Call) {
    this.#call = call;
    this.#book = new VerdictBook("output", call.rules);
    this.#meter = new UsageMeter(call.exchange.inputBytes);
  }

  /** Runs the call to its recorded end. */
  async run(): Promise<CallEnd> {
    const { request, res, trace } = this.#call;
    trace.infer({ model: request.model.name, maxTokens: request.outputTokens });
    try {
      const answer = await this.#send(request.body);
      if (answer === null) return await this.#noAnswer();
      const type = String(answer.response.headers["content-type"] ?? "");
      if (request.stream && answer.response.statusCode < 300) {
        if (!type.startsWith("text/event-stream")) {
          answer.settle("failed");
          await answer.response.body.dump().catch(() => undefined);
          return await this.#fail(UPSTREAM_BROKEN, "not-a-stream");
        }
        return await this.#relayStream(answer.response, answer.settle);
      }
      return await this.#relayBody(answer.response, answer.settle);
    } catch (error) {
      if (error instanceof AuditUnavailableError) return this.#unrecorded();
      if (error instanceof ContentNotKeptError) return await this.#fail(CONTENT_NOT_KEPT, "content-not-kept");
      if (error instanceof LimitsUnavailableError)
        return await this.#fail(LIMITS_UNAVAILABLE, "limits-unavailable");
      if (res.headersSent) res.destroy();
      return await this.#fail(UPSTREAM_BROKEN, "internal-error");
    }
  }

  async #send(
    body: JsonObject,
  ): Promise<{ response: Dispatcher.ResponseData; settle: (result: "ok" | "failed") => void } | null> {
    const { policy, targets, request, signal, client, trace } = this.#call;
    const { path } = request.format;
    const isAnthropic = path === "/v1/messages";
    const headers: Record<string, string> = isAnthropic ? { "anthropic-version": "2023-06-01" } : {};
    const watch = ({ name, baseUrl, provider }: UpstreamConfig): AttemptWatch =>
      trace.attempt({
        upstream: name,
        provider: provider ?? (isAnthropic ? "anthropic" : "openai"),
        url: new URL(baseUrl),
      });
    const { hold, engineScheduling } = request.model;
    const hint = engineScheduling === "priority" ? { priority: PRIORITIES.indexOf(client.priority) } : {};
    const bodyFor = (target: Target): string => JSON.stringify({ ...body, ...hint, model: target.model });
    const headMs = request.stream ? null : request.model.totalMs;
    const until = performance.now() + (hold?.seconds ?? 0) * 1000;
    for (;;) {
      const answer = await policy.upstreams.send({ path, headers, bodyFor, headMs, watch }, targets, signal);
      this.#attempts = [...this.#attempts, ...answer.attempts].slice(-MAX_ATTEMPTS);
      const isUntold = answer.attempts.some((attempt) => attempt.status === null && !isUnsent(attempt));
      if (isUntold) this.#spent = "unknown";
      if (answer.kind === "answered") {
        this.#served = answer.target;
        if (!isUntold) this.#spent = answer.response.statusCode < 300 ? "unknown" : "metered";
        return { response: answer.response, settle: answer.settle };
      }
      const wait = hold !== null && performance.now() < until && answer.attempts.every(isUnsent);
      if (!wait || answer.reason === "aborted") return null;
      await this.#holdFor(hold.pollMs);
    }
  }

  /** Waits for the first replica of a model; the gauge is what makes a scaler start one. */
  async #holdFor(ms: number): Promise<void> {
    const { runtime, request, signal } = this.#call;
    const held = runtime.metrics.heldRequests;
    held.inc({ model: request.model.name });
    await setTimeout(ms, undefined, { signal }).catch(() => undefined);
    held.dec({ model: request.model.name });
  }

  #headers(): Record<string, string> {
    const { exchange, policy, request, trace } = this.#call;
    return {
      "x-request-id": exchange.id,
      ...traceHeaders(trace),
      ...transparencyHeaders(policy.config.transparency, request.model.name),
    };
  }

  #elapsed(): number {
    return Math.round(performance.now() - this.#call.started);
  }

  get #clientGone(): boolean {
    return this.#call.res.destroyed;
  }

  async #noAnswer(): Promise<CallEnd> {
    if (!this.#call.signal.aborted) return this.#fail(UPSTREAM_GONE, "upstream-unavailable");
    return this.#interrupted();
  }

  async #interrupted(): Promise<CallEnd> {
    if (this.#clientGone) {
      return this.#record({ result: "aborted", status: 499, reason: "client-gone" });
    }
    if (this.#call.signal.reason === HALTED) return this.#fail(STOPPED, HALTED);
    return this.#fail(TIMED_OUT, this.#call.runtime.stopping.aborted ? "gateway-stopped" : "timeout");
  }

  async #fail(refusal: Refusal, reason: string): Promise<CallEnd> {
    return this.#refuse(refusal, { result: "failed", status: refusal.status, reason });
  }

  async #refuse(refusal: Refusal, ending: Ending): Promise<CallEnd> {
    const { res, request } = this.#call;
    try {
      const end = await this.#record(ending);
      this.#tell(refusal);
      return end;
    } catch (error) {
      if (!(error instanceof AuditUnavailableError)) throw error;
      return this.#unrecorded();
    } finally {
      if (!res.headersSent) refuse(res, request.format.path, refusal);
    }
  }

  #tell(refusal: Refusal): void {
    const { res, request } = this.#call;
    if (!res.headersSent) {
      refuse(res, request.format.path, refusal);
      return;
    }
    const isNamed = request.format.path === "/v1/messages" || request.format.path === "/v1/responses";
    res.end(formatEvent(isNamed ? "error" : null, JSON.stringify(errorBody(request.format.path, refusal))));
  }

  #unrecorded(): CallEnd {
    const { res, request } = this.#call;
    if (res.headersSent) this.#tell(AUDIT_UNAVAILABLE);
    else refuse(res, request.format.path, AUDIT_UNAVAILABLE);
    return this.#end({ result: "failed", reason: "audit-unavailable" });
  }

  #end({ result, reason }: Pick<Ending, "result" | "reason">): CallEnd {
    const { request, reserved } = this.#call;
    const usage = this.#usage ?? { input: 0, output: 0 };
    const { input, output } = usage;
    const metered = { tokens: input + output, cost: costOf(request.model.price, usage) };
    const used = this.#spent === "unknown" ? reserved : metered;
    return { result, ...(reason === undefined ? {} : { reason }), used, usage: { input, output } };
  }

  /** Usage of the call; null when there is none or nobody knows it. */
  get #usage(): RecordedUsage | null {
    return this.#spent === "metered" ? totalUsage([...this.#earlierMeters, this.#meter]) : null;
  }

  async #record(ending: Ending): Promise<CallEnd> {
    const { runtime, exchange, request, client, trace } = this.#call;
    this.#guarding?.end(this.#book.verdicts);
    const usage = this.#usage;
    const price = request.model.price === "none" ? null : request.model.price;
    const cost = usage === null ? null : costOf(price, usage);
    trace.inferred({
      ...ending,
      usage,
      cost: cost === null || price === null ? null : { amount: Number(cost) / 1e9, currency: price.currency },
      firstByteMs: this.#firstByteMs,
      stream: request.stream,
      tools: this.#tools,
    });
    const { metrics } = runtime;
    const labels = { client: client.id, model: request.model.name, endpoint: request.format.path };
    await runtime.audit.outcome({
      kind: "outcome",
      id: exchange.id,
      result: ending.result,
      ...(ending.reason === undefined ? {} : { reason: ending.reason }),
      status: ending.status,
      served: this.#served,
      attempts: this.#attempts,
      usage,
      cost: cost === null || price === null ? null : { nanos: Number(cost), currency: price.currency },
      firstByteMs: this.#firstByteMs,
      ms: this.#elapsed(),
      output:
        ending.output === undefined ? null : runtime.digests(client.tenant).digest("output", ending.output),
      guards: this.#book.verdicts,
      ...(ending.content == null ? {} : { content: ending.content }),
    });
    if (usage !== null) {
      metrics.inputTokens.inc(labels, usage.input);
      metrics.cachedInputTokens.inc(labels, usage.cachedInput ?? 0);
      metrics.outputTokens.inc(labels, usage.output);
      const { model } = labels;
      metrics.requestBytes.observe({ model }, exchange.inputBytes);
      metrics.requestInputTokens.observe({ model }, usage.input);
      metrics.requestOutputTokens.observe({ model }, usage.output);
    }
    if (cost !== null && price !== null) {
      metrics.cost.inc({ ...labels, currency: price.currency }, Number(cost) / 1e9);
    }
    for (const { guard, side, action } of this.#book.verdicts) metrics.verdicts.inc({ guard, side, action });
    return this.#end(ending);
  }

  #sawFirstByte(): void {
    if (this.#firstByteMs !== null) return;
    this.#firstByteMs = this.#elapsed();
    const { runtime, request } = this.#call;
    runtime.metrics.firstByte.observe(
      { model: request.model.name, endpoint: request.format.path },
      this.#firstByteMs / 1000,
    );
  }

  async #readJson(response: Dispatcher.ResponseData): Promise<JsonObject | null> {
    const limit = this.#call.policy.config.limits.responseBytes;
    const parts: Buffer[] = [];
    let size = 0;
    for await (const part of response.body as AsyncIterable<Buffer>) {
      this.#sawFirstByte();
      size += part.length;
      if (size > limit) return null;
      parts.push(part);
    }
    return parseObject(Buffer.concat(parts));
  }

  async #readAnswer(
    response: Dispatcher.ResponseData,
    settle: (result: "ok" | "failed") => void,
  ): Promise<JsonObject | null | "interrupted"> {
    try {
      const body = await this.#readJson(response);
      settle(body === null ? "failed" : "ok");
      // How deep it nests may be the caller's doing, so it says nothing about the upstream.
      return body === null || isTooDeep(body) ? null : body;
    } catch {
      if (this.#call.signal.aborted) return "interrupted";
      settle("failed");
      return null;
    }
  }

  /** Meters a whole answer. */
  #count(body: JsonObject): void {
    this.#meter.read(body);
    const { outputCaps, path } = this.#call.request.format;
    if (outputCaps.length > 0) this.#meter.text(charactersIn(body, ENVELOPES[path]));
    this.#spent = "metered";
  }

  async #relayBody(
    response: Dispatcher.ResponseData,
    settle: (result: "ok" | "failed") => void,
  ): Promise<CallEnd> {
    const { request, client, rules, res, runtime, run, cacheKey, keep } = this.#call;
    let body = await this.#readAnswer(response, settle);
    if (body === "interrupted") return this.#interrupted();
    if (body === null) return this.#fail(UPSTREAM_BROKEN, "unreadable-answer");
    const status = response.statusCode;
    if (status >= 300) return this.#relayError(status, body);
    this.#count(body);
    this.#call.trace.read(body);
    this.#guarding = this.#call.trace.guard("output");
    let verdict: AnswerVerdict = guardAnswer(client, request, body, rules, this.#book);
    if (verdict.kind === "off-schema" && request.rounds === 2) {
      this.#book.note("schema", "1", "flag", { repaired: 1 });
      const repaired = await this.#repair(verdict.errors);
      if (repaired === "interrupted") return this.#interrupted();
      if (repaired !== null) {
        body = repaired;
        verdict = guardAnswer(client, request, body, rules, this.#book);
      }
    }
    if (verdict.kind === "off-schema") this.#book.note("schema", "1", "block");
    if (verdict.kind === "passed") verdict = await this.#askRemote(body);
    const calls = request.tools.length > 0 || isBy(verdict, "tools") ? toolCallsIn([body]) : [];
    this.#tools = calls.map(({ name }) => name);
    if (verdict.kind === "passed") verdict = await run.admitTools(calls, this.#book);
    else if (isBy(verdict, "tools")) run.countTools(calls, "refused");
    if (verdict.kind !== "passed") {
      const guard = verdict.kind === "blocked" ? verdict.guard : "schema";
      return this.#withhold(guard);
    }
    body["model"] = request.model.name;
    const text = JSON.stringify(body);
    const content = await keep(text);
    const end = await this.#record({ result: "completed", status: 200, output: sha256Hex(text), content });
    if (cacheKey !== null && request.model.cache !== null) {
      runtime.cache.put(cacheKey, text, request.model.cache.seconds, request.model.cache.entries);
    }
    send(res, 200, "application/json", text, this.#headers());
    return end;
  }

  async #relayError(status: number, body: JsonObject): Promise<CallEnd> {
    const { rules } = this.#call;
    const error = asObject(body["error"]) ?? {};
    const message: JsonObject = {
      message: typeof error["message"] === "string" ? error["message"].slice(0, 2000) : "",
    };
    const seen = inspectBody(message, rules, this.#book);
    const said = seen.kind === "passed" && typeof message["message"] === "string" ? message["message"] : "";
    const shown = status < 500 && status !== 401 && status !== 403 ? status : 502;
    const refusal = {
      status: shown,
      code: "upstream_error",
      message: `The model refused the request. ${said}`.trim(),
    };
    return this.#fail(refusal, `upstream-status-${status}`);
  }

  async #repair(errors: string): Promise<JsonObject | null | "interrupted"> {
    const { request, exchange } = this.#call;
    const messages = Array.isArray(request.body["messages"]) ? request.body["messages"] : [];
    const ask = `The answer did not follow the required JSON schema: ${errors}. Answer again with JSON that does.`;
    const answer = await this.#send({
      ...request.body,
      messages: [...messages, { role: "user", content: ask }],
    });
    if (answer === null) return this.#call.signal.aborted ? "interrupted" : null;
    this.#earlierMeters.push(this.#meter);
    this.#meter = new UsageMeter(exchange.inputBytes + ask.length);
    const body = await this.#readAnswer(answer.response, answer.settle);
    if (body === "interrupted" || body === null || answer.response.statusCode >= 300)
      return body === "interrupted" ? body : null;
    this.#count(body);
    return body;
  }

  async #askRemote(body: Json): Promise<AnswerVerdict> {
    const { remote } = this.#call.policy.config.guards;
    const guard = await askRemoteGuards(remote, "output", body, this.#book);
    return guard === null ? { kind: "passed" } : { kind: "blocked", guard };
  }

  /** Keeps an answer back, for good or until a person has looked. */
  async #withhold(guard: string): Promise<CallEnd> {
    const { reviewers } = this.#book;
    const refusal = reviewers.length > 0 ? await this.#call.askReview(reviewers) : blockedRefusal(guard);
    return this.#refuse(refusal, { result: "blocked", status: 403, reason: guard });
  }

  get #buffered(): boolean {
    const { policy, request } = this.#call;
    const { stream, remote } = policy.config.guards;
    const remoteOutput = remote.some(({ sides }) => sides.includes("output"));
    return (
      stream.mode === "buffer" || remoteOutput || request.tools.length > 0 || request.outputSchema !== null
    );
  }

  async #relayStream(
    response: Dispatcher.ResponseData,
    settle: (result: "ok" | "failed") => void,
  ): Promise<CallEnd> {
    const { request, policy, res, rules, runtime, keep, trace } = this.#call;
    this.#spent = "metered";
    this.#guarding = trace.guard("output");
    const buffered = this.#buffered;
    const kept: string[] = [];
    const window = buffered ? "whole" : policy.config.guards.stream.window;
    const guard = new StreamGuard<StreamedEvent>(rules, this.#book, window);
    const seen: JsonObject[] = [];
    const hash = createHash("sha256");
    const last: { text: string | null } = { text: null };
    let terminal: "none" | "event" | "done" = "none";
    const begin = (): void => {
      if (res.headersSent) return;
      res.writeHead(200, {
        "content-type": "text/event-stream; charset=utf-8",
        "cache-control": "no-store",
        "x-accel-buffering": "no",
        ...this.#headers(),
      });
    };
    const queue = async (events: readonly StreamedEvent[]): Promise<void> => {
      for (const { event, json } of events) {
        if ("model" in json) json["model"] = request.model.name;
        const text = formatEvent(event, JSON.stringify(json));
        if (runtime.vault !== null) kept.push(text);
        if (last.text !== null) await this.#write(last.text, hash);
        last.text = text;
      }
    };
    if (!buffered) {
      begin();
      res.flushHeaders();
    }
    try {
      for await (const event of readEvents(response.body, policy.config.limits.responseBytes)) {
        this.#sawFirstByte();
        if (event.data === "[DONE]") {
          terminal = "done";
          break;
        }
        const json = parseEvent(event.data);
        this.#meter.read(json);
        trace.read(json);
        if (rules.length > 0) dropTokenCopies(json);
        if (!this.#wanted(json)) continue;
        const pieces = request.format.pieces(json);
        for (const { text } of pieces) this.#meter.text(text.length);
        const called = buffered ? null : this.#refuseCalls(toolCallsIn([json]));
        if (called !== null) return await this.#stopStream(called, settle, response);
        if (buffered) seen.push(structuredClone(json));
        const aside = this.#inspectAside(json, pieces);
        if (aside !== null) return await this.#stopStream(aside, settle, response);
        const step = guard.push({ event: event.event, json }, pieces);
        if (step.kind === "blocked") return await this.#stopStream(step.guard, settle, response);
        await queue(step.events);
        if (request.format.ends(json)) {
          terminal = "event";
          break;
        }
      }
    } catch (error) {
      if (error instanceof AuditUnavailableError || error instanceof LimitsUnavailableError) throw error;
      if (this.#call.signal.aborted || this.#clientGone) {
        response.body.destroy();
        return this.#interrupted();
      }
      settle("failed");
      response.body.destroy();
      return this.#fail(
        UPSTREAM_BROKEN,
        error instanceof BrokenStreamError ? "broken-stream" : "stream-failed",
      );
    }
    if (terminal === "none") {
      settle("failed");
      return this.#fail(UPSTREAM_BROKEN, "stream-ended-early");
    }
    settle("ok");
    const rest = guard.finish();
    if (rest.kind === "blocked") return this.#withhold(rest.guard);
    if (buffered) {
      const stopped = await this.#checkWhole(seen);
      if (stopped !== null) return this.#withhold(stopped);
    }
    begin();
    await queue(rest.events);
    const ending = `${last.text ?? ""}${terminal === "done" ? formatEvent(null, "[DONE]") : ""}`;
    hash.update(ending);
    const content = await keep(kept.join(""));
    const end = await this.#record({ result: "completed", status: 200, output: hash.digest("hex"), content });
    res.end(ending);
    return end;
  }

  /** Says which guard refuses tool calls, if one does. */
  #refuseCalls(calls: readonly ToolCall[]): string | null {
    const { request, client, run } = this.#call;
    this.#tools = calls.map(({ name }) => name);
    const verdict = checkTools(client, request, calls, this.#book);
    if (verdict.kind !== "blocked") return null;
    run.countTools(calls, "refused");
    return verdict.guard;
  }

  async #checkWhole(events: readonly JsonObject[]): Promise<string | null> {
    const { request, run } = this.#call;
    const calls = toolCallsIn(events);
    const refused = this.#refuseCalls(calls);
    if (refused !== null) return refused;
    const texts = new Map<string, string>();
    for (const event of events) {
      for (const { channel, text } of request.format.pieces(event))
        texts.set(channel, (texts.get(channel) ?? "") + text);
    }
    const answers = [...texts]
      .filter(([channel]) => /:(content|text)$/.test(channel))
      .map(([, text]) => text);
    const verdict = checkTexts(request, answers);
    if (verdict.kind !== "passed") {
      this.#book.note("schema", "1", "block");
      return "schema";
    }
    const remote = await this.#askRemote([...texts.values()]);
    if (remote.kind === "blocked") return remote.guard;
    const admitted = await run.admitTools(calls, this.#book);
    return admitted.kind === "blocked" ? admitted.guard : null;
  }

  #wanted(json: JsonObject): boolean {
    const isUsageOnly =
      Array.isArray(json["choices"]) && json["choices"].length === 0 && asObject(json["usage"]) !== null;
    return this.#call.request.wantsUsage || !isUsageOnly;
  }

  #inspectAside(
    json: JsonObject,
    pieces: readonly { readonly text: string; readonly put: (text: string) => void }[],
  ): string | null {
    const { rules, request } = this.#call;
    for (const piece of pieces) piece.put("");
    const result = inspectBody(json, rules, this.#book, ENVELOPES[request.format.path]);
    for (const piece of pieces) piece.put(piece.text);
    return result.kind === "blocked" ? result.guard : null;
  }

  async #stopStream(
    guard: string,
    settle: (result: "ok" | "failed") => void,
    response: Dispatcher.ResponseData,
  ): Promise<CallEnd> {
    settle("ok");
    response.body.destroy();
    return this.#withhold(guard);
  }

  async #write(text: string, hash: ReturnType<typeof createHash>): Promise<void> {
    const { res, signal } = this.#call;
    hash.update(text);
    if (!res.write(text)) await once(res, "drain", { signal });
  }
}

function isBy(verdict: AnswerVerdict, guard: string): boolean {
  return verdict.kind === "blocked" && verdict.guard === guard;
}

function parseEvent(data: string): JsonObject {
  let value: Json;
  try {
    value = JSON.parse(data) as Json;
  } catch {
    throw new BrokenStreamError("an event is not JSON");
  }
  const json = asObject(value);
  if (json === null) throw new BrokenStreamError("an event is not an object");
  return json;
}
