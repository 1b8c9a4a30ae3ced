import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { ToolError } from "./go-tool.ts";

function run(command: string, args: readonly string[], cwd: string): void {
  const { error, status, stderr } = spawnSync(command, args, { cwd, encoding: "utf8" });
  if (error !== undefined || status !== 0)
    throw new ToolError(
      `${command} ${args.join(" ")}: ${error?.message ?? stderr.trim()}; on a machine without Debian packages install Prometheus and put promtool on the PATH`,
    );
}

/**
 * Path of `promtool`: from the PATH, else unpacked from Debian's `prometheus` package into the cache, without root.
 * @throws ToolError when neither is possible
 */
export function ensurePromtool(): string {
  if (spawnSync("promtool", ["--version"]).status === 0) return "promtool";
  const cache = process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache");
  const folder = join(cache, "llmops-blueprint", "tools", "prometheus");
  const binary = join(folder, "usr", "bin", "promtool");
  if (existsSync(binary)) return binary;
  mkdirSync(dirname(folder), { recursive: true });
  const scratch = mkdtempSync(`${folder}-`);
  try {
    run("apt-get", ["download", "prometheus"], scratch);
    const archive = readdirSync(scratch).find((file) => file.endsWith(".deb"));
    if (archive === undefined) throw new ToolError("apt-get download prometheus brought no package");
    run("dpkg-deb", ["-x", archive, "."], scratch);
    rmSync(folder, { recursive: true, force: true });
    renameSync(scratch, folder);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
  return binary;
}
