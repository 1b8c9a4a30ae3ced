import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { makeOnce } from "./make-once.ts";
import { runCommand } from "./run-command.ts";

/** Packages from PyPI in a virtual environment of their own. */
export interface PythonTool {
  readonly name: string;
  /** Pinned requirements, for example `moto[server,s3]==5.2.5`. */
  readonly requirements: readonly string[];
}

/** An S3 with Object Lock that runs here. */
export const MOTO: PythonTool = { name: "moto", requirements: ["moto[server,s3]==5.2.5"] };

/** The official Python client of the OpenAI API. */
export const OPENAI_PYTHON: PythonTool = { name: "openai", requirements: ["openai==3.57.0"] };

/** The gateway others compare with. */
export const LITELLM: PythonTool = { name: "litellm", requirements: ["litellm[proxy]==1.108.7"] };

/** The policy scanner others compare with. */
export const CHECKOV: PythonTool = { name: "checkov", requirements: ["checkov==3.3.30"] };

/** Reads OSCAL documents with the models NIST publishes. */
export const TRESTLE: PythonTool = { name: "trestle", requirements: ["compliance-trestle==5.2.0"] };

/** TrueFoundry's own models of what its platform deploys; its other dependencies are not asked for. */
export const TRUEFOUNDRY: PythonTool = { name: "truefoundry", requirements: ["truefoundry==0.17.5"] };

/** Where people label answers. */
export const LABEL_STUDIO: PythonTool = { name: "label-studio", requirements: ["label-studio==1.23.2"] };

/** The server traces and runs go to, with its login. */
export const MLFLOW: PythonTool = { name: "mlflow", requirements: ["mlflow[auth]==3.17.2"] };

/**
 * Folder with the tool's programs (`bin` of its virtual environment), installed first where it is missing.
 * @throws ToolError when Python or the package index cannot be reached
 */
export async function ensurePythonTool(tool: PythonTool): Promise<string> {
  const cache = process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache");
  const lock = createHash("sha256").update(tool.requirements.join("\n")).digest("hex").slice(0, 12);
  const folder = join(cache, "llmops-blueprint", "tools", `${tool.name}-${lock}`);
  const isInstalled = (): boolean => existsSync(join(folder, "installed"));
  mkdirSync(dirname(folder), { recursive: true });
  await makeOnce(`${folder}.lock`, isInstalled, async () => {
    rmSync(folder, { recursive: true, force: true });
    await runCommand("python3", ["-m", "venv", folder]);
    await runCommand(join(folder, "bin", "pip"), [
      "install",
      "--quiet",
      "--disable-pip-version-check",
      ...tool.requirements,
    ]);
    const mark = mkdtempSync(join(folder, "mark-"));
    renameSync(mark, join(folder, "installed"));
  });
  return join(folder, "bin");
}
