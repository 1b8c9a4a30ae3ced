import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { parse, stringify } from "yaml";
import type { ForkAnswers } from "../clients/answers.ts";
import { writeAll } from "../clients/files.ts";
import { makeFork } from "../clients/fork.ts";
import { stacksOf, templateOf } from "../clients/repository.ts";
import { promptFiles } from "../prompts/library.ts";
import { ROOT } from "./git.ts";
import { run, type CommandResult } from "./testing/run.ts";

let repository: string;
const TEMPLATE = "stacks/Pulumi.acme-staging.yaml";
const FORK = "stacks/Pulumi.initech-staging.yaml";

const ANSWERS: ForkAnswers = {
  cloud: "aws",
  client: "initech",
  displayName: "Initech",
  environment: "staging",
  region: "eu-south-2",
  zones: ["eu-south-2a", "eu-south-2b", "eu-south-2c"],
  accountId: "999988887777",
  network: "10.0.0.0/16",
  owner: "ai@initech.example",
  registry: "registry.initech.example",
  monthlyBudget: 9000,
  retentionDays: 184,
  accelerators: {},
};

function read(path: string): string {
  return readFileSync(join(repository, path), "utf8");
}

/** Changes a file of the repository; the text that is replaced must be there. */
function change(path: string, from: string, to: string): void {
  const text = read(path);
  expect(text).toContain(from);
  writeFileSync(join(repository, path), text.replace(from, to));
}

async function fork(
  blueprint: string,
  from = "acme-staging",
  change: Partial<ForkAnswers> = {},
): Promise<void> {
  const stacks = stacksOf(repository);
  const made = await makeFork(
    repository,
    stacks,
    templateOf(repository, stacks, from),
    { ...ANSWERS, ...change } as ForkAnswers,
    blueprint,
  );
  writeAll(repository, made.files);
}

beforeEach(async () => {
  repository = mkdtempSync(join(tmpdir(), "llmops-clients-"));
  mkdirSync(join(repository, "stacks"));
  cpSync(join(ROOT, TEMPLATE), join(repository, TEMPLATE));
  cpSync(join(ROOT, "evals", "data"), join(repository, "evals", "data"), { recursive: true });
  for (const path of promptFiles().keys())
    cpSync(join(ROOT, "prompts", path), join(repository, "prompts", path));
  await fork("0.0.9");
});

afterEach(() => {
  rmSync(repository, { recursive: true, force: true });
});

function clients(...args: readonly string[]): Promise<CommandResult> {
  return run(["clients", ...args, "--repository", repository]);
}

