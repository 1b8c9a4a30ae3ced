import { z } from "zod";
import type { CaseTool } from "../case.ts";
import type { Answer, ToolCall } from "../grade.ts";

/** An OpenAI-compatible address, as a rule the gateway's. */
export interface Target {
  /** Base address without a path. */
  readonly baseUrl: string;
  readonly apiKey: string;
  readonly model: string;
  readonly maxTokens: number;
}

/** An answer with what it took. */
export interface Exchange {
  readonly answer: Answer;
  readonly ms: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
}

/** The target could not be asked, which says nothing about its answers. */
export class TargetError extends Error {
  override readonly name = "TargetError";
}

const reply = z.object({
  choices: z
    .array(
      z.object({
        message: z.object({
          content: z.string().nullish(),
          tool_calls: z
            .array(
              z.object({ id: z.string(), function: z.object({ name: z.string(), arguments: z.string() }) }),
            )
            .nullish(),
        }),
      }),
    )
    .min(1),
  usage: z.object({ prompt_tokens: z.int(), completion_tokens: z.int() }),
});

const failure = z.object({ error: z.object({ code: z.string().nullish(), message: z.string() }) });

/** Codes of the gateway's guards; every other error is one of the path and not of the answer. */
export const GUARD_CODES: ReadonlySet<string> = new Set([
  "guardrail_blocked",
  "review_required",
  "tool_not_allowed",
]);

/** Most turns with tools in one conversation. */
export const MAX_TURNS = 6;

/** Tools of a case as members of the request. */
export function toolsOf(tools: readonly CaseTool[]): object {
  return tools.length === 0
    ? {}
    : {
        tools: tools.map(({ name, description, parameters }) => ({
          type: "function",
          function: {
            name,
            description,
            parameters: {
              type: "object",
              properties: Object.fromEntries(
                Object.entries(parameters).map(([key, type]) => [key, { type }]),
              ),
              required: Object.keys(parameters),
              additionalProperties: false,
            },
          },
        })),
      };
}

function argumentsOf(text: string): Record<string, unknown> {
  try {
    return z.record(z.string(), z.unknown()).parse(JSON.parse(text));
  } catch {
    return {};
  }
}

/**
 * Sends a request.
 * @param path for example `/v1/chat/completions`
 * @throws TargetError when the target cannot be reached
 */
export async function post(
  { baseUrl, apiKey }: Pick<Target, "baseUrl" | "apiKey">,
  path: string,
  body: object,
  signal: AbortSignal,
): Promise<Response> {
  try {
    return await fetch(`${baseUrl}${path}`, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${apiKey}` },
      body: JSON.stringify(body),
      signal,
    });
  } catch (error) {
    throw new TargetError(`${baseUrl}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/**
 * Code of the guard that an error is about.
 * @throws TargetError when no guard caused it
 */
export function guardOf({ baseUrl }: Pick<Target, "baseUrl">, status: number, body: unknown): string {
  const { data } = failure.safeParse(body);
  const code = data?.error.code ?? "";
  if (!GUARD_CODES.has(code))
    throw new TargetError(`${baseUrl} answered ${status}: ${data?.error.message ?? "no reason"}`);
  return code;
}

/** One turn: what came back for a list of messages. */
export type Completion =
  | {
      readonly kind: "message";
      readonly content: string | null;
      readonly calls: readonly RawCall[];
      readonly inputTokens: number;
      readonly outputTokens: number;
    }
  /** A guard stopped it. */
  | { readonly kind: "refused"; readonly reason: string };

/** A tool call as the model wrote it. */
export interface RawCall {
  readonly id: string;
  readonly function: { readonly name: string; readonly arguments: string };
}

/**
 * Sends messages and reads the answer.
 * @param request further members of the request, for example `seed` or `tools`
 * @throws TargetError when the target cannot be reached or answers with an error that no guard caused
 */
export async function complete(
  target: Target,
  messages: readonly object[],
  request: Readonly<Record<string, unknown>>,
  signal: AbortSignal,
): Promise<Completion> {
  const { model, maxTokens, baseUrl } = target;
  const asked = { model, messages, max_tokens: maxTokens, ...request };
  const response = await post(target, "/v1/chat/completions", asked, signal);
  const body: unknown = await response.json().catch(() => null);
  if (!response.ok) return { kind: "refused", reason: guardOf(target, response.status, body) };
  const parsed = reply.safeParse(body);
  if (!parsed.success) throw new TargetError(`${baseUrl}: the answer has no choices or no usage`);
  const { choices, usage } = parsed.data;
  const message = choices[0]?.message;
  return {
    kind: "message",
    content: message?.content ?? null,
    calls: message?.tool_calls ?? [],
    inputTokens: usage.prompt_tokens,
    outputTokens: usage.completion_tokens,
  };
}

/**
 * Asks one question; tools answer what the case says, and nothing is really called.
 * @throws TargetError when the target cannot be reached or answers with an error that no guard caused
 */
export async function ask(
  target: Target,
  question: string,
  tools: readonly CaseTool[],
  seed: number,
  signal: AbortSignal,
): Promise<Exchange> {
  const messages: object[] = [{ role: "user", content: question }];
  const calls: ToolCall[] = [];
  const started = performance.now();
  const used = { inputTokens: 0, outputTokens: 0 };
  for (let turn = 0; ; turn += 1) {
    const completion = await complete(target, messages, { seed, ...toolsOf(tools) }, signal);
    const end = (answer: Answer): Exchange => ({ answer, ms: performance.now() - started, ...used });
    if (completion.kind === "refused") return end(completion);
    const { content, calls: wanted } = completion;
    used.inputTokens += completion.inputTokens;
    used.outputTokens += completion.outputTokens;
    for (const call of wanted)
      calls.push({ tool: call.function.name, arguments: argumentsOf(call.function.arguments) });
    if (wanted.length === 0 || turn + 1 >= MAX_TURNS)
      return end({ kind: "answered", text: content ?? "", calls });
    messages.push(
      { role: "assistant", content, tool_calls: wanted.map((call) => ({ ...call, type: "function" })) },
      ...wanted.map((call) => ({
        role: "tool",
        tool_call_id: call.id,
        content: tools.find(({ name }) => name === call.function.name)?.result ?? "there is no such tool",
      })),
    );
  }
}
