import type { PlatformConfig, SectionName } from "../platform.ts";
import type { ConfigProblem } from "../problem.ts";
import { formatPath, showValue, type KeyPath } from "../problem.ts";

/** A rule over several fields. */
export interface Check {
  /** Sections it reads; the check is skipped while one of them is invalid on its own. */
  readonly needs: readonly SectionName[];
  readonly run: (config: PlatformConfig) => ConfigProblem[];
}

/** Builds a problem from a key path and the value found there. */
export function problem(path: KeyPath, value: unknown, reason: string, fix: string): ConfigProblem {
  return { path: formatPath(path), value: showValue(value), reason, fix };
}

/** Problems for every name that occurs more than once in a list. */
export function duplicates(path: KeyPath, names: readonly string[]): ConfigProblem[] {
  return names.flatMap((name, index) =>
    names.indexOf(name) === index
      ? []
      : [
          problem(
            [...path, index, "name"],
            name,
            `the name '${name}' is used twice`,
            "give each entry its own name",
          ),
        ],
  );
}
