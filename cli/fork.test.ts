import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { format } from "prettier";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { writeAll } from "../clients/files.ts";
import { generateStack } from "../clients/generate/stack-file.ts";
import { promptCopies } from "../clients/prompt-files.ts";
import { stacksOf, templateOf } from "../clients/repository.ts";
import { lintPrompts } from "../prompts/lint.ts";
import { promptFiles } from "../prompts/library.ts";
import { readDataSets } from "../evals/data-sets.ts";
import { promotions } from "../stacks/promotions.ts";
import { parseStackText } from "../stacks/schema/stack-file.ts";
import { answersOf } from "./fork-answers.ts";
import { ROOT } from "./git.ts";
import { run, type CommandResult } from "./testing/run.ts";

let repository: string;

/** A repository with some of the shipped stacks, and the shipped prompts and data sets. */
function withStacks(...stacks: readonly string[]): void {
  mkdirSync(join(repository, "stacks"));
  for (const stack of stacks)
    cpSync(join(ROOT, "stacks", `Pulumi.${stack}.yaml`), join(repository, "stacks", `Pulumi.${stack}.yaml`));
  cpSync(join(ROOT, "evals", "data"), join(repository, "evals", "data"), { recursive: true });
  for (const path of promptFiles().keys())
    cpSync(join(ROOT, "prompts", path), join(repository, "prompts", path));
}

function files(): string[] {
  return readdirSync(repository, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(repository.length + 1))
    .sort();
}

function fork(...args: readonly string[]): Promise<CommandResult> {
  return run(["fork", ...args, "--repository", repository, "--as-of", "2026-11-24"]);
}

const CLIENT = ["--owner", "ai@initech.example", "--registry", "registry.initech.example/llm"] as const;
const AWS = [...CLIENT, "--account", "999988887777"] as const;
const GCP = [...CLIENT, "--project", "initech-llmops", "--project-number", "123123123"] as const;

beforeEach(() => {
  repository = mkdtempSync(join(tmpdir(), "llmops-fork-"));
});

afterEach(() => {
  rmSync(repository, { recursive: true, force: true });
});

interface ForkJson {
  readonly written: readonly string[];
  readonly differences: readonly { readonly key: string; readonly from: unknown; readonly to: unknown }[];
  readonly isolation: { readonly verdict: string; readonly others: readonly string[] };
  readonly decisions: readonly { readonly key: string; readonly what: string }[];
  readonly cost: { readonly kind: string };
}