describe("llmops clients", () => {
  it("lists clients, and says which stack was forked from which version", async () => {
    const { out, code } = await clients("list", "--json");
    expect(code).toBe(0);
    expect(JSON.parse(out)).toEqual([
      {
        client: "acme",
        stack: "acme-staging",
        environment: "staging",
        cloud: "aws",
        region: "eu-south-2",
        budget: "9000 EUR",
        blueprint: null,
        from: null,
      },
      {
        client: "initech",
        stack: "initech-staging",
        environment: "staging",
        cloud: "aws",
        region: "eu-south-2",
        budget: "9000 EUR",
        blueprint: "0.0.9",
        from: "acme-staging",
      },
    ]);
    expect((await clients("list")).out).toContain("0.0.9");
  });

  it("tells the client's changes from the template's", async () => {
    change(FORK, "monthly: 9000", "monthly: 9500");
    change(TEMPLATE, "e2eP99Ms: 20000", "e2eP99Ms: 15000");
    expect(JSON.parse((await clients("diff", "initech", "--json")).out)).toEqual([
      {
        stack: "initech-staging",
        from: "acme-staging",
        client: [{ key: "budget.monthly", from: 9000, to: 9500 }],
        template: [{ key: "models[claims-assistant].slo.e2eP99Ms", from: 20000, to: 15000 }],
      },
    ]);
  });

  it("merges the template's changes, keeps the client's, and writes a note and a new base", async () => {
    change(FORK, "monthly: 9000", "monthly: 9500");
    change(FORK, "    gateway:\n", "    # Ours since March.\n    gateway:\n");
    change(TEMPLATE, "e2eP99Ms: 20000", "e2eP99Ms: 15000");
    const preview = await clients("upgrade", "initech", "--dry-run");
    expect([preview.code, preview.out]).toEqual([
      0,
      expect.stringContaining("models[claims-assistant].slo.e2eP99Ms"),
    ]);
    expect(read(FORK)).toContain("e2eP99Ms: 20000");
    expect((await clients("upgrade", "--all")).code).toBe(0);
    expect(read(FORK)).toContain("e2eP99Ms: 15000");
    expect(read(FORK)).toContain("monthly: 9500");
    expect(read(FORK)).toContain("    # Ours since March.\n    gateway:\n");
    const note = read("stacks/clients/initech-staging.upgrade.md");
    expect(note).toContain("# initech-staging: from blueprint 0.0.9 to ");
    expect(note).toContain("| `models[claims-assistant].slo.e2eP99Ms` | `20000` | `15000` |");
    expect(note).toContain("| `budget.monthly` | `9000` | `9500` |");
    expect((await clients("upgrade", "initech")).out).toBe("initech-staging: up to date\n");
  });

  it("merges a chain of environments in one run, and says in a dry run what waits for another", async () => {
    await fork("0.0.9", "initech-staging", { environment: "dev" });
    change(TEMPLATE, "e2eP99Ms: 20000", "e2eP99Ms: 15000");
    expect((await clients("upgrade", "initech", "--dry-run")).out).toContain(
      "initech-dev: shown once initech-staging, its template, is merged",
    );
    expect((await clients("upgrade", "initech")).code).toBe(0);
    expect([read(FORK), read("stacks/Pulumi.initech-dev.yaml")]).toEqual([
      expect.stringContaining("e2eP99Ms: 15000"),
      expect.stringContaining("e2eP99Ms: 15000"),
    ]);
    expect((await clients("upgrade", "initech")).out).toBe(
      "initech-staging: up to date\ninitech-dev: up to date\n",
    );
  });

  it("merges what can be merged when one stack cannot, and says so of each", async () => {
    await fork("0.0.9", "initech-staging", { environment: "dev" });
    change(TEMPLATE, "e2eP99Ms: 20000", "e2eP99Ms: 15000");
    const owner = "owner: ai@initech.example";
    change("stacks/Pulumi.initech-dev.yaml", owner, "owner: &owner ai@initech.example");
    change("stacks/Pulumi.initech-dev.yaml", owner, "owner: *owner");
    const { code, out, err } = await clients("upgrade", "initech");
    expect(code).toBe(2);
    expect(out).toContain("initech-staging: merged");
    expect(out).toContain("initech-dev: not merged, nothing was written");
    expect(err).toContain(
      "error: initech-dev: stacks/Pulumi.initech-dev.yaml: a merge cannot follow anchors",
    );
  });

  it("leaves a stack alone while both changed the same key, until somebody decides", async () => {
    change(FORK, "monthly: 9000", "monthly: 9500");
    change(FORK, "e2eP99Ms: 20000", "e2eP99Ms: 25000");
    change(TEMPLATE, "e2eP99Ms: 20000", "e2eP99Ms: 15000");
    const before = read(FORK);
    const { code, out } = await clients("upgrade", "initech");
    expect(code).toBe(1);
    expect(out).toContain("  models[claims-assistant].slo.e2eP99Ms: was 20000; client 25000, template 15000");
    expect(read(FORK)).toBe(before);
    expect(read("stacks/clients/initech-staging.yaml")).toContain("e2eP99Ms: 20000");
    expect(
      (await clients("upgrade", "initech", "--take", "models[claims-assistant].slo.e2eP99Ms")).code,
    ).toBe(0);
    expect(read(FORK)).toContain("e2eP99Ms: 15000");
    expect((await clients("upgrade", "initech")).out).toBe("initech-staging: up to date\n");
  });

  it("writes nothing when the merged file would not be valid", async () => {
    change(FORK, "expected: 2, max: 4", "expected: 2, max: 3");
    change(TEMPLATE, "expected: 2, max: 4", "expected: 4, max: 4");
    const before = read(FORK);
    const { code, out } = await clients("upgrade", "initech");
    expect([code, read(FORK)]).toEqual([1, before]);
    expect(out).toContain("the merged file would not be valid");
  });

  it("makes of an untouched fork exactly what a new fork would be", async () => {
    const edits = [
      ["e2eP99Ms: 20000", "e2eP99Ms: 15000"],
      ["# Build loops/Dockerfile.", "# Build loops/Dockerfile and push it."],
      ["queueDepthThreshold: 5 }", "queueDepthThreshold: 4 }"],
      ["    tenancy:\n", "    exemptions: []\n    tenancy:\n"],
      ["nat: single", "nat: per-zone"],
      ["capacity: [spot, on-demand]", "capacity: [on-demand]"],
      ["objectLock: governance", "objectLock: compliance"],
    ] as const;
    const original = read(TEMPLATE);
    const untouched = read(FORK);
    const record = read("stacks/clients/initech-staging.yaml");
    await fc.assert(
      fc.asyncProperty(fc.subarray([...edits], { minLength: 1 }), async (chosen) => {
        writeFileSync(join(repository, TEMPLATE), original);
        writeFileSync(join(repository, FORK), untouched);
        writeFileSync(join(repository, "stacks/clients/initech-staging.yaml"), record);
        for (const [from, to] of chosen) change(TEMPLATE, from, to);
        expect((await clients("upgrade", "initech")).code).toBe(0);
        const upgraded = read(FORK);
        rmSync(join(repository, FORK));
        rmSync(join(repository, "stacks/clients"), { recursive: true });
        await fork("0.0.9");
        expect(upgraded).toBe(read(FORK));
      }),
      { numRuns: 4 },
    );
  });

  it.each([
    [["diff", "nobody"], "there is no client 'nobody'; there is acme, initech"],
    [["diff", "acme"], "no stack of 'acme' was made by `llmops fork`"],
    [["upgrade"], "name a client, or give --all"],
    [["upgrade", "initech", "--stack", "initech-dev"], "client 'initech' has no forked stack 'initech-dev'"],
    [["upgrade", "initech", "--keep", "budget.monthly"], "there is no conflict at 'budget.monthly'"],
    [
      ["upgrade", "initech", "--keep", "observability.pipeline:slos"],
      "there is no conflict at 'observability.pipeline:slos': the client has no pipeline file that is merged",
    ],
  ])("refuses %j", async (args, message) => {
    change(TEMPLATE, "e2eP99Ms: 20000", "e2eP99Ms: 15000");
    const { code, err } = await clients(...args);
    expect(err).toContain(message);
    expect(code).toBe(2);
  });

  it("says which record is damaged and which template is gone", async () => {
    rmSync(join(repository, TEMPLATE));
    expect((await clients("upgrade", "initech")).err).toContain("there is no stack 'acme-staging'");
    writeFileSync(join(repository, "stacks/clients/initech-staging.yaml"), "blueprint: 1\n");
    expect((await clients("list")).err).toMatch(
      /stacks\/clients\/initech-staging.yaml: [\s\S]*restore it from git/,
    );
  });
});

