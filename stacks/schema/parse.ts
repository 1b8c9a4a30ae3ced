import type { z } from "zod";
import { checks } from "./checks/index.ts";
import { toProblems } from "./issue.ts";
import { platform, sections, type PlatformConfig, type SectionName } from "./platform.ts";
import { showValue, type ConfigProblem } from "./problem.ts";

/** Result of parsing: a configuration with defaults, or every problem found. */
export type ParseResult =
  | { readonly kind: "valid"; readonly config: PlatformConfig }
  | { readonly kind: "invalid"; readonly problems: readonly ConfigProblem[] };

/**
 * Parses a configuration and reports every problem at once: each section is parsed on its own, and each cross-field
 * check runs as soon as the sections it needs are valid.
 */
export function parsePlatform(input: unknown): ParseResult {
  if (typeof input !== "object" || input === null || Array.isArray(input)) {
    return {
      kind: "invalid",
      problems: [
        {
          path: "",
          value: showValue(input),
          reason: "the configuration must be a mapping of sections",
          fix: `write the sections ${Object.keys(sections).join(", ")} under 'llmops:platform'`,
        },
      ],
    };
  }
  const problems: ConfigProblem[] = [];
  const parsed = new Map<SectionName, unknown>();
  const whole = platform.safeParse(input);
  if (!whole.success) problems.push(...whole.error.issues.flatMap((issue) => toProblems(issue, input)));
  for (const [name, schema] of Object.entries(sections) as [SectionName, z.ZodType][]) {
    const result = schema.safeParse((input as Record<string, unknown>)[name]);
    if (result.success) parsed.set(name, result.data);
  }
  const config = Object.fromEntries(parsed) as PlatformConfig;
  for (const check of checks) {
    if (check.needs.every((name) => parsed.has(name))) problems.push(...check.run(config));
  }
  return problems.length === 0 && whole.success
    ? { kind: "valid", config: whole.data }
    : { kind: "invalid", problems };
}
