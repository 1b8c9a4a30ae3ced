import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { CATALOGUE } from "../policies/catalogue.ts";
import { run, type CommandResult } from "./testing/run.ts";

const ROOT = join(import.meta.dirname, "..");
const DAY = ["--as-of", "2026-11-24"];
let folder: string;

/** The command of a copy of the repository, in a process of its own. */
function copied(target: string, args: readonly string[]): CommandResult {
  const { status, stdout, stderr } = spawnSync(process.execPath, ["cli/llmops.js", ...args], {
    cwd: target,
    encoding: "utf8",
    maxBuffer: 64 * 1024 * 1024,
  });
  return { code: status ?? -1, out: stdout, err: stderr };
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "llmops-policy-"));
  await run(["plan", "-s", "acme-prod", "--out", join(folder, "plan"), ...DAY]);
});

describe("llmops policy check", () => {
  const controls = (out: string): number => (JSON.parse(out) as { results: unknown[] }).results.length;

  it.each([
    ["a plan of its own", () => []],
    ["a graph file", () => ["--graph", join(folder, "plan", "graph.json")]],
    ["manifests", () => ["--manifests", join(folder, "plan", "manifests")]],
  ])("passes the shipped stack from %s", async (_what, args) => {
    const { code, out, err } = await run(["policy", "check", "-s", "acme-prod", "--json", ...DAY, ...args()]);
    expect([code, err.includes("error")]).toEqual([0, false]);
    expect(controls(out)).toBe(CATALOGUE.length);
  });

  it("finds the same in a graph file that somebody broke, and says so in every format", async () => {
    const file = join(folder, "broken.json");
    const text = readFileSync(join(folder, "plan", "graph.json"), "utf8");
    writeFileSync(file, text.replace('"endpointPublicAccess": false', '"endpointPublicAccess": true'));
    for (const format of ["table", "json", "sarif", "junit", "oscal"]) {
      const args = ["policy", "check", "-s", "acme-prod", "--graph", file, "--format", format, ...DAY];
      const { code, out } = await run(args);
      expect([format, code, /AIA-SEC-01/i.test(out)]).toEqual([format, 1, true]);
    }
  });

  it("checks what a manifest shows, and says what it does not", async () => {
    const manifests = join(folder, "plan", "manifests");
    const engine = readdirSync(manifests).find((file) => file.includes("deployment-claims-claims-assistant"));
    const broken = join(folder, "one.yaml");
    writeFileSync(
      broken,
      readFileSync(join(manifests, engine ?? ""), "utf8").replace(/image: \S+/, "image: vllm:latest"),
    );
    const { code, out } = await run([
      "policy",
      "check",
      "-s",
      "acme-prod",
      "--json",
      "--manifests",
      broken,
      ...DAY,
    ]);
    const { results } = JSON.parse(out) as {
      results: { control: string; status: string; reason?: string }[];
    };
    expect(code).toBe(1);
    expect(results.find(({ control }) => control === "AIA-GOV-03")?.status).toBe("fail");
    expect(results.find(({ control }) => control === "AIA-LOG-02")).toMatchObject({
      status: "not-applicable",
      reason: "not checked: what was read does not show aws, gcp",
    });
  });

  it("judges a Terraform plan", async () => {
    const file = join(folder, "terraform.json");
    const change = (type: string, name: string, after: object): object => ({
      address: `${type}.${name}`,
      mode: "managed",
      type,
      name,
      change: { actions: ["create"], after, after_unknown: {} },
    });
    const tags = { "llmops:store": "audit" };
    writeFileSync(
      file,
      JSON.stringify({
        format_version: "1.2",
        resource_changes: [
          change("aws_s3_bucket", "audit", { bucket: "b", object_lock_enabled: true, tags }),
          change("aws_s3_bucket_object_lock_configuration", "audit", {
            rule: [{ default_retention: [{ days: 30, mode: "GOVERNANCE" }] }],
          }),
        ],
        configuration: {
          root_module: {
            resources: [
              {
                address: "aws_s3_bucket_object_lock_configuration.audit",
                expressions: { bucket: { references: ["aws_s3_bucket.audit"] } },
              },
            ],
          },
        },
      }),
    );
    const { code, out } = await run([
      "policy",
      "check",
      "-s",
      "acme-prod",
      "--json",
      "--terraform-plan",
      file,
      ...DAY,
    ]);
    const { results } = JSON.parse(out) as {
      results: { control: string; findings: { observed: string }[] }[];
    };
    const seen = (id: string): string | undefined =>
      results.find(({ control }) => control === id)?.findings[0]?.observed;
    expect([code, seen("AIA-LOG-02"), seen("AIA-LOG-03")]).toEqual([1, "governance", "30"]);
  });

  it("judges on the day it is told", async () => {
    const { code, out } = await run([
      "policy",
      "check",
      "-s",
      "acme-prod",
      "--json",
      "--as-of",
      "2027-03-01",
    ]);
    const { results } = JSON.parse(out) as { results: { control: string; status: string }[] };
    expect([code, results.find(({ control }) => control === "AIA-TST-01")?.status]).toEqual([1, "fail"]);
  });

  it.each([
    ["two sources", ["--graph", "a", "--manifests", "b"], "give one of --graph, --manifests"],
    ["a missing graph", ["--graph", "/nowhere.json"], "/nowhere.json"],
    ["a missing manifest", ["--manifests", "/nowhere.yaml"], "/nowhere.yaml: cannot be read"],
    ["evidence without a key", ["--evidence", "e.json"], "--evidence and --sign-key belong together"],
    ["a day that is none", ["--as-of", "tomorrow"], "'tomorrow' is not a date"],
    ["an unknown format", ["--format", "xml"], "Allowed choices are"],
  ])("refuses %s", async (_what, args, message) => {
    const { code, err } = await run(["policy", "check", "-s", "acme-prod", ...args]);
    expect(code).toBe(2);
    expect(err).toContain(message);
  });
});

