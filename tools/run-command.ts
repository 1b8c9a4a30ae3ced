import { spawn } from "node:child_process";
import { ToolError } from "./go-tool.ts";

const KEPT = 2_000;

/**
 * Runs a command to its end without blocking the process, which test runners take for dead after a minute.
 * @throws ToolError with the end of what it complained about
 */
export function runCommand(command: string, args: readonly string[], cwd?: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      ...(cwd === undefined ? {} : { cwd }),
      stdio: ["ignore", "ignore", "pipe"],
    });
    let complaint = "";
    child.stderr.on("data", (block: Buffer) => {
      complaint = `${complaint}${block.toString()}`.slice(-KEPT);
    });
    child.on("error", (error) => {
      reject(new ToolError(`${command}: ${error.message}`));
    });
    child.on("close", (code) => {
      if (code === 0) resolve();
      else reject(new ToolError(`${command} ${args.join(" ")} ended with ${code}: ${complaint.trim()}`));
    });
  });
}
