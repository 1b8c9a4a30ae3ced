import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { run } from "./testing/run.ts";

const folder = mkdtempSync(join(tmpdir(), "llmops-publish-"));
const file = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};

afterAll(() => {
  rmSync(folder, { recursive: true });
});

describe("llmops eval publish", () => {
  const base = ["eval", "publish"];
  const to = ["--to", "mlflow", "--url", "http://127.0.0.1:9"];

  it.each<[string, () => string[], string]>([
    ["a file that is not there", () => ["/nowhere", ...to, "--key", "/nowhere"], "/nowhere: cannot be read"],
    ["a file that is no JSON", () => [file("a", "{"), ...to, "--key", file("k", "")], "this is not JSON"],
    [
      "a platform nobody knows",
      () => ["x", "--to", "wandb", "--url", "u", "--key", "k"],
      "Allowed choices are",
    ],
    ["a report nobody signed", () => [file("b", "{}"), ...to, "--key", file("k", "no key")], "error:"],
  ])("refuses %s", async (_what, args, message) => {
    const { code, err } = await run([...base, ...args()]);
    expect([code, err]).toEqual([2, expect.stringContaining(message)]);
  });
});

describe("llmops eval export promptfoo", () => {
  it("writes what promptfoo can check, and says what it cannot", async () => {
    const out = join(folder, "promptfooconfig.yaml");
    const args = [
      "--url",
      "https://gateway.example",
      "--model",
      "claims",
      "--suite",
      "factuality",
      "injection",
    ];
    const result = await run(["eval", "export", "promptfoo", ...args, "--out", out]);
    expect(result).toMatchObject({
      code: 0,
      out: "64 cases; 20 are left, which only `llmops eval` grades\nleft in injection\n",
    });
    expect(readFileSync(out, "utf8")).toContain("authorization: Bearer {{env.LLMOPS_API_KEY}}");
  });

  it("refuses a data set nobody knows", async () => {
    const args = ["--url", "u", "--model", "m", "--suite", "x", "--out", "/nowhere"];
    const { code, err } = await run(["eval", "export", "promptfoo", ...args]);
    expect([code, err]).toEqual([2, expect.stringContaining("there is no data set 'x'")]);
  });
});