describe("llmops evidence", () => {
  it("signs, verifies, and refuses what was changed or never overwrites a key", async () => {
    const keys = join(folder, "keys");
    expect((await run(["evidence", "key", "--out", keys])).code).toBe(0);
    expect(await run(["evidence", "key", "--out", keys])).toMatchObject({
      code: 2,
      err: expect.stringContaining("keys are never overwritten") as string,
    });
    const file = join(folder, "evidence.json");
    const args = ["policy", "check", "-s", "dev", "--evidence", file, ...DAY];
    expect((await run([...args, "--sign-key", join(keys, "evidence-private.pem")])).code).toBe(0);
    const open = ["--key", join(keys, "evidence-public.pem")];
    const { code, out } = await run(["evidence", "verify", file, ...open]);
    expect([code, out]).toEqual([0, expect.stringContaining("stack dev, judged as of 2026-11-24")]);
    const envelope = JSON.parse(readFileSync(file, "utf8")) as { payload: string };
    const payload = Buffer.from(envelope.payload, "base64")
      .toString()
      .replace('"stopping":0', '"stopping":1');
    writeFileSync(file, JSON.stringify({ ...envelope, payload: Buffer.from(payload).toString("base64") }));
    expect(await run(["evidence", "verify", file, ...open])).toMatchObject({
      code: 2,
      err: expect.stringContaining("no signature of this key fits") as string,
    });
    expect((await run(["evidence", "verify", "/nowhere", ...open])).code).toBe(2);
  });
});

describe("llmops compliance", () => {
  it("writes every document as Markdown and PDF, with what is verified, declared and open, and never says compliant", async () => {
    const out = join(folder, "compliance");
    expect((await run(["compliance", "pack", "-s", "acme-prod", "--out", out, ...DAY])).code).toBe(0);
    const files = readdirSync(out);
    expect(files.filter((file) => file.endsWith(".md"))).toHaveLength(9);
    const text = files
      .filter((file) => file.endsWith(".md"))
      .map((file) => readFileSync(join(out, file), "utf8"))
      .join("\n");
    for (const { id } of CATALOGUE) expect(text).toContain(id);
    for (const mark of ["[verified]", "[declared]", "[TO BE WRITTEN]"]) expect(text).toContain(mark);
    expect(text).toContain("meta-llama/Llama-3.1-8B-Instruct@0e9e39f249a16976918f6564b8830bc894c89659");
    expect(text).not.toMatch(/\bis compliant\b|\bcompliant with\b/i);
    for (const file of files.filter((each) => each.endsWith(".pdf"))) {
      const pdf = readFileSync(join(out, file));
      expect([pdf.subarray(0, 5).toString(), pdf.length > 10_000]).toEqual(["%PDF-", true]);
      expect(pdf.subarray(-1024).toString("latin1")).toContain("%%EOF");
    }
    const manifest = JSON.parse(readFileSync(join(out, "manifest.json"), "utf8")) as { files: unknown[] };
    expect(manifest.files).toHaveLength(18);
  });

  it("classifies from the answers", async () => {
    const { out } = await run(["compliance", "classify", "-s", "acme-prod", "--json"]);
    expect(JSON.parse(out)).toMatchObject({
      level: "high",
      reasons: ["point 5(c) of Annex III (Art. 6(2))"],
      appliesFrom: "2027-12-02",
    });
  });
});

