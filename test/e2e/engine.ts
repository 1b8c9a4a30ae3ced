import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { LocalWorkspace, PulumiCommand, type Stack } from "@pulumi/pulumi/automation/index.js";
import { withBriefTraces } from "../../plan/brief-traces.ts";
import { platformProgram } from "../../stacks/program.ts";
import type { PlatformConfig } from "../../stacks/schema/platform.ts";
import { ensureTool, PULUMI } from "../../tools/go-tool.ts";
import { Processes } from "./cluster/processes.ts";

/** One operation a stand-in provider carried out. */
export interface Operation {
  readonly operation: "create" | "update" | "delete";
  readonly urn: string;
}

/** The real Pulumi engine on this machine: file backend, stand-in providers, nothing reachable outside. */
export interface Engine {
  /**
   * A stack whose program is the platform of a configuration.
   * @param before runs in the program's own runtime, before its first resource
   * @param asOf ISO time policy packs judge on. @default now
   */
  stack(name: string, config: () => PlatformConfig, before?: () => void, asOf?: string): Promise<Stack>;
  /** Operations of the providers since the last call. */
  operations(): Operation[];
  /** Makes the creation of every resource of a type fail, or nothing any more. */
  failCreateOf(type: string | undefined): void;
  /** Makes the creation of every resource of a type never end, or nothing any more. */
  hangCreateOf(type: string | undefined): void;
  /**
   * Waits until a creation hangs and everything else has settled, then kills the engine without warning.
   * @throws Error when no creation hangs within 60 seconds
   */
  killWhenHanging(): Promise<void>;
  /** Lifts the protection of every resource of a stack, as `pulumi state unprotect --all` does. */
  unprotect(stack: string): void;
  /** Text of every file of the backend: state, history, backups. */
  backendText(): string;
  /** Text of the stack's state file. */
  stateFile(stack: string): string;
  close(): Promise<void>;
}

/** Project of every stack; the offline plan uses the same, so that URNs agree. */
const PROJECT_NAME = "llmops";

/** Without an operation for this long, in milliseconds, the engine waits only for the hanging creation. */
const SETTLED_MS = 1500;

/** Packages of the resources that the stacks create. */
const PACKAGES = ["aws", "gcp", "kubernetes", "random", "tls"] as const;

const STAND_IN = "stand-in providers";

/** Starts the stand-in of every package; the engine attaches to it in each run, and starts no plugin itself. */
async function startStandIn(processes: Processes, folder: string): Promise<string> {
  processes.start(STAND_IN, {
    command: process.execPath,
    args: [join(import.meta.dirname, "stand-in-provider.ts")],
    env: { ...process.env, STAND_IN_FOLDER: folder },
  });
  // A provider says where it listens in its first line.
  const port = (): string | undefined => /^\d+$/m.exec(processes.output(STAND_IN))?.[0];
  await processes.ready(STAND_IN, () => Promise.resolve(port() !== undefined));
  return PACKAGES.map((name) => `${name}:${port() ?? ""}`).join();
}

function writeProgram(file: string, lines: string): void {
  writeFileSync(file, `#!/bin/sh\n${lines}\n`, { mode: 0o755 });
}

/** Starts from an empty backend. */
export async function startEngine(): Promise<Engine> {
  const tool = await ensureTool(PULUMI, (text) => {
    process.stderr.write(`${text}\n`);
  });
  const folder = mkdtempSync(join(tmpdir(), "llmops-engine-"));
  const [programs, backend] = [join(folder, "bin"), join(folder, "backend")];
  mkdirSync(programs);
  mkdirSync(backend);
  const processes = new Processes();
  const providers = await startStandIn(processes, folder);
  // Without a language host the engine starts packs the way it did before there was one; both run the same program.
  const runPack = fileURLToPath(import.meta.resolve("@pulumi/pulumi/cmd/run-policy-pack/index.js"));
  writeProgram(
    join(programs, "pulumi-analyzer-policy-nodejs"),
    `NODE_COMPILE_CACHE='${join(folder, "compiled")}' exec '${process.execPath}' '${runPack}' "$@"`,
  );
  // What is killed is the engine itself, so its own process says which it is.
  const running = join(folder, "engine");
  writeProgram(
    join(programs, "pulumi"),
    `echo $$ > '${running}'\nexec '${join(tool, "bin", "pulumi")}' "$@"`,
  );
  const project = join(folder, "project");
  mkdirSync(project);
  writeFileSync(join(project, "Pulumi.yaml"), `name: ${PROJECT_NAME}\nruntime: nodejs\n`);
  const log = join(folder, "operations.jsonl");
  const fail = join(folder, "fail-create-of");
  const [hang, hanging] = [join(folder, "hang-create-of"), join(folder, "hanging")];
  const pulumiCommand = await PulumiCommand.get({ root: folder });
  const envVars = {
    PATH: [programs, process.env["PATH"]].join(delimiter),
    PULUMI_HOME: join(folder, "home"),
    PULUMI_BACKEND_URL: `file://${backend}`,
    PULUMI_CONFIG_PASSPHRASE: "end-to-end test",
    PULUMI_SKIP_UPDATE_CHECK: "true",
    PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
    PULUMI_DEBUG_PROVIDERS: providers,
  };
  return {
    stack: (stackName, config, before = () => undefined, asOf = "") =>
      LocalWorkspace.createOrSelectStack(
        {
          projectName: PROJECT_NAME,
          stackName,
          program: () =>
            withBriefTraces(() => {
              before();
              return Promise.resolve({ platform: platformProgram(config()) });
            }),
        },
        { pulumiCommand, envVars: { ...envVars, LLMOPS_POLICY_AS_OF: asOf } },
      ),
    unprotect: (stack) => {
      const { status, stderr } = spawnSync(
        join(programs, "pulumi"),
        ["state", "unprotect", "--all", "--yes", "--stack", stack],
        { cwd: project, env: { ...process.env, ...envVars }, encoding: "utf8" },
      );
      if (status !== 0) throw new Error(stderr);
    },
    operations: () => {
      if (!existsSync(log)) return [];
      const operations = readFileSync(log, "utf8")
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line) as Operation);
      rmSync(log);
      return operations;
    },
    failCreateOf: (type) => {
      if (type === undefined) rmSync(fail, { force: true });
      else writeFileSync(fail, type);
    },
    hangCreateOf: (type) => {
      rmSync(hanging, { force: true });
      if (type === undefined) rmSync(hang, { force: true });
      else writeFileSync(hang, type);
    },
    killWhenHanging: async () => {
      const deadline = Date.now() + 60_000;
      let [size, settledAt] = [-1, Date.now()];
      while (!existsSync(hanging) || Date.now() - settledAt < SETTLED_MS) {
        if (Date.now() > deadline) throw new Error("no creation hangs");
        const now = existsSync(log) ? statSync(log).size : 0;
        if (now !== size) [size, settledAt] = [now, Date.now()];
        await setTimeout(50);
      }
      process.kill(Number(readFileSync(running, "utf8")), "SIGKILL");
    },
    backendText: () =>
      readdirSync(backend, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => readFileSync(join(entry.parentPath, entry.name), "utf8"))
        .join("\n"),
    stateFile: (stack) =>
      readFileSync(join(backend, ".pulumi", "stacks", PROJECT_NAME, `${stack}.json`), "utf8"),
    close: async () => {
      await processes.stopAll();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
