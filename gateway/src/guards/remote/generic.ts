import { z } from "zod";
import type { RemoteExchange, RemoteQuestion } from "./verdict.ts";
import { unclear } from "./verdict.ts";

const answerSchema = z.object({ verdict: z.enum(["pass", "block"]), version: z.string().max(64) });

/** A guard of one's own: `{side, text}` is answered by `{verdict: "pass" | "block", version}`. */
export function genericExchange(question: RemoteQuestion): RemoteExchange {
  return {
    path: "",
    body: question,
    read: (answer) => {
      const parsed = answerSchema.safeParse(answer);
      if (!parsed.success) return unclear("no verdict");
      const { verdict, version } = parsed.data;
      return verdict === "pass"
        ? { kind: "pass", version }
        : { kind: "block", version, found: { remote: 1 } };
    },
  };
}
