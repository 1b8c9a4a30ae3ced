import { z } from "zod";

/** What alerts set in motion. */
export const loops = z
  .strictObject({
    image: z
      .string()
      .regex(/^[^\s]+@sha256:[0-9a-f]{64}$/, {
        error: "must be pinned by digest: <image>@sha256:<64 hex digits>",
      })
      .optional()
      .describe("Image built from loops/Dockerfile: gate of deliveries and controller of the loops."),
  })
  .prefault({})
  .describe("What alerts set in motion.");
