import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stackNames } from "../stacks/schema/stack-file.ts";
import { git, ROOT } from "./git.ts";

/** Most bytes of a plan in JSON. */
const MAX_BUFFER = 256 * 1024 * 1024;

/** Most characters kept of what a plan says besides: a refused configuration names each key, its value and the fix. */
const MOST_SAID = 2_000;

/** What a commit's own code printed about a stack. */
export interface PlanOutput {
  /** JSON, or whatever was printed instead of it. */
  readonly stdout: string;
  /** What it said besides, from the start. */
  readonly said: string;
}

/** Files of a commit with the modules that are installed here; removed when done. */
export class Checkout {
  readonly folder: string;
  readonly #isOwn: boolean;

  /** @param ref commit; the working tree when undefined */
  constructor(ref: string | undefined) {
    this.#isOwn = ref !== undefined;
    if (ref === undefined) {
      this.folder = ROOT;
      return;
    }
    this.folder = join(mkdtempSync(join(tmpdir(), "llmops-review-")), "tree");
    git("worktree", "add", "--detach", "--quiet", this.folder, ref);
    symlinkSync(join(ROOT, "node_modules"), join(this.folder, "node_modules"));
  }

  stacks(): string[] {
    return stackNames(join(this.folder, "stacks")).filter((name) => name !== "local");
  }

  /** Plans a stack with the code of this commit, in a process of its own. */
  plan(stack: string, asOf: string): PlanOutput {
    const args = ["cli/llmops.js", "plan", "-s", stack, "--json", "--as-of", asOf.slice(0, 10)];
    const { stdout, stderr } = spawnSync(process.execPath, args, {
      cwd: this.folder,
      encoding: "utf8",
      maxBuffer: MAX_BUFFER,
    });
    return { stdout, said: stderr.trim().slice(0, MOST_SAID) };
  }

  remove(): void {
    if (!this.#isOwn) return;
    git("worktree", "remove", "--force", this.folder);
    rmSync(join(this.folder, ".."), { recursive: true, force: true });
  }
}
