import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { AuditRecord } from "../audit/record.ts";
import { sha256Hex } from "../audit/chain.ts";
import { temporaryDirectory, testSigner, writeCalls } from "../testing/audit-directory.ts";
import { intentOf, outcomeOf } from "../testing/records.ts";
import { auditCommand } from "./audit-command.ts";
import { engineCounts, Reconciliation } from "./reconcile.ts";

interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

async function run(...args: string[]): Promise<Ran> {
  let out = "";
  let err = "";
  const code = await auditCommand(
    args,
    (text) => (out += text),
    (text) => (err += text),
  );
  return { code, out, err };
}

async function logWithKey(
  calls: number,
): Promise<{ directory: string; folder: string; key: string; scratch: string }> {
  const directory = await temporaryDirectory();
  const scratch = await temporaryDirectory();
  const folder = await writeCalls(directory, calls);
  const key = join(scratch, "key.pem");
  await writeFile(key, testSigner.publicKeyPem);
  return { directory, folder, key, scratch };
}

describe("audit verify", () => {
  it("says intact and exits 0", async () => {
    const { directory, key } = await logWithKey(3);
    const { code, out } = await run("verify", directory, "--key", key);
    expect([code, out.split("\n").at(-2)]).toEqual([0, "intact"]);
  });

  it("exits 3 when signatures could not be checked", async () => {
    const { directory } = await logWithKey(1);
    const { code, out } = await run("verify", directory, "--json");
    expect([code, (JSON.parse(out) as { verdict: string }).verdict]).toEqual([3, "unproven"]);
  });

  it("exits 1 and says where a record was changed", async () => {
    const { directory, folder, key } = await logWithKey(2);
    const path = join(folder, "00000000.jsonl");
    await writeFile(path, (await readFile(path, "utf8")).replace('"client":"app"', '"client":"abc"'));
    const { code, out } = await run("verify", directory, "--key", key);
    expect(code).toBe(1);
    expect(out).toMatch(/error edited at gw-0-[0-9a-f]{8}, segment 0, line 4, byte \d+, record 3: /);
  });

  it("keeps anchors that reveal a cut end later", async () => {
    const { directory, folder, key, scratch } = await logWithKey(2);
    const anchors = join(scratch, "anchors.json");
    expect((await run("verify", directory, "--key", key, "--write-anchors", anchors)).code).toBe(0);
    const path = join(folder, "00000000.jsonl");
    const lines = (await readFile(path, "utf8")).split("\n");
    await writeFile(path, `${lines.slice(0, 5).join("\n")}\n`);
    expect((await run("verify", directory, "--key", key)).code).toBe(3);
    expect((await run("verify", directory, "--key", key, "--anchors", anchors)).code).toBe(1);
  });

  it.each([
    ["no command", []],
    ["an unknown command", ["check", "x"]],
    ["no directory", ["verify"]],
    ["an unknown option", ["verify", "x", "--force"]],
    ["a missing key file", ["verify", "x", "--key", "/nowhere.pem"]],
    ["a bad date", ["search", "x", "--from", "soon"]],
  ])("exits 2 for %s", async (_what, args) => {
    const { code, err } = await run(...args);
    expect(code).toBe(2);
    expect(err).not.toBe("");
  });
});

describe("audit search and export", () => {
  it("prints only the records that fit", async () => {
    const { directory } = await logWithKey(3);
    const { out } = await run("search", directory, "--kind", "outcome", "--id", "r1", "--json");
    const records = out
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as AuditRecord);
    expect(records.map(({ body }) => body)).toEqual([outcomeOf("r1")]);
    expect((await run("search", directory, "--to", "2020-01-01T00:00:00Z")).out).toBe("");
  });

  it("writes the stored lines with a manifest and never over a file", async () => {
    const { directory, key, scratch } = await logWithKey(2);
    const out = join(scratch, "calls.jsonl");
    const args = ["export", directory, "--key", key, "--kind", "intent", "--out", out];
    expect((await run(...args)).code).toBe(0);
    const text = await readFile(out, "utf8");
    const manifest = JSON.parse(await readFile(`${out}.manifest.json`, "utf8")) as Record<string, unknown>;
    expect(manifest).toMatchObject({
      records: 2,
      sha256: sha256Hex(text),
      verdict: "intact",
      filter: { kind: "intent" },
    });
  });
});

describe("audit reconcile", () => {
  const page = (count: number): string =>
    [
      "# TYPE vllm:request_success_total counter",
      `vllm:request_success_total{engine="0",finished_reason="stop",model_name="m"} ${count - 1}.0`,
      'vllm:request_success_total{engine="0",finished_reason="length",model_name="m"} 1.0',
      'vllm:request_success_created{model_name="m"} 1.7e9',
    ].join("\n");

  it("sums the counter over its labels", () => {
    expect([...engineCounts(page(8))]).toEqual([["m", 8]]);
  });

  it.each([
    [3, 0, "agrees"],
    [4, 1, "unrecorded-requests"],
    [2, 1, "missing-requests"],
  ])("compares %i engine requests with three recorded calls", async (count, code, result) => {
    const { directory, scratch } = await logWithKey(3);
    const after = join(scratch, "after.prom");
    await writeFile(after, page(count));
    const ran = await run("reconcile", directory, "--after", after, "--json");
    expect(ran.code).toBe(code);
    expect(JSON.parse(ran.out)).toEqual({
      models: [{ model: "m", engine: count, least: 3, most: 3, result }],
    });
  });

  it("allows for calls whose end is not known", () => {
    const counted = new Reconciliation();
    const header = { v: 1, writer: "w", seq: 0, prev: "", ts: "", mono: 0 } as const;
    counted.add({ ...header, body: intentOf("a") });
    counted.add({ ...header, body: intentOf("b") });
    counted.add({ ...header, body: { ...outcomeOf("b"), result: "unknown", attempts: [] } });
    expect(counted.compare(new Map(), new Map([["m", 1]]))).toEqual([
      { model: "m", engine: 1, least: 0, most: 2, result: "agrees" },
    ]);
  });
});
