import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { runCommand } from "./run-command.ts";

/** A package from the npm registry that runs beside the project and is no dependency of it. */
export interface NpmTool {
  readonly package: string;
  readonly version: string;
  /** Versions of its own dependencies that it needs to work. */
  readonly overrides: Readonly<Record<string, string>>;
}

/**
 * Portkey's open gateway. With the newest `@hono/node-server` it answers every stream with status 500
 * (https://github.com/Portkey-AI/gateway/issues/1389), so it gets the version that works.
 */
export const PORTKEY: NpmTool = {
  package: "@portkey-ai/gateway",
  version: "1.15.2",
  overrides: { "@hono/node-server": "1.3.3" },
};

/** A runner of evaluations that others use: what `llmops eval export promptfoo` writes, it must take. */
export const PROMPTFOO: NpmTool = { package: "promptfoo", version: "0.123.1", overrides: {} };

/** Generator of the documentation's site. */
export const VITEPRESS: NpmTool = { package: "vitepress", version: "1.6.4", overrides: {} };

/**
 * Folder of the installed package, installed first where it is missing.
 * @throws ToolError when the registry cannot be reached
 */
export async function ensureNpmTool(tool: NpmTool): Promise<string> {
  const cache = process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache");
  const name = `${tool.package.replace(/[@/]/g, "-")}-${tool.version}`;
  const folder = join(cache, "llmops-blueprint", "tools", `npm${name}`);
  const installed = join(folder, "node_modules", tool.package);
  const mark = join(folder, "installed");
  if (existsSync(mark)) return installed;
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "package.json"), JSON.stringify({ private: true, overrides: tool.overrides }));
  const what = `${tool.package}@${tool.version}`;
  await runCommand("npm", ["install", "--ignore-scripts", "--no-audit", "--no-fund", what], folder);
  writeFileSync(mark, "");
  return installed;
}
