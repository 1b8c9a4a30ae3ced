import { spawnSync, type SpawnSyncReturns } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { ensureTool, PULUMI } from "../../tools/go-tool.ts";

const ROOT = join(import.meta.dirname, "..", "..");

let folder: string;
let pulumi: string;

/** Files git knows or would take, as `pulumi new <address of the repository>` gets them. */
function repositoryFiles(): string[] {
  const { stdout } = spawnSync("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"], {
    cwd: ROOT,
    encoding: "utf8",
  });
  return stdout.split("\0").filter((path) => path !== "" && existsSync(join(ROOT, path)));
}

/** `pulumi new` from a folder with a template. */
function pulumiNew(template: string, to: string): SpawnSyncReturns<string> {
  return spawnSync(
    pulumi,
    [
      "new",
      template,
      "--generate-only",
      "--yes",
      "--name",
      "llmops",
      "--description",
      "Initech",
      "--dir",
      to,
    ],
    {
      encoding: "utf8",
      env: {
        PATH: "/usr/bin:/bin",
        PULUMI_HOME: join(folder, "home"),
        PULUMI_BACKEND_URL: `file://${folder}`,
        PULUMI_SKIP_UPDATE_CHECK: "true",
      },
    },
  );
}

function llmops(...args: readonly string[]): SpawnSyncReturns<string> {
  return spawnSync(process.execPath, ["cli/llmops.js", ...args], {
    cwd: join(folder, "project"),
    encoding: "utf8",
    maxBuffer: 64 * 1024 * 1024,
  });
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "llmops-new-"));
  pulumi = join(
    await ensureTool(PULUMI, (text) => {
      process.stderr.write(`${text}\n`);
    }),
    "bin",
    "pulumi",
  );
  for (const path of repositoryFiles()) {
    mkdirSync(dirname(join(folder, "template", path)), { recursive: true });
    cpSync(join(ROOT, path), join(folder, "template", path));
  }
});

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

describe("a project and a client from nothing", () => {
  it("the pinned Pulumi CLI makes a project of the repository and changes no other file than Pulumi.yaml", () => {
    const { stdout, stderr } = pulumiNew(join(folder, "template"), join(folder, "project"));
    expect(stdout).toContain("Created project 'llmops'");
    // The language host is not among the tools; installing packages is npm's work in the next step.
    expect(stderr).toContain("no language plugin 'pulumi-language-nodejs' found");
    const changed = repositoryFiles().filter(
      (path) =>
        !readFileSync(join(folder, "project", path)).equals(readFileSync(join(folder, "template", path))),
    );
    expect(changed).toEqual(["Pulumi.yaml"]);
    expect(parse(readFileSync(join(folder, "project", "Pulumi.yaml"), "utf8"))).toMatchObject({
      name: "llmops",
      description: "Initech",
      main: "stacks",
      stackConfigDir: "stacks",
    });
  });

  it("the CLI refuses a template section that breaks its schema", () => {
    const broken = join(folder, "broken");
    mkdirSync(broken);
    writeFileSync(join(broken, "Pulumi.yaml"), "name: x\nruntime: nodejs\ntemplate:\n  description: [1]\n");
    const { status, stdout } = pulumiNew(broken, join(folder, "refused"));
    expect(status).not.toBe(0);
    expect(stdout).not.toContain("Created project");
  });

  it("a client is forked into it, checked, linted and planned", () => {
    symlinkSync(join(ROOT, "node_modules"), join(folder, "project", "node_modules"));
    const fork = llmops(
      ...["fork", "initech", "--from", "acme-prod", "--account", "999988887777", "--json"],
      ...["--owner", "ai@initech.example", "--registry", "registry.initech.example"],
    );
    const { isolation, written } = JSON.parse(fork.stdout) as {
      readonly isolation: { readonly verdict: string; readonly others: readonly string[] };
      readonly written: readonly string[];
    };
    expect(isolation).toMatchObject({
      verdict: "isolated",
      others: ["acme-prod", "acme-staging", "dev", "globex-prod", "local"],
    });
    expect(written).toContain("prompts/initech-claims-assistant/2.prompt");
    expect(llmops("config", "check", "-s", "initech-prod").stdout).toBe("initech-prod: valid\n");
    expect(llmops("prompt", "lint").status).toBe(0);
    const plan = JSON.parse(llmops("plan", "-s", "initech-prod", "--json").stdout) as {
      readonly cost: { readonly verdict: string };
      readonly graph: { readonly nodes: readonly { readonly name: string }[] };
    };
    expect(plan.cost.verdict).toBe("within-budget");
    expect(plan.graph.nodes.map(({ name }) => name)).toContain("initech-prod-audit-bucket");
    expect(llmops("clients", "upgrade", "--all").stdout).toBe("initech-prod: up to date\n");
  });
});
