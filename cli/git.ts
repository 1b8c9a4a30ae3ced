import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { GitState } from "../policies/evidence.ts";

/** Root of the repository. */
export const ROOT = fileURLToPath(new URL("..", import.meta.url));

/** Git cannot do what is needed; the message is git's own. */
export class GitError extends Error {
  override readonly name = "GitError";
}

/**
 * Runs git in the repository and returns what it prints.
 * @throws GitError with git's message
 */
export function git(...args: readonly string[]): string {
  const { status, stdout, stderr, error } = spawnSync("git", [...args], { cwd: ROOT, encoding: "utf8" });
  if (error !== undefined) throw new GitError(`git cannot be run: ${error.message}`);
  if (status !== 0) throw new GitError(`git ${args.join(" ")}: ${stderr.trim()}`);
  return stdout.trim();
}

/** Commit and cleanliness of the working tree; both unknown outside of a repository. */
export function gitState(): GitState {
  try {
    const commit = git("rev-parse", "HEAD");
    return { commit, tree: git("status", "--porcelain") === "" ? "clean" : "dirty" };
  } catch (error) {
    if (error instanceof GitError) return { commit: null, tree: "unknown" };
    throw error;
  }
}
