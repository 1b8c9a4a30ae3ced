import { z } from "zod";

/** Where a chat request goes: an engine itself, or a gateway in front of it. */
export interface ChatPath {
  /** Base address without a path. */
  readonly baseUrl: string;
  /** Bearer token. */
  readonly apiKey: string;
  readonly model: string;
}

/** What came back. */
export type ChatResult =
  | {
      readonly kind: "answered";
      readonly text: string;
      readonly completionTokens: number;
      /** Time to the first token of a stream, ms; a whole answer does not show it. */
      readonly firstTokenMs?: number;
      /** Time to the end, ms. */
      readonly totalMs: number;
    }
  | { readonly kind: "refused"; readonly status: number; readonly reason: string };

const usage = z.object({ completion_tokens: z.int() });
const whole = z.object({
  choices: z.array(z.object({ message: z.object({ content: z.string() }) })).min(1),
  usage,
});
const chunk = z.object({
  choices: z.array(z.object({ delta: z.object({ content: z.string().optional() }) })),
  usage: usage.nullish(),
});
const failure = z.object({ error: z.object({ message: z.string() }) });

/**
 * Asks one question and reads the answer, whole or as a stream.
 * @throws Error when the answer is neither an answer nor an error of the OpenAI form
 */
export async function ask(
  path: ChatPath,
  question: string,
  delivery: "whole" | "stream",
): Promise<ChatResult> {
  const started = performance.now();
  const elapsed = (): number => Math.round(performance.now() - started);
  const response = await fetch(`${path.baseUrl}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${path.apiKey}` },
    body: JSON.stringify({
      model: path.model,
      messages: [{ role: "user", content: question }],
      max_tokens: 48,
      ...(delivery === "stream" ? { stream: true, stream_options: { include_usage: true } } : {}),
    }),
  });
  if (!response.ok) {
    const { error } = failure.parse(await response.json());
    return { kind: "refused", status: response.status, reason: error.message };
  }
  if (delivery === "whole") {
    const answer = whole.parse(await response.json());
    return {
      kind: "answered",
      text: answer.choices[0]?.message.content ?? "",
      completionTokens: answer.usage.completion_tokens,
      totalMs: elapsed(),
    };
  }
  return readStream(response, elapsed);
}

async function readStream(response: Response, elapsed: () => number): Promise<ChatResult> {
  let text = "";
  let completionTokens: number | undefined;
  let ended = false;
  let firstTokenMs: number | undefined;
  let buffer = "";
  const decoder = new TextDecoder();
  for await (const block of response.body ?? []) {
    buffer += decoder.decode(block as Uint8Array, { stream: true });
    const events = buffer.split("\n\n");
    buffer = events.pop() ?? "";
    for (const event of events) {
      const data = event.replace(/^data: /, "");
      if (data === "[DONE]") ended = true;
      if (data === "[DONE]" || data === "") continue;
      const parsed = chunk.parse(JSON.parse(data));
      const piece = parsed.choices[0]?.delta.content ?? "";
      if (piece !== "") firstTokenMs ??= elapsed();
      text += piece;
      completionTokens = parsed.usage?.completion_tokens ?? completionTokens;
    }
  }
  if (!ended || completionTokens === undefined)
    throw new Error(
      `the stream broke off after ${text.length} characters: ${ended ? "no usage" : "no [DONE]"} came`,
    );
  return {
    kind: "answered",
    text,
    completionTokens,
    ...(firstTokenMs === undefined ? {} : { firstTokenMs }),
    totalMs: elapsed(),
  };
}
