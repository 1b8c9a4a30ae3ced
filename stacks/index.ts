import * as pulumi from "@pulumi/pulumi";
import { platformProgram } from "./program.ts";
import { endingsOf, formatEnding } from "./schema/endings.ts";
import { parsePlatform } from "./schema/parse.ts";
import { formatProblems } from "./schema/stack-file.ts";

const parsed = parsePlatform(new pulumi.Config("llmops").requireObject("platform"));
if (parsed.kind === "invalid") {
  const file = `stacks/Pulumi.${pulumi.getStack()}.yaml`;
  throw new pulumi.RunError(
    formatProblems(parsed.problems.map((problem) => ({ file, line: 1, column: 1, ...problem }))),
  );
}

for (const ending of endingsOf(parsed.config, new Date().toISOString())) {
  if (ending.state === "over") throw new pulumi.RunError(formatEnding(ending));
  void pulumi.log.warn(formatEnding(ending));
}

/** Stack outputs; see `PlatformOutputs`. */
export const platform = platformProgram(parsed.config);
