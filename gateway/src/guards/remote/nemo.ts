import { z } from "zod";
import type { RemoteExchange, RemoteQuestion } from "./verdict.ts";
import { unclear } from "./verdict.ts";

const answerSchema = z.object({
  status: z.enum(["success", "blocked"]),
  rails_status: z.record(z.string().max(64), z.object({ status: z.string() })).default({}),
});

/** Which rails run. */
export interface NemoSettings {
  /** Model the rails were configured for. */
  readonly model: string;
  /** Id of the rails configuration; recorded as the version. */
  readonly configId: string;
}

/** NeMo Guardrails checks, `POST /v1/guardrail/checks` (NVIDIA NeMo Guardrails microservice API). */
export function nemoExchange(
  { model, configId }: NemoSettings,
  { side, text }: RemoteQuestion,
): RemoteExchange {
  return {
    path: "/v1/guardrail/checks",
    body: {
      model,
      messages: [{ role: side === "input" ? "user" : "assistant", content: text }],
      guardrails: { config_id: configId },
    },
    read: (answer) => {
      const parsed = answerSchema.safeParse(answer);
      if (!parsed.success) return unclear("no status");
      const { status, rails_status: rails } = parsed.data;
      if (status === "success") return { kind: "pass", version: configId };
      const blocked = Object.entries(rails).filter(([, rail]) => rail.status === "blocked");
      return {
        kind: "block",
        version: configId,
        found: Object.fromEntries(blocked.map(([name]) => [name, 1])),
      };
    },
  };
}
