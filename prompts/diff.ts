import { promptHash } from "./hash.ts";
import { promptsOf, type PromptFiles } from "./library.ts";
import type { Prompt } from "./prompt.ts";

/** One line of a comparison. */
export interface DiffLine {
  readonly kind: "same" | "removed" | "added";
  readonly text: string;
}

/** A version that was added, removed or changed. */
export interface PromptChange {
  readonly file: string;
  readonly kind: "added" | "removed" | "changed";
  /** What it is compared with: the version before it, itself at the base, or nothing. */
  readonly against: string | null;
  readonly hash: string;
  readonly settings: readonly string[];
  readonly lines: readonly DiffLine[];
}

/** Lines of the longest common subsequence kept, the others removed or added. */
export function lineDiff(before: readonly string[], after: readonly string[]): DiffLine[] {
  const lengths = Array.from({ length: before.length + 1 }, () =>
    new Array<number>(after.length + 1).fill(0),
  );
  const at = (row: number, column: number): number => lengths[row]?.[column] ?? 0;
  for (let row = before.length - 1; row >= 0; row -= 1)
    for (let column = after.length - 1; column >= 0; column -= 1) {
      const cells = lengths[row] as number[];
      cells[column] =
        before[row] === after[column]
          ? at(row + 1, column + 1) + 1
          : Math.max(at(row + 1, column), at(row, column + 1));
    }
  const lines: DiffLine[] = [];
  let [row, column] = [0, 0];
  while (row < before.length || column < after.length) {
    const [old, now] = [before[row], after[column]];
    if (old !== undefined && old === now) {
      lines.push({ kind: "same", text: old });
      row += 1;
      column += 1;
    } else if (old !== undefined && (now === undefined || at(row + 1, column) >= at(row, column + 1))) {
      lines.push({ kind: "removed", text: old });
      row += 1;
    } else {
      lines.push({ kind: "added", text: now ?? "" });
      column += 1;
    }
  }
  return lines;
}

function settingsDiff(before: Prompt | undefined, after: Prompt): string[] {
  const flat = (prompt: Prompt | undefined): Record<string, string> =>
    prompt === undefined
      ? {}
      : {
          model: prompt.model,
          ...Object.fromEntries(
            Object.entries(prompt.settings).map(([key, value]) => [`config.${key}`, String(value)]),
          ),
          ...Object.fromEntries(
            prompt.variables.map(({ name, need, type }) => [
              `input.schema.${name}`,
              `${need} ${typeof type === "string" ? type : type.enum.join("|")}`,
            ]),
          ),
          ...Object.fromEntries(
            Object.entries(prompt.defaults).map(([key, value]) => [`input.default.${key}`, String(value)]),
          ),
        };
  const [old, now] = [flat(before), flat(after)];
  return [...new Set([...Object.keys(old), ...Object.keys(now)])]
    .filter((key) => old[key] !== now[key])
    .map((key) => `${key}: ${old[key] ?? "nothing"} -> ${now[key] ?? "nothing"}`);
}

const linesOf = (prompt: Prompt | undefined): string[] => prompt?.template.split("\n") ?? [];

/**
 * What a change does to the prompts: a new version is compared with the one before it.
 * @throws PromptError when a file cannot be read
 */
export function promptChanges(base: PromptFiles, head: PromptFiles): PromptChange[] {
  const [before, after] = [promptsOf(base), promptsOf(head)];
  const find = (list: readonly Prompt[], file: string): Prompt | undefined =>
    list.find((prompt) => prompt.file === file);
  const predecessor = ({ name, version }: Prompt): Prompt | undefined =>
    after
      .filter((each) => each.name === name && Number(each.version) < Number(version))
      .sort((a, b) => Number(b.version) - Number(a.version))[0];
  const removed = before
    .filter(({ file }) => find(after, file) === undefined)
    .map((prompt): PromptChange => ({
      file: prompt.file,
      kind: "removed",
      against: null,
      hash: promptHash(prompt),
      settings: [],
      lines: lineDiff(linesOf(prompt), []),
    }));
  const others = after.flatMap((prompt): PromptChange[] => {
    const old = find(before, prompt.file);
    if (old !== undefined && promptHash(old) === promptHash(prompt)) return [];
    const against = old ?? predecessor(prompt);
    return [
      {
        file: prompt.file,
        kind: old === undefined ? "added" : "changed",
        against: against === undefined ? null : against.file,
        hash: promptHash(prompt),
        settings: settingsDiff(against, prompt),
        lines: lineDiff(linesOf(against), linesOf(prompt)),
      },
    ];
  });
  return [...removed, ...others];
}