describe("llmops fork", () => {
  it("makes a client's stack, prompts and data sets, and says what is open", async () => {
    withStacks("acme-staging");
    const before = files();
    const { code, out } = await fork(
      "initech",
      "--from",
      "acme-staging",
      ...AWS,
      "--budget",
      "12000",
      "--json",
    );
    const result = JSON.parse(out) as ForkJson;
    expect(code).toBe(1); // The evaluation somebody declared for ACME is not Initech's.
    expect(files().filter((file) => !before.includes(file))).toEqual([...result.written].sort());
    expect(result.isolation).toMatchObject({ verdict: "isolated", others: ["acme-staging"] });
    const text = readFileSync(join(repository, "stacks", "Pulumi.initech-staging.yaml"), "utf8");
    expect(text).toBe(await format(text, { parser: "yaml", printWidth: 110 }));
    expect(text).not.toMatch(/acme(?!-staging; `llmops clients upgrade`)/i);
    expect(text).toContain("# Build gateway/Dockerfile, push both images");
    const config = parseStackText(text, "initech");
    expect(config).toMatchObject({
      client: "initech",
      environment: "staging",
      cloud: { accountId: "999988887777", network: { cidr: "10.0.0.0/16" } },
      budget: { monthly: 12000, owner: "ai@initech.example" },
      evaluation: { dataSets: "evals/clients/initech" },
      observability: { dashboardsFolder: "LLMOps Initech" },
      attestations: [],
    });
    expect(result.differences.find(({ key }) => key === "budget.monthly")).toEqual({
      key: "budget.monthly",
      from: 9000,
      to: 12000,
    });
    expect(readDataSets(undefined, join(repository, "evals/clients/initech")).digest).toBe(
      readDataSets().digest,
    );
    expect(result.decisions.map(({ key }) => key)).toContain(
      "gateway.image, gateway.redisImage, loops.image",
    );
    expect(
      (await run(["config", "check", "-f", join(repository, "stacks/Pulumi.initech-staging.yaml")])).code,
    ).toBe(0);
  });

  it("moves a stack to another cloud, and names what has no price or equivalent there", async () => {
    withStacks("acme-staging");
    const moved = [
      ...GCP,
      "--cloud",
      "gcp",
      "--region",
      "europe-west4",
      "--gpu",
      "l40s=A100-80GB",
      "--dry-run",
      "--json",
    ];
    const { code, out } = await fork("initech", "--from", "acme-staging", ...moved);
    const { isolation, written, cost, decisions, differences } = JSON.parse(out) as ForkJson;
    expect({ code, verdict: isolation.verdict, written, cost: cost.kind }).toEqual({
      code: 1,
      verdict: "isolated",
      written: [],
      cost: "not-computed",
    });
    expect(decisions.map(({ key }) => key)).toEqual(
      expect.arrayContaining([
        "cloud.cluster.releaseChannel",
        "cloud.zones",
        "models[claims-assistant].autoscaling",
        "budget.onUnknownPrice",
      ]),
    );
    expect(Object.fromEntries(differences.map(({ key, to }) => [key, to]))).toMatchObject({
      "cloud.provider": "gcp",
      "cloud.zones": ["europe-west4-a", "europe-west4-b", "europe-west4-c"],
      "cloud.cluster.systemNodes.instanceType": "e2-standard-4",
      "gpuPools[l40s].accelerator": "A100-80GB",
      "gpuPools[l40s].provisioner": "compute-class",
      // The only one of the three with an A100 of 80 GB.
      "gpuPools[l40s].zones": ["europe-west4-a"],
    });
  });

  it("writes nothing when something is shared with another client", async () => {
    withStacks("acme-staging");
    const before = files();
    const theirs = [...CLIENT, "--account", "444455556666"];
    const { code, out, err } = await fork("initech", "--from", "acme-staging", ...theirs);
    expect(code).toBe(1);
    expect(out).toContain(
      "identity: aws-role:444455556666:platform-deploy, in acme-staging as well (acme-staging-cluster-access-platform-deploy-admin)".slice(
        0,
        66,
      ),
    );
    expect(err).toContain(
      "initech-staging is not proven to be isolated from other clients; nothing was written",
    );
    expect(files()).toEqual(before);
  });

  it("gives prompts of the client's own, and the hash its gate will see", async () => {
    withStacks("acme-prod");
    const stacks = stacksOf(repository);
    const template = templateOf(repository, stacks, "acme-prod");
    const answers = answersOf(stacks, template, {
      client: "initech",
      account: "999988887777",
      owner: "ai@initech.example",
      registry: "registry.initech.example",
    });
    const { text, prompts } = await generateStack(template, answers, "template");
    const config = parseStackText(text, "initech");
    const evaluated =
      config.models[0]?.delivery.strategy === "canary" ? config.models[0].delivery.evaluation : undefined;
    expect(promotions(config)[0]?.evaluated.prompt).toBe(evaluated?.prompt);
    expect(config.models[0]?.prompts?.variants[0]?.variables).toEqual({ client: "Initech" });
    writeAll(repository, promptCopies(repository, prompts));
    expect(lintPrompts(promptFiles(join(repository, "prompts")))).toEqual([]);
    expect(promptCopies(repository, prompts)).toEqual([]);
  });

  it.each([
    ["no flags and no terminal", [], "no terminal to ask on; give <client>"],
    [
      "a missing account",
      ["initech", "--from", "acme-staging", ...CLIENT],
      "give --account <id> (AWS account id)",
    ],
    [
      "a missing region",
      ["initech", "--from", "acme-staging", ...GCP, "--cloud", "gcp"],
      "give --region <region>",
    ],
    [
      "a client that is there",
      ["globex", "--from", "acme-staging", "--env", "dev", ...AWS],
      "client 'globex' exists already (globex-prod)",
    ],
    [
      "a stack that is there",
      ["acme", "--from", "acme-staging", ...AWS],
      "stack 'acme-staging' exists already",
    ],
    [
      "a bad name",
      ["Initech!", "--from", "acme-staging", ...AWS],
      "<client>: must be 1-20 lower-case letters",
    ],
    ["an unknown source", ["initech", "--from", "acme-produ", ...AWS], "there is no stack 'acme-produ'"],
    [
      "a region outside of the Union",
      ["initech", "--from", "acme-staging", ...AWS, "--region", "eu-west-2"],
      "--region 'eu-west-2' is not supported on aws",
    ],
    [
      "a region of the other cloud",
      ["initech", "--from", "acme-staging", ...AWS, "--region", "europe-west4"],
      "--region 'europe-west4' is not supported on aws",
    ],
    [
      "no room for a network",
      ["initech", "--from", "acme-staging", ...AWS, "--network", "10.21.0.0/16"],
      "no free /16 is left in 10.21.0.0/16",
    ],
    [
      "a range that is none",
      ["initech", "--from", "acme-staging", ...AWS, "--network", "ten"],
      "--network 'ten' is not a network",
    ],
    [
      "a wrong account",
      ["initech", "--from", "acme-staging", ...CLIENT, "--account", "12"],
      "--account: must be the 12-digit AWS account id",
    ],
    [
      "a GPU the cloud lacks",
      ["initech", "--from", "acme-staging", ...GCP, "--cloud", "gcp", "--region", "europe-west4"],
      "gcp has no machine with 1 x L40S (44 GiB); decide with --gpu l40s=<accelerator>",
    ],
    [
      "a pool that is not there",
      ["initech", "--from", "acme-staging", ...AWS, "--gpu", "x=L4"],
      "--gpu x: the template has no such pool; it has l40s",
    ],
    ["a stack without a cloud", ["initech", "--from", "local", ...CLIENT], "local runs on provider 'local'"],
  ])("refuses %s", async (_, args, message) => {
    withStacks("acme-staging", "globex-prod", "local");
    const before = files();
    const { code, err } = await fork(...args);
    expect(err).toContain(message);
    expect(code).toBe(2);
    expect(files()).toEqual(before);
  });
});