describe("a pipeline file of the template's client", () => {
  const THEIRS = "monitoring/acme-claims.yaml";
  const OWN = "monitoring/initech-claims.yaml";
  const RECORD = "stacks/clients/initech-staging.yaml";
  const CONFLICT = "observability.pipeline:metrics.latency_p99";
  const PIPELINE = readFileSync(join(ROOT, "monitoring/llm-pipeline.yaml"), "utf8").replace(
    "name: llm-pipeline",
    "# Promised to ACME.\nname: claims",
  );

  beforeEach(async () => {
    change(TEMPLATE, "    tenancy:\n", `    observability: { pipeline: ${THEIRS} }\n    tenancy:\n`);
    mkdirSync(join(repository, "monitoring"));
    writeFileSync(join(repository, THEIRS), PIPELINE);
    rmSync(join(repository, FORK));
    rmSync(join(repository, RECORD));
    await fork("0.0.9");
  });

  it("is copied for the new client, which reads nothing but its copy", () => {
    expect(read(OWN)).toBe(PIPELINE);
    expect(read(FORK)).toContain(`pipeline: ${OWN}`);
    expect(read(FORK)).not.toContain(THEIRS);
    const open = (parse(read(RECORD)) as { open: readonly unknown[] }).open;
    expect(open).toContainEqual({
      key: "observability.pipeline",
      what: `${OWN} is a copy of ${THEIRS}: whether its objectives, limits and alerts are the client's`,
    });
  });

  it("is merged: the template's changes come, the client's stay, and the note says so", async () => {
    change(OWN, "# Promised to ACME.", "# Promised to Initech.");
    change(OWN, "objective: 99.9 %", "objective: 99.5 %");
    change(THEIRS, "latency_p99: < 800 ms", "latency_p99: < 1500 ms");
    const { code, out } = await clients("upgrade", "initech");
    expect(code).toBe(0);
    expect(out).toContain(`wrote ${OWN}, `);
    expect(read(OWN)).toBe(
      PIPELINE.replace("ACME", "Initech").replace("99.9", "99.5").replace("800", "1500"),
    );
    const note = read("stacks/clients/initech-staging.upgrade.md");
    expect(note).toContain(`| \`${CONFLICT}\` | \`< 800 ms\` | \`< 1500 ms\` |`);
    expect(note).toContain("| `observability.pipeline:slos.availability.objective` | `99.9 %` | `99.5 %` |");
    expect((await clients("upgrade", "initech")).out).toBe("initech-staging: up to date\n");
  });

  it.each([
    ["--keep", "400"],
    ["--take", "1500"],
  ])("waits for a decision where both changed a limit: %s", async (choice, limit) => {
    change(OWN, "latency_p99: < 800 ms", "latency_p99: < 400 ms");
    change(THEIRS, "latency_p99: < 800 ms", "latency_p99: < 1500 ms");
    const stopped = await clients("upgrade", "initech");
    expect(stopped.code).toBe(1);
    expect(stopped.out).toContain(`  ${CONFLICT}: was "< 800 ms"; client "< 400 ms", template "< 1500 ms"`);
    expect(read(OWN)).toContain("< 400 ms");
    expect((await clients("upgrade", "initech", choice, CONFLICT)).code).toBe(0);
    expect(read(OWN)).toContain(`< ${limit} ms`);
  });

  it("refuses a merge that would not be a valid pipeline", async () => {
    change(OWN, "objective: 99.9 %", "objective: 99.5 %");
    change(THEIRS, "latency_p99: < 800 ms", "latency_p99: < 800 parsecs");
    const before = read(OWN);
    const { code, out } = await clients("upgrade", "initech");
    expect([code, read(OWN)]).toEqual([1, before]);
    expect(out).toContain("the merged file would not be valid");
    expect(out).toContain(OWN);
  });

  it("leaves alone a client that reads another file since", async () => {
    change(FORK, `pipeline: ${OWN}`, "pipeline: monitoring/llm-pipeline.yaml");
    change(THEIRS, "latency_p99: < 800 ms", "latency_p99: < 1500 ms");
    expect((await clients("upgrade", "initech")).code).toBe(0);
    expect(read(OWN)).toBe(PIPELINE);
    expect((await clients("upgrade", "initech")).out).toBe("initech-staging: up to date\n");
  });

  it("is copied when the template gets it after the fork", async () => {
    rmSync(join(repository, OWN));
    change(FORK, `pipeline: ${OWN}`, "pipeline: monitoring/llm-pipeline.yaml");
    const record = parse(read(RECORD)) as { base: string; pipeline?: string };
    const base = record.base.replace(`pipeline: ${OWN}`, "pipeline: monitoring/llm-pipeline.yaml");
    delete record.pipeline;
    writeFileSync(join(repository, RECORD), stringify({ ...record, base }));
    expect((await clients("upgrade", "initech")).code).toBe(0);
    expect(read(OWN)).toBe(PIPELINE);
    expect(read(FORK)).toContain(`pipeline: ${OWN}`);
  });

  it("has to be there", async () => {
    rmSync(join(repository, THEIRS));
    expect((await clients("upgrade", "initech")).err).toContain(
      `observability.pipeline: ${THEIRS} does not exist; write it, or name another file`,
    );
    writeFileSync(join(repository, THEIRS), PIPELINE.replace("800", "1500"));
    rmSync(join(repository, OWN));
    expect((await clients("upgrade", "initech")).err).toContain(
      `observability.pipeline: ${OWN} does not exist; move the client's own file there, so that it can be merged`,
    );
  });
});
