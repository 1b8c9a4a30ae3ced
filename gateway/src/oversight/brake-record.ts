import { z } from "zod";

/** A brake as it is written. */
export const brakeSchema = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("stop"), scope: z.string().min(1), since: z.iso.datetime() }),
  z.strictObject({
    kind: z.literal("throttle"),
    share: z.number().gt(0).lt(1),
    until: z.iso.datetime(),
  }),
]);