describe("llmops review", () => {
  /** A copy of the last commit in which a stack file can be changed. */
  function copy(): string {
    const target = mkdtempSync(join(tmpdir(), "llmops-copy-"));
    spawnSync("git", ["clone", "--quiet", "--shared", ROOT, target], { encoding: "utf8" });
    symlinkSync(join(ROOT, "node_modules"), join(target, "node_modules"));
    return target;
  }

  it("shows what a change would deploy, cost and violate, and refuses it", () => {
    const target = copy();
    const file = join(target, "stacks", "Pulumi.dev.yaml");
    const text = readFileSync(file, "utf8");
    writeFileSync(
      file,
      text
        .replace("nodes: { min: 0, expected: 1, max: 1 }", "nodes: { min: 1, expected: 1, max: 3 }")
        .replace("gpus: 1,", "gpus: 3,")
        .replace("monthly: 2500", "monthly: 9000"),
    );
    const { code, out } = copied(target, ["review", "--base", "HEAD", "-s", "dev", ...DAY]);
    expect(code).toBe(1);
    expect(out.startsWith("<!-- llmops-review -->")).toBe(true);
    expect(out).toContain("the ceiling rises by");
    expect(out).toContain("new: [COST-09](docs/policies/COST-09.md) (mandatory)");
    expect(out).toContain("~ gcp:container/nodePool:NodePool blueprint-dev-gpu-l4-spot");
    expect(
      spawnSync("git", ["worktree", "list"], { cwd: target, encoding: "utf8" }).stdout.split("\n"),
    ).toHaveLength(2);
  }, 60_000);

  it("finds nothing between a commit and itself", () => {
    const { code, out } = copied(copy(), ["review", "--base", "HEAD", "--head", "HEAD", "-s", "dev", ...DAY]);
    expect([code, out.includes("No resource changes."), out.includes("No finding comes")]).toEqual([
      0,
      true,
      true,
    ]);
  }, 60_000);

  it.each([
    ["a commit that does not exist", ["--base", "nowhere"], "nowhere"],
    [
      "a stack that is at neither commit",
      ["--base", "HEAD", "--head", "HEAD", "-s", "acme-prd"],
      "--stack acme-prd: there is no such stack at either commit; stacks: acme-prod, ",
    ],
    [
      "posting outside of CI",
      ["--base", "HEAD", "--head", "HEAD", "-s", "none", "--post", "gitlab"],
      "CI_API_V4_URL",
    ],
  ])("fails for %s", async (_what, args, message) => {
    const { code, err } = await run(["review", ...args]);
    expect(code).toBe(2);
    expect(err).toContain(message);
  });
});

describe("the CI files", () => {
  it.each([".github/workflows/review.yaml", ".gitlab-ci.yml"])(
    "%s runs commands and options that exist",
    async (name) => {
      const text = readFileSync(join(ROOT, name), "utf8");
      expect(parse(text)).toBeTypeOf("object");
      const commands = [...text.matchAll(/npx llmops ((?:\w+ )+)(.*)/g)];
      expect(commands.length).toBeGreaterThanOrEqual(2);
      for (const [, path = "", rest = ""] of commands) {
        const { code, out } = await run([...path.trim().split(" "), "--help"]);
        expect(code).toBe(0);
        for (const [option] of rest.matchAll(/--[a-z-]+/g)) expect(out).toContain(option);
      }
      for (const [option] of text.matchAll(/--cost-approved/g))
        expect((await run(["review", "--help"])).out).toContain(option);
    },
  );
});
