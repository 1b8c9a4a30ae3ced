import { z } from "zod";

const range = z.strictObject({ min: z.string(), expected: z.string(), max: z.string() });

/** What planning one stack of a fleet came to, as a worker prints it: one line of JSON. */
export const outcomeSchema = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("planned"),
    stack: z.string(),
    resources: z.int(),
    /** USD a month; absent where nothing is rented. */
    monthlyUsd: range.optional(),
    verdict: z.enum(["within-budget", "over-budget", "nothing-rented"]),
    /** Messages of the findings that stop a deployment. */
    blocking: z.array(z.string()),
    /** What it relies on and cannot have. */
    unusable: z.array(z.string()),
    /** Name it answers under together with other regions. */
    commonName: z
      .strictObject({
        hostname: z.string(),
        client: z.string(),
        region: z.string(),
        regions: z.array(z.string()),
        record: z.enum(["each-region", "here", "elsewhere"]),
      })
      .optional(),
    /** Wall time, ms. */
    wallMs: z.int(),
  }),
  z.strictObject({ kind: z.literal("refused"), stack: z.string(), reason: z.string() }),
  z.strictObject({ kind: z.literal("failed"), stack: z.string(), reason: z.string() }),
]);

/** Outcome of one stack. */
export type Outcome = z.output<typeof outcomeSchema>;

/** Last line of a worker: its largest resident set, MiB. */
export const doneSchema = z.strictObject({ kind: z.literal("done"), rssMiB: z.int() });
