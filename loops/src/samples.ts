import { z } from "zod";
import type { Samples } from "./decision.ts";

const answer = z.object({
  status: z.literal("success"),
  data: z.object({
    resultType: z.literal("vector"),
    result: z.array(z.object({ value: z.tuple([z.number(), z.string()]) })),
  }),
});

const TIMEOUT_MS = 5_000;

/** Asks Prometheus how much an alert rests on; anything but one finite number is unknown. */
export async function countSamples(prometheusUrl: string, query: string, model: string): Promise<Samples> {
  const asked = new URL("/api/v1/query", prometheusUrl);
  asked.searchParams.set("query", query.replaceAll("$model", model));
  try {
    const response = await fetch(asked, { signal: AbortSignal.timeout(TIMEOUT_MS) });
    const parsed = answer.safeParse(await response.json());
    const [only, ...others] = parsed.success ? parsed.data.data.result : [];
    const count = only === undefined || others.length > 0 ? Number.NaN : Number(only.value[1]);
    return Number.isFinite(count) ? { kind: "counted", count } : { kind: "unknown" };
  } catch {
    return { kind: "unknown" };
  }
}
