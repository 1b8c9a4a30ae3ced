import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { basename, dirname, join } from "node:path";
import { ToolError } from "./go-tool.ts";

/** A program out of a Debian package that needs no installation. */
export interface DebianTool {
  readonly package: string;
  /** Path of the binary inside the package. */
  readonly binary: string;
  /** Further packages whose libraries it loads. */
  readonly libraries: readonly string[];
}

/** Checks rules and evaluates PromQL with the real engine. */
export const PROMTOOL: DebianTool = { package: "prometheus", binary: "usr/bin/promtool", libraries: [] };

/** Collects metrics; from the same package. */
export const PROMETHEUS: DebianTool = { package: "prometheus", binary: "usr/bin/prometheus", libraries: [] };

/** Groups, routes and repeats alerts. */
export const ALERTMANAGER: DebianTool = {
  package: "prometheus-alertmanager",
  binary: "usr/bin/prometheus-alertmanager",
  libraries: [],
};

/** Counts limits across replicas. */
export const REDIS_SERVER: DebianTool = {
  package: "redis-server",
  binary: "usr/bin/redis-server",
  libraries: ["redis-tools", "libjemalloc2", "liblua5.1-0", "liblzf1", "lua-bitop", "lua-cjson"],
};

/** HTTP load generator. */
export const WRK: DebianTool = { package: "wrk", binary: "usr/bin/wrk", libraries: [] };

/** A program and the environment it starts in. */
export interface InstalledTool {
  readonly binary: string;
  readonly env: NodeJS.ProcessEnv;
}

function run(command: string, args: readonly string[], cwd: string): string | null {
  const { error, status, stderr } = spawnSync(command, args, { cwd, encoding: "utf8" });
  return error === undefined && status === 0 ? null : (error?.message ?? stderr.trim());
}

/** Downloads packages; a machine that has no package lists yet gets them first. */
function download(packages: readonly string[], folder: string): void {
  const first = run("apt-get", ["download", ...packages], folder);
  if (first === null) return;
  run("apt-get", ["update"], folder);
  const second = run("apt-get", ["download", ...packages], folder);
  if (second !== null)
    throw new ToolError(
      `apt-get download ${packages.join(" ")}: ${second}; on a machine without Debian packages put the program on the PATH`,
    );
}

function unpacked(folder: string, tool: DebianTool): InstalledTool {
  const libraries = join(
    folder,
    "usr",
    "lib",
    process.arch === "arm64" ? "aarch64-linux-gnu" : "x86_64-linux-gnu",
  );
  return { binary: join(folder, tool.binary), env: { ...process.env, LD_LIBRARY_PATH: libraries } };
}

/** Moves an unpacked package into the cache, unless another process was faster. */
function place(scratch: string, folder: string): void {
  try {
    renameSync(scratch, folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOTEMPTY") throw error;
  }
}

/**
 * A program from the PATH, else unpacked from its Debian package into the cache, without root.
 * @throws ToolError when neither is possible
 */
export function ensureDebianTool(tool: DebianTool): InstalledTool {
  const name = basename(tool.binary);
  if (spawnSync(name, ["--version"]).error === undefined) return { binary: name, env: process.env };
  const cache = process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache");
  const folder = join(cache, "llmops-blueprint", "tools", tool.package);
  if (existsSync(join(folder, tool.binary))) return unpacked(folder, tool);
  mkdirSync(dirname(folder), { recursive: true });
  const scratch = mkdtempSync(`${folder}-`);
  try {
    download([tool.package, ...tool.libraries], scratch);
    for (const archive of readdirSync(scratch).filter((file) => file.endsWith(".deb"))) {
      const problem = run("dpkg-deb", ["-x", archive, "."], scratch);
      if (problem !== null) throw new ToolError(`dpkg-deb -x ${archive}: ${problem}`);
    }
    if (!existsSync(join(scratch, tool.binary)))
      throw new ToolError(`the package ${tool.package} has no ${tool.binary}`);
    place(scratch, folder);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
  return unpacked(folder, tool);
}
