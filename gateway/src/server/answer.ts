import type { JsonObject } from "../api/endpoint.ts";
import { dropTokenCopies, objectsIn, usageIn } from "../api/endpoint.ts";
import { ENVELOPES } from "../api/envelope.ts";
import { compileSchema } from "../api/schema-check.ts";
import type { ToolCall } from "../api/tools.ts";
import { toolCallsIn, toolFault } from "../api/tools.ts";
import type { RecordedUsage } from "../audit/record.ts";
import type { ClientConfig, EndpointPath } from "../config/schema.ts";
import type { GuardRule, VerdictBook } from "../guards/inspect.ts";
import type { Json } from "../guards/leaves.ts";
import { inspectBody } from "../guards/leaves.ts";
import type { PreparedRequest } from "./prepare.ts";

/** What the output guards concluded about an answer. */
export type AnswerVerdict =
  | { readonly kind: "passed" }
  | { readonly kind: "blocked"; readonly guard: string }
  | { readonly kind: "off-schema"; readonly errors: string };

function joined(parts: readonly JsonObject[], type: string): string[] {
  const texts = parts
    .filter((part) => part["type"] === type)
    .map(({ text }) => (typeof text === "string" ? text : ""));
  return texts.length === 0 ? [] : [texts.join("")];
}

/** Texts of the answers, one per answer, in any of the supported formats. */
export function answerTexts(path: EndpointPath, body: JsonObject): string[] {
  if (path === "/v1/messages") return joined(objectsIn(body["content"]), "text");
  if (path === "/v1/responses") {
    return objectsIn(body["output"])
      .filter((item) => item["type"] === "message")
      .flatMap((item) => joined(objectsIn(item["content"]), "output_text"));
  }
  return objectsIn(body["choices"]).flatMap((choice) => {
    const message = choice["message"] ?? choice;
    if (typeof message !== "object" || Array.isArray(message)) return [];
    const text = message["content"] ?? message["text"];
    return typeof text === "string" ? [text] : [];
  });
}

/** Checks texts against the schema the answer must follow. */
export function checkTexts(request: PreparedRequest, texts: readonly string[]): AnswerVerdict {
  if (request.outputSchema === null) return { kind: "passed" };
  const check = compileSchema(request.outputSchema);
  for (const text of texts) {
    let value: Json;
    try {
      value = JSON.parse(text) as Json;
    } catch {
      return { kind: "off-schema", errors: "the answer is not JSON" };
    }
    const result = check(value);
    if (result.kind === "invalid") return { kind: "off-schema", errors: result.errors };
  }
  return texts.length === 0 ? { kind: "off-schema", errors: "there is no answer" } : { kind: "passed" };
}

/** Checks tool calls against what was offered and what the client may use. */
export function checkTools(
  client: ClientConfig,
  request: PreparedRequest,
  calls: readonly ToolCall[],
  book: VerdictBook,
): AnswerVerdict {
  if (calls.length === 0) return { kind: "passed" };
  const fault = toolFault(client, request.tools, calls);
  book.note("tools", "1", fault === null ? "pass" : "block", fault === null ? {} : { [fault]: 1 });
  return fault === null ? { kind: "passed" } : { kind: "blocked", guard: "tools" };
}

/** Runs the output guards over a whole answer, taking out in place what the rules say. */
export function guardAnswer(
  client: ClientConfig,
  request: PreparedRequest,
  body: JsonObject,
  rules: readonly GuardRule[],
  book: VerdictBook,
): AnswerVerdict {
  if (rules.length > 0) dropTokenCopies(body);
  const tools = checkTools(client, request, toolCallsIn([body]), book);
  const inspected = inspectBody(body, rules, book, ENVELOPES[request.format.path]);
  if (inspected.kind === "blocked") return inspected;
  if (tools.kind !== "passed") return tools;
  return checkTexts(request, answerTexts(request.format.path, body));
}

/** Collects usage over one answer or stream; what is missing is estimated from sizes. */
export class UsageMeter {
  readonly #inputBytes: number;
  #input: number | null = null;
  #cachedInput = 0;
  #output: number | null = null;
  #characters = 0;

  /** @param inputBytes size of the request */
  constructor(inputBytes: number) {
    this.#inputBytes = inputBytes;
  }

  /** Looks for reported counts. */
  read(body: JsonObject): void {
    const { input, output, cachedInput } = usageIn(body);
    this.#cachedInput = Math.max(this.#cachedInput, cachedInput ?? 0);
    if (input !== undefined) this.#input = Math.max(this.#input ?? 0, input);
    if (output !== undefined) this.#output = Math.max(this.#output ?? 0, output);
  }

  /** Counts text of the answer. */
  text(characters: number): void {
    this.#characters += characters;
  }

  /** Counts so far. */
  get usage(): Required<RecordedUsage> {
    const reported = this.#input !== null && (this.#output !== null || this.#characters === 0);
    return {
      input: this.#input ?? Math.ceil(this.#inputBytes / 4),
      output: this.#output ?? Math.ceil(this.#characters / 3),
      cachedInput: this.#cachedInput,
      source: reported ? "reported" : "estimated",
    };
  }
}

/** Usage of all answers of a call together. */
export function totalUsage(meters: readonly UsageMeter[]): RecordedUsage {
  const usages = meters.map(({ usage }) => usage);
  const sum = (count: "input" | "output" | "cachedInput"): number =>
    usages.reduce((total, usage) => total + usage[count], 0);
  const cachedInput = sum("cachedInput");
  return {
    input: sum("input"),
    output: sum("output"),
    ...(cachedInput === 0 ? {} : { cachedInput }),
    source: usages.every(({ source }) => source === "reported") ? "reported" : "estimated",
  };
}
