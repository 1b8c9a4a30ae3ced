import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ensureEnvironment } from "../../../tools/python-tool.ts";

/** Folder of the drift job: its program, its packages and its image's recipe. */
export const DRIFT_JOB = join(import.meta.dirname, "..", "..", "..", "jobs", "drift");

/**
 * Folder with the programs of the job's environment: the Dockerfile's own installation, made once for its line and its packages.
 * @throws ToolError when Python or the package index cannot be reached, or pip refuses
 */
export function ensureDriftJob(): Promise<string> {
  const install = /^RUN pip (.*)$/m.exec(readFileSync(join(DRIFT_JOB, "Dockerfile"), "utf8"))?.[1] ?? "";
  const lock = [install, readFileSync(join(DRIFT_JOB, "requirements.txt"), "utf8")].join("\n");
  return ensureEnvironment({ name: "drift-job", lock, pip: install.split(" "), folder: DRIFT_JOB });
}
