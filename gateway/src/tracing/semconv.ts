/**
 * Semantic conventions the spans follow: the last release that held the GenAI ones before they moved to a repository of
 * their own, where they still change.
 * @see https://github.com/open-telemetry/semantic-conventions/tree/v1.41.1/docs/gen-ai
 */
export const SEMCONV_VERSION = "1.41.1";

/** Schema of the instrumentation scope. */
export const SCHEMA_URL = "https://opentelemetry.io/schemas/1.41.0";

/** Attribute names; the only place that knows them, so that a rename is one line. */
export const ATTRIBUTE = {
  operation: "gen_ai.operation.name",
  provider: "gen_ai.provider.name",
  requestModel: "gen_ai.request.model",
  maxTokens: "gen_ai.request.max_tokens",
  responseModel: "gen_ai.response.model",
  responseId: "gen_ai.response.id",
  finishReasons: "gen_ai.response.finish_reasons",
  timeToFirstChunk: "gen_ai.response.time_to_first_chunk",
  inputTokens: "gen_ai.usage.input_tokens",
  outputTokens: "gen_ai.usage.output_tokens",
  errorType: "error.type",
  method: "http.request.method",
  route: "http.route",
  status: "http.response.status_code",
  serverAddress: "server.address",
  serverPort: "server.port",
  client: "llmops.client",
  tenant: "llmops.tenant",
  request: "llmops.request.id",
  result: "llmops.result",
  reason: "llmops.reason",
  model: "llmops.model",
  prompt: "llmops.prompt.version",
  step: "llmops.run.step",
  upstream: "llmops.upstream",
  tools: "llmops.tool.calls",
  cost: "llmops.cost",
  currency: "llmops.cost.currency",
  guardSide: "llmops.guard.side",
  guardAction: "llmops.guard.action",
  guardName: "llmops.guard.name",
  guardVersion: "llmops.guard.version",
} as const;

/** Old attribute names that engines and libraries still write, and what they are called in {@link SEMCONV_VERSION}. */
export const RENAMED_ATTRIBUTES: readonly (readonly [old: string, name: string])[] = [
  ["gen_ai.system", ATTRIBUTE.provider],
  ["gen_ai.usage.prompt_tokens", ATTRIBUTE.inputTokens],
  ["gen_ai.usage.completion_tokens", ATTRIBUTE.outputTokens],
  ["gen_ai.request.id", ATTRIBUTE.responseId],
];

/** Attributes that hold what people wrote or got; no span of the gateway has one. */
export const CONTENT_ATTRIBUTES: readonly string[] = [
  "gen_ai.input.messages",
  "gen_ai.output.messages",
  "gen_ai.system_instructions",
  "gen_ai.tool.definitions",
  "gen_ai.tool.call.arguments",
  "gen_ai.tool.call.result",
  "gen_ai.prompt",
  "gen_ai.completion",
  "input.value",
  "output.value",
  "llm.input_messages",
  "llm.output_messages",
];
