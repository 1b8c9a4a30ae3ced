import type { z } from "zod";
import { NO_MATCH_FIX, fixFor, knownKeysAt } from "./describe.ts";
import { formatPath, showValue, valueAt, type ConfigProblem, type KeyPath } from "./problem.ts";
import { didYouMean } from "./suggest.ts";

function unknownKey(path: KeyPath, key: string, root: unknown, whole?: z.core.$ZodType): ConfigProblem {
  const known = knownKeysAt(path, root, whole);
  const meant = didYouMean(key, known);
  return {
    path: formatPath([...path, key]),
    value: showValue(valueAt(root, [...path, key])),
    reason: `unknown key '${key}'`,
    fix:
      meant === undefined
        ? `remove it; known keys here: ${known.join(", ")}`
        : `did you mean '${meant}'? Known keys here: ${known.join(", ")}`,
  };
}

/** What is wrong, for people: an issue of zod with place, value, reason and fix. @default the stack file's schema */
export function toProblems(issue: z.core.$ZodIssue, root: unknown, whole?: z.core.$ZodType): ConfigProblem[] {
  if (issue.code === "unrecognized_keys")
    return issue.keys.map((key) => unknownKey(issue.path, key, root, whole));
  const value = valueAt(root, issue.path);
  const missing = value === undefined;
  const path = issue.path;
  return [
    {
      path: formatPath(path),
      value: showValue(value),
      reason: missing ? "required, but missing" : lowerFirst(issue.message),
      fix: fixFor(issue, value, root, whole) ?? NO_MATCH_FIX,
    },
  ];
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
