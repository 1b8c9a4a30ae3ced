import type { Attributes, Context, Span } from "@opentelemetry/api";
import { SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import type { JsonObject } from "../api/endpoint.ts";
import type { GuardVerdict } from "../audit/record.ts";
import type { EndpointPath } from "../config/schema.ts";
import { AnswerFacts } from "./answer-facts.ts";
import { ATTRIBUTE } from "./semconv.ts";
import { contextOf, traceparentOf } from "./traceparent.ts";
import type { SpanSource } from "./tracing.ts";

/** GenAI operation of each endpoint. */
const OPERATION: Readonly<Record<EndpointPath, string>> = {
  "/v1/chat/completions": "chat",
  "/v1/completions": "text_completion",
  "/v1/embeddings": "embeddings",
  "/v1/responses": "chat",
  "/v1/messages": "chat",
};

/** Strongest action first. */
const ACTIONS: readonly GuardVerdict["action"][] = [
  "error",
  "block",
  "review",
  "replace",
  "redact",
  "flag",
  "pass",
];

/** How a request ended. */
export interface RequestEnding {
  readonly result: string;
  readonly reason?: string;
  /** Status sent; null when nothing was. */
  readonly status: number | null;
}

/** A request to a model, before it is sent. */
export interface InferenceStart {
  readonly model: string;
  readonly maxTokens: number;
}

/** What a request to a model came to. */
export interface InferenceEnding {
  readonly result: string;
  readonly reason?: string;
  readonly usage: { readonly input: number; readonly output: number } | null;
  readonly cost: { readonly amount: number; readonly currency: string } | null;
  readonly firstByteMs: number | null;
  readonly stream: boolean;
  /** Names of the tools the answer calls. */
  readonly tools: readonly string[];
}

/** One try against an upstream. */
export interface AttemptTrace {
  /** Headers that put the upstream's spans below this try. */
  readonly headers: Readonly<Record<string, string>>;
  /** Ends the try; `error` is its class. */
  end(status: number | null, error?: string): void;
}

/** Where and what an upstream is. */
export interface AttemptTarget {
  readonly upstream: string;
  readonly provider: string;
  readonly url: URL;
}

/** A guard stage that runs. */
export interface GuardTrace {
  end(verdicts: readonly GuardVerdict[]): void;
}

function fail(span: Span, error: string): void {
  span.setAttribute(ATTRIBUTE.errorType, error);
  span.setStatus({ code: SpanStatusCode.ERROR });
}

/**
 * Spans of one request: the request, the guards on both sides, the model's operation and each try against an upstream. No
 * attribute holds content.
 */
export class CallTrace {
  readonly #tracer: SpanSource;
  readonly #path: EndpointPath;
  readonly #request: Span;
  readonly #context: Context;
  readonly #facts = new AnswerFacts();
  #inference: { readonly span: Span; readonly context: Context } | null = null;
  #attempt: AttemptTrace | null = null;

  constructor(tracer: SpanSource, path: EndpointPath, traceparent: string | null) {
    this.#tracer = tracer;
    this.#path = path;
    const parent = contextOf(traceparent);
    this.#request = tracer.startSpan(
      `POST ${path}`,
      { kind: SpanKind.SERVER, attributes: { [ATTRIBUTE.method]: "POST", [ATTRIBUTE.route]: path } },
      parent,
    );
    this.#context = trace.setSpan(parent, this.#request);
  }

  /** `traceparent` of the request's span, so that a caller can put tools below it; null without tracing. */
  get traceparent(): string | null {
    return this.#request.isRecording() ? traceparentOf(this.#request) : null;
  }

  /** Describes the request. */
  describe(attributes: Attributes): void {
    this.#request.setAttributes(attributes);
  }

  /** Begins a guard stage. */
  guard(side: GuardVerdict["side"]): GuardTrace {
    const span = this.#tracer.startSpan(
      `guard ${side}`,
      { kind: SpanKind.INTERNAL, attributes: { [ATTRIBUTE.guardSide]: side } },
      this.#context,
    );
    return {
      end: (verdicts) => {
        if (span.isRecording()) {
          const seen = verdicts.map(({ action }) => action);
          span.setAttribute(ATTRIBUTE.guardAction, ACTIONS.find((action) => seen.includes(action)) ?? "pass");
          for (const { guard, version, action } of verdicts)
            if (action !== "pass")
              span.addEvent("llmops.guard.verdict", {
                [ATTRIBUTE.guardName]: guard,
                [ATTRIBUTE.guardVersion]: version,
                [ATTRIBUTE.guardAction]: action,
              });
          if (seen.includes("error")) fail(span, "guard-error");
        }
        span.end();
      },
    };
  }

  /** Begins the model's operation, which lasts over all tries. */
  infer({ model, maxTokens }: InferenceStart): void {
    const operation = OPERATION[this.#path];
    const span = this.#tracer.startSpan(
      `${operation} ${model}`,
      {
        kind: SpanKind.CLIENT,
        attributes: {
          [ATTRIBUTE.operation]: operation,
          [ATTRIBUTE.requestModel]: model,
          ...(operation === "embeddings" ? {} : { [ATTRIBUTE.maxTokens]: maxTokens }),
        },
      },
      this.#context,
    );
    this.#inference = { span, context: trace.setSpan(this.#context, span) };
  }

  /** Begins a try against an upstream. */
  attempt({ upstream, provider, url }: AttemptTarget): AttemptTrace {
    this.#attempt?.end(null);
    this.#inference?.span.setAttribute(ATTRIBUTE.provider, provider);
    const span = this.#tracer.startSpan(
      "POST",
      {
        kind: SpanKind.CLIENT,
        attributes: {
          [ATTRIBUTE.method]: "POST",
          [ATTRIBUTE.upstream]: upstream,
          [ATTRIBUTE.serverAddress]: url.hostname,
          [ATTRIBUTE.serverPort]: Number(url.port === "" ? (url.protocol === "https:" ? 443 : 80) : url.port),
        },
      },
      this.#inference?.context ?? this.#context,
    );
    const traceparent = traceparentOf(span);
    this.#attempt = {
      headers: traceparent === null ? {} : { traceparent },
      end: (status, error) => {
        this.#attempt = null;
        if (status !== null) span.setAttribute(ATTRIBUTE.status, status);
        const type = error ?? (status !== null && status >= 400 ? String(status) : undefined);
        if (type !== undefined) fail(span, type);
        span.end();
      },
    };
    return this.#attempt;
  }

  /** Reads what an answer or an event of a stream says about itself. */
  read(json: JsonObject): void {
    if (this.#inference?.span.isRecording() === true) this.#facts.read(json);
  }

  /** Ends the model's operation; more than the first call changes nothing. */
  inferred(ending: InferenceEnding): void {
    this.#attempt?.end(null);
    const span = this.#inference?.span;
    if (span?.isRecording() !== true) return;
    const { id, model, finishReasons } = this.#facts;
    const { usage, cost, firstByteMs, tools } = ending;
    span.setAttributes({
      ...(id === null ? {} : { [ATTRIBUTE.responseId]: id }),
      ...(model === null ? {} : { [ATTRIBUTE.responseModel]: model }),
      ...(finishReasons.length === 0 ? {} : { [ATTRIBUTE.finishReasons]: finishReasons }),
      ...(usage === null
        ? {}
        : { [ATTRIBUTE.inputTokens]: usage.input, [ATTRIBUTE.outputTokens]: usage.output }),
      ...(cost === null ? {} : { [ATTRIBUTE.cost]: cost.amount, [ATTRIBUTE.currency]: cost.currency }),
      ...(ending.stream && firstByteMs !== null ? { [ATTRIBUTE.timeToFirstChunk]: firstByteMs / 1000 } : {}),
      ...(tools.length === 0 ? {} : { [ATTRIBUTE.tools]: [...new Set(tools)] }),
    });
    if (ending.result === "failed" || ending.result === "aborted") fail(span, ending.reason ?? ending.result);
    span.end();
  }

  /** Ends the request's span. */
  end({ result, reason, status }: RequestEnding): void {
    this.#request.setAttributes({
      [ATTRIBUTE.result]: result,
      ...(reason === undefined ? {} : { [ATTRIBUTE.reason]: reason }),
      ...(status === null ? {} : { [ATTRIBUTE.status]: status }),
    });
    if (result === "failed" || (status !== null && status >= 500))
      fail(this.#request, reason ?? String(status ?? result));
    this.#request.end();
  }
}
