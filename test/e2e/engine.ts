import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { LocalWorkspace, PulumiCommand, type Stack } from "@pulumi/pulumi/automation/index.js";
import { platformProgram } from "../../stacks/program.ts";
import type { PlatformConfig } from "../../stacks/schema/platform.ts";
import { ensureTool, PULUMI } from "../../tools/go-tool.ts";

/** One operation a stand-in provider carried out. */
export interface Operation {
  readonly operation: "create" | "update" | "delete";
  readonly urn: string;
}

/** The real Pulumi engine on this machine: file backend, stand-in providers, nothing reachable outside. */
export interface Engine {
  /** A stack whose program is the platform of a configuration. */
  stack(name: string, config: () => PlatformConfig): Promise<Stack>;
  /** Operations of the providers since the last call. */
  operations(): Operation[];
  /** Makes the creation of every resource of a type fail, or nothing any more. */
  failCreateOf(type: string | undefined): void;
  /** Text of the stack's state file. */
  stateFile(stack: string): string;
  close(): void;
}

/** Project of every stack; the offline plan uses the same, so that URNs agree. */
const PROJECT = "llmops";

/** Starts from an empty backend. */
export async function startEngine(): Promise<Engine> {
  const tool = await ensureTool(PULUMI, (text) => {
    process.stderr.write(`${text}\n`);
  });
  const folder = mkdtempSync(join(tmpdir(), "llmops-engine-"));
  const [plugins, backend] = [join(folder, "plugins"), join(folder, "backend")];
  mkdirSync(plugins);
  mkdirSync(backend);
  const standIn = join(import.meta.dirname, "stand-in-provider.ts");
  for (const name of ["aws", "gcp", "kubernetes"]) {
    const file = join(plugins, `pulumi-resource-${name}`);
    const loader = fileURLToPath(import.meta.resolve("tsx"));
    writeFileSync(file, `#!/bin/sh\nexec '${process.execPath}' --import '${loader}' '${standIn}' "$@"\n`);
    chmodSync(file, 0o755);
  }
  const log = join(folder, "operations.jsonl");
  const fail = join(folder, "fail-create-of");
  const pulumiCommand = await PulumiCommand.get({ root: tool });
  const envVars = {
    PATH: [plugins, process.env["PATH"]].join(delimiter),
    PULUMI_HOME: join(folder, "home"),
    PULUMI_BACKEND_URL: `file://${backend}`,
    PULUMI_CONFIG_PASSPHRASE: "end-to-end test",
    PULUMI_SKIP_UPDATE_CHECK: "true",
    PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
    STAND_IN_FOLDER: folder,
  };
  return {
    stack: (stackName, config) =>
      LocalWorkspace.createOrSelectStack(
        {
          projectName: PROJECT,
          stackName,
          program: () => Promise.resolve({ platform: platformProgram(config()) }),
        },
        { pulumiCommand, envVars },
      ),
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
    stateFile: (stack) => readFileSync(join(backend, ".pulumi", "stacks", PROJECT, `${stack}.json`), "utf8"),
    close: () => {
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
