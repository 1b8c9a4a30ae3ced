import { z } from "zod";
import type { RemoteExchange, RemoteQuestion } from "./verdict.ts";
import { unclear } from "./verdict.ts";

const answerSchema = z.object({
  model: z.string().max(64),
  choices: z.array(z.object({ message: z.object({ content: z.string() }) })).min(1),
});
const CATEGORY = /^S\d{1,2}$/;

/**
 * Llama Guard behind an OpenAI-compatible engine: it answers `safe`, or `unsafe` and the categories on the next line
 * (model card of meta-llama/Llama-Guard-3-8B).
 */
export function llamaGuardExchange(model: string, { side, text }: RemoteQuestion): RemoteExchange {
  const role = side === "input" ? "user" : "assistant";
  const messages =
    side === "input"
      ? [{ role, content: text }]
      : [
          { role: "user", content: "" },
          { role, content: text },
        ];
  return {
    path: "/v1/chat/completions",
    body: { model, messages, max_tokens: 32, temperature: 0 },
    read: (answer) => {
      const parsed = answerSchema.safeParse(answer);
      if (!parsed.success) return unclear("not a chat completion");
      const { model: version, choices } = parsed.data;
      const [word, categories = ""] = (choices[0]?.message.content ?? "").trim().split("\n", 2);
      if (word === "safe") return { kind: "pass", version };
      if (word !== "unsafe") return unclear("neither safe nor unsafe");
      const found = categories
        .split(",")
        .map((category) => category.trim())
        .filter((category) => CATEGORY.test(category));
      return { kind: "block", version, found: Object.fromEntries(found.map((category) => [category, 1])) };
    },
  };
}
