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

/** A stack as the backend keeps it. */
export interface State {
  readonly resources?: readonly { readonly urn: string }[];
  readonly pending_operations?: readonly {
    readonly type: string;
    readonly resource: { readonly urn: string };
  }[];
}

/** What the next operations of a stack run with. */
export interface Run {
  /** The program is the platform of this configuration. */
  readonly config: () => PlatformConfig;
  /** Runs in the program's own runtime, before its first resource. */
  readonly before?: () => void;
  /** Settings in the stack's file, which policy packs are told. @default none */
  readonly settings?: Readonly<Record<string, string>>;
  /** ISO time policy packs judge on. @default now */
  readonly asOf?: string;
}

/** The real Pulumi engine on this machine: file backend, stand-in providers, nothing reachable outside. */
export interface Engine {
  /** The stack of a name with a program and settings; it is created when asked for the first time. */
  stack(name: string, run: Run): Promise<Stack>;
  /** Operations of the providers since the last call. */
  operations(): Operation[];
  /** Makes the creation of every resource of a type fail, or nothing any more. */
  failCreateOf(type: string | undefined): void;
  /**
   * Makes the creation of every resource of a type never end, or nothing any more. Meanwhile the engine writes its state after
   * each step, as it does for everybody; else once at the end of a run, because what it writes between takes most of the run.
   */
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
  /** What the state file says: resources, and operations whose end nobody saw. */
  state(stack: string): State;
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
  const [hang, hanging] = [join(folder, "hang-create-of"), join(folder, "hanging")];
  // What is killed is the engine itself, so its own process says which it is.
  const running = join(folder, "engine");
  writeProgram(
    join(programs, "pulumi"),
    [
      `echo $$ > '${running}'`,
      `[ -e '${hang}' ] || export PULUMI_SKIP_CHECKPOINTS=true`,
      `exec '${join(tool, "bin", "pulumi")}' "$@"`,
    ].join("\n"),
  );
  const project = join(folder, "project");
  mkdirSync(project);
  writeFileSync(join(project, "Pulumi.yaml"), `name: ${PROJECT_NAME}\nruntime: nodejs\n`);
  const log = join(folder, "operations.jsonl");
  const fail = join(folder, "fail-create-of");
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
  const created = new Map<string, Promise<Stack>>();
  const create = async (stackName: string): Promise<Stack> => {
    const stack = await LocalWorkspace.createStack(
      { projectName: PROJECT_NAME, stackName, program: () => Promise.resolve() },
      { pulumiCommand, envVars },
    );
    // Each update would start the CLI twice more to read them, and nobody looks at them here.
    stack.workspace.stackOutputs = () => Promise.resolve({});
    return stack;
  };
  const stateFile = (stack: string): string =>
    readFileSync(join(backend, ".pulumi", "stacks", PROJECT_NAME, `${stack}.json`), "utf8");
  return {
    stack: async (name, { config, before, settings = {}, asOf = "" }) => {
      const found = created.get(name) ?? create(name);
      created.set(name, found);
      const stack = await found;
      const { workspace } = stack;
      workspace.program = () =>
        withBriefTraces(() => {
          before?.();
          return Promise.resolve({ platform: platformProgram(config()) });
        });
      workspace.envVars = { ...envVars, LLMOPS_POLICY_AS_OF: asOf };
      await workspace.saveStackSettings(name, {
        ...(await workspace.stackSettings(name)),
        config: { ...settings },
      });
      return stack;
    },
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
    stateFile,
    state: (stack) =>
      (JSON.parse(stateFile(stack)) as { checkpoint: { latest: State | null } }).checkpoint.latest ?? {},
    close: async () => {
      await processes.stopAll();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
