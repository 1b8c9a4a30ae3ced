import { spawnSync } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { signReport } from "../../../evals/report.ts";
import { PASSED_REPORT } from "../../../evals/testing/report.ts";

const keys = generateKeyPairSync("ed25519");
const KEY = keys.privateKey.export({ type: "pkcs8", format: "pem" }).toString();
const PUBLIC = keys.publicKey.export({ type: "spki", format: "pem" }).toString();
const hash = (digit: string): string => `sha256:${digit.repeat(64)}`;

const folder = mkdtempSync(join(tmpdir(), "llmops-loops-"));
const file = join(folder, "report.json");
writeFileSync(file, JSON.stringify(signReport(PASSED_REPORT, KEY)));

afterAll(() => {
  rmSync(folder, { recursive: true });
});

/** The program as a pod of an engine starts it, with one option changed or left out. */
function gateOfEngine(
  change: Readonly<Record<string, string | undefined>> = {},
): readonly [number | null, string] {
  const options: Readonly<Record<string, string | undefined>> = {
    file,
    report: "any",
    model: PASSED_REPORT.evaluated.model,
    prompt: "any",
    guardrails: "any",
    "data-sets": "any",
    environment: "prod",
    "min-samples": "200",
    "max-age-days": "any",
    ...change,
  };
  const flags = Object.entries(options).flatMap(([key, value]) =>
    value === undefined ? [] : [`--${key}=${value}`],
  );
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ["--import", "tsx", join(import.meta.dirname, "loops.ts"), "gate", ...flags],
    { encoding: "utf8", env: { PATH: process.env["PATH"], EVALUATION_SIGNER: PUBLIC } },
  );
  return [status, stdout + stderr];
}

describe("the gate of an engine's pod", () => {
  it.each<[string, Record<string, string | undefined>, number, string]>([
    ["lets its weights start behind any signed report about them", {}, 0, '"admitted"'],
    ["stops other weights", { model: hash("9") }, 1, "the report is about model"],
    ["stops where a prompt is asked for after all, and is another", { prompt: hash("9") }, 1, "about prompt"],
    ["does not take what is left out for what may be anything", { guardrails: undefined }, 2, "guardrails"],
  ])("%s", (_what, change, code, said) => {
    expect(gateOfEngine(change)).toEqual([code, expect.stringContaining(said)]);
  });
});
