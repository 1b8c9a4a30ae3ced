import { SpanKind, SpanStatusCode } from "@opentelemetry/api";
import { ATTRIBUTE } from "../../gateway/src/description.ts";
import { contextOf, type SpanSource } from "../../gateway/src/index.ts";
import type { EngineRequest, Usage } from "./protocol.ts";

/** The span of one generation. */
export interface GenerationSpan {
  /** Ends it with what was generated. */
  finished(end: { readonly id: string; readonly reason: "stop" | "length"; readonly usage: Usage }): void;
  /** Ends it without an answer. */
  aborted(): void;
}

/** Begins the engine's span below the caller's `traceparent`, under the name vLLM gives it; without content. */
export function generationSpan(
  tracer: SpanSource | undefined,
  { model, maxTokens }: EngineRequest,
  traceparent: string | string[] | undefined,
): GenerationSpan {
  const span = tracer?.startSpan(
    "llm_request",
    {
      kind: SpanKind.SERVER,
      attributes: { [ATTRIBUTE.requestModel]: model, [ATTRIBUTE.maxTokens]: maxTokens },
    },
    contextOf(typeof traceparent === "string" ? traceparent : null),
  );
  return {
    finished: ({ id, reason, usage }) => {
      span?.setAttributes({
        [ATTRIBUTE.responseId]: id,
        [ATTRIBUTE.responseModel]: model,
        [ATTRIBUTE.finishReasons]: [reason],
        [ATTRIBUTE.inputTokens]: usage.prompt_tokens,
        [ATTRIBUTE.outputTokens]: usage.completion_tokens,
      });
      span?.end();
    },
    aborted: () => {
      span?.setStatus({ code: SpanStatusCode.ERROR });
      span?.end();
    },
  };
}
