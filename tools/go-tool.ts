import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";

/** A program that is built from a Go module pinned in this folder. */
export interface GoTool {
  /** Folder below `tools/` with `go.mod` and `go.sum`, and name of the binary. */
  readonly name: string;
  /** Package to build. */
  readonly package: string;
  readonly version: string;
  /** Linker flags. */
  readonly ldflags: string;
}

/** The Pulumi engine; the version must be set by the linker or the Automation API refuses the binary. */
export const PULUMI: GoTool = {
  name: "pulumi",
  package: "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",
  version: "v3.259.0",
  ldflags: "-s -w -X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v3.259.0",
};

/** A tool cannot be built. */
export class ToolError extends Error {
  override readonly name = "ToolError";
}

function moduleFolder(tool: GoTool): string {
  return join(import.meta.dirname, tool.name);
}

/** Where a built tool is kept: outside the project, one folder per version and module lock. */
export function toolFolder(tool: GoTool): string {
  const cache = process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache");
  const lock = createHash("sha256")
    .update(readFileSync(join(moduleFolder(tool), "go.sum")))
    .update(tool.ldflags)
    .digest("hex")
    .slice(0, 12);
  return join(cache, "llmops-blueprint", "tools", `${tool.name}-${tool.version}-${lock}`);
}

function requireGo(): void {
  const { error, status } = spawnSync("go", ["version"]);
  if (error !== undefined || status !== 0)
    throw new ToolError(
      "Go is not on the PATH; the end-to-end tests build the Pulumi engine from its Go module. Install Go 1.26 or later from https://go.dev/dl",
    );
}

function build(tool: GoTool, target: string, progress: (text: string) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const started = Date.now();
    const beat = setInterval(() => {
      progress(`building ${tool.name} ${tool.version}: ${Math.round((Date.now() - started) / 1000)} s`);
    }, 15_000);
    const child = spawn("go", ["build", "-trimpath", "-ldflags", tool.ldflags, "-o", target, tool.package], {
      cwd: moduleFolder(tool),
      stdio: ["ignore", "ignore", "pipe"],
    });
    let complaint = "";
    child.stderr.on("data", (block: Buffer) => {
      complaint = `${complaint}${block.toString()}`.slice(-4000);
    });
    child.on("error", reject);
    child.on("close", (code) => {
      clearInterval(beat);
      if (code === 0) resolve();
      else reject(new ToolError(`go build of ${tool.package} ended with ${code}:\n${complaint}`));
    });
  });
}

/**
 * Path of a tool's folder with `bin/<name>`, built first where it is missing (minutes).
 * Safe when several processes build at once: the last one to finish wins with equal content.
 * @throws ToolError when Go is missing or the build fails
 */
export async function ensureTool(tool: GoTool, progress: (text: string) => void): Promise<string> {
  const folder = toolFolder(tool);
  if (existsSync(join(folder, "bin", tool.name))) return folder;
  requireGo();
  mkdirSync(dirname(folder), { recursive: true });
  const scratch = mkdtempSync(`${folder}-`);
  try {
    progress(`building ${tool.name} ${tool.version} from its Go module (minutes, once) ...`);
    await build(tool, join(scratch, "bin", tool.name), progress);
    rmSync(folder, { recursive: true, force: true });
    renameSync(scratch, folder);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
  return folder;
}
