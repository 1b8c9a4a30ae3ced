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
 * Folder with the tool's programs (`bin` of its virtual environment), installed first where it is missing. Python compiles what a
 * program loads when it first does; pip would compile all of it.
 * @throws ToolError when Python or the package index cannot be reached
 */
export function ensurePythonTool({ name, requirements }: PythonTool): Promise<string> {
  const pip = ["install", "--quiet", "--no-compile", "--disable-pip-version-check", ...requirements];
  return ensureEnvironment({ name, lock: requirements.join("\n"), pip });
}

/** A virtual environment and what is installed into it. */
export interface PythonEnvironment {
  readonly name: string;
  /** Everything that decides what is in it: another text is another environment. */
  readonly lock: string;
  /** Words of pip's command line. */
  readonly pip: readonly string[];
  /** Folder that pip's files are looked up in. @default the current one */
  readonly folder?: string;
}

/**
 * Folder with the programs of a virtual environment (its `bin`), installed first where it is missing.
 * @throws ToolError when Python or the package index cannot be reached, or pip refuses
 */
export async function ensureEnvironment(environment: PythonEnvironment): Promise<string> {
  const cache = process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache");
  const lock = createHash("sha256").update(environment.lock).digest("hex").slice(0, 12);
  const place = join(cache, "llmops-blueprint", "tools", `${environment.name}-${lock}`);
  const isInstalled = (): boolean => existsSync(join(place, "installed"));
  mkdirSync(dirname(place), { recursive: true });
  await makeOnce(`${place}.lock`, isInstalled, async () => {
    rmSync(place, { recursive: true, force: true });
    await runCommand("python3", ["-m", "venv", place]);
    await runCommand(join(place, "bin", "pip"), environment.pip, environment.folder);
    const mark = mkdtempSync(join(place, "mark-"));
    renameSync(mark, join(place, "installed"));
  });
  return join(place, "bin");
}
