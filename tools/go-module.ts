import { spawnSync } from "node:child_process";
import { tmpdir } from "node:os";
import { ToolError } from "./go-tool.ts";

/** A Go module of which only files are read. */
export interface GoModule {
  readonly module: string;
  readonly version: string;
  /** Hash of its files, as `go.sum` has it. */
  readonly sum: string;
}

/**
 * Folder with the files of a module, read-only; downloaded first where it is missing.
 * @throws ToolError when Go is missing, the module cannot be had, or its files are not the pinned ones
 */
export function ensureGoModule({ module, version, sum }: GoModule): string {
  // Outside this project, so that no go.mod gets a say.
  const { error, status, stdout, stderr } = spawnSync(
    "go",
    ["mod", "download", "-json", `${module}@${version}`],
    { cwd: tmpdir(), encoding: "utf8" },
  );
  if (error !== undefined)
    throw new ToolError(
      `${module} ${version} is read from its Go module: ${error.message}. Install Go from https://go.dev/dl`,
    );
  const answer = JSON.parse(stdout === "" ? "{}" : stdout) as { Dir?: string; Sum?: string; Error?: string };
  if (status !== 0 || answer.Dir === undefined)
    throw new ToolError(`go mod download ${module}@${version}: ${answer.Error ?? stderr.trim()}`);
  if (answer.Sum !== sum)
    throw new ToolError(`${module} ${version}: sum is ${answer.Sum ?? "missing"}, pinned is ${sum}`);
  return answer.Dir;
}
