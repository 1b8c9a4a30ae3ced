import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { promptHash } from "../prompts/hash.ts";
import { PROMPTS_FOLDER, promptFiles } from "../prompts/library.ts";
import { LOCK_FILE, lockOf } from "../prompts/lint.ts";
import { parsePrompt } from "../prompts/prompt.ts";
import type { FileToWrite } from "./files.ts";
import type { PromptCopy } from "./generate/prompts.ts";

/**
 * Files that give a client prompts of its own: each version that is not there yet, its line in the changelog, its hash in the
 * lock. A version the client has already stays as it is, because versions never change.
 */
export function promptCopies(root: string, copies: readonly PromptCopy[]): FileToWrite[] {
  const folder = existsSync(join(root, "prompts")) ? join(root, "prompts") : PROMPTS_FOLDER;
  const files = promptFiles(folder);
  const missing = [
    ...new Map(copies.map((copy) => [`${copy.to}/${copy.version}.prompt`, copy] as const)),
  ].filter(([path]) => !files.has(path));
  if (missing.length === 0) return [];
  const lock = { ...lockOf(files) };
  const changelogs = new Map<string, string>();
  const prompts = missing.map(([path, { from, to, version }]): FileToWrite => {
    const text = readFileSync(join(folder, from, `${version}.prompt`), "utf8");
    lock[path] = promptHash(parsePrompt(path, text));
    const before = changelogs.get(to) ?? files.get(`${to}/CHANGELOG.md`) ?? `# ${to}\n`;
    const [title = "", ...older] = before.split(/\n(?=## )/);
    const entry = `## ${version}\n\nCopied from ${from}@${version} by \`llmops fork\` or \`llmops clients upgrade\`.\n`;
    changelogs.set(to, [title, entry, ...older].join("\n"));
    return { path: join("prompts", path), text, mode: "new" };
  });
  const sorted = Object.fromEntries(Object.entries(lock).sort(([a], [b]) => (a < b ? -1 : 1)));
  return [
    ...prompts,
    ...[...changelogs].map(([name, text]): FileToWrite => ({
      path: join("prompts", name, "CHANGELOG.md"),
      text,
      mode: "replace",
    })),
    { path: join("prompts", LOCK_FILE), text: `${JSON.stringify(sorted, null, 2)}\n`, mode: "replace" },
  ];
}
