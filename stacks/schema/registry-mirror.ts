import { z } from "zod";

/** The registry every image and chart comes from. */
export const registryMirror = z
  .strictObject({
    host: z
      .string()
      .regex(/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:\d{1,5})?(\/[a-z0-9]([a-z0-9._-]*[a-z0-9])?)*$/, {
        error: "must be a host, with port and path if any, without scheme and final '/'",
      })
      .describe("Registry, for example registry.acme.example/mirror."),
  })
  .optional()
  .describe("Registry that holds a copy of every image and chart; nothing comes from another one.");
