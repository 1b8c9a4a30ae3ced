import { z } from "zod";
import { platform } from "./platform.ts";
import { CONFIG_KEY } from "./stack-file.ts";

/** JSON Schema of a whole stack file, for completion and validation in editors. */
export function stackFileJsonSchema(): Record<string, unknown> {
  const { $schema, ...body } = z.toJSONSchema(platform, { io: "input", target: "draft-2020-12" });
  return {
    $schema,
    title: "llmops-blueprint stack file",
    type: "object",
    required: ["config"],
    properties: {
      config: {
        type: "object",
        required: [CONFIG_KEY],
        properties: { [CONFIG_KEY]: body },
      },
    },
  };
}
