import { createHash, generateKeyPairSync } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { signReport, type EvaluationReport } from "../../evals/report.ts";
import { PASSED_REPORT } from "../../evals/testing/report.ts";
import { gate, type GateRequest } from "./gate.ts";

const keys = generateKeyPairSync("ed25519");
const KEY = keys.privateKey.export({ type: "pkcs8", format: "pem" }).toString();
const PUBLIC = keys.publicKey.export({ type: "spki", format: "pem" }).toString();
const OTHER = generateKeyPairSync("ed25519").privateKey.export({ type: "pkcs8", format: "pem" }).toString();
const NOW = new Date("2026-11-25T12:00:00.000Z");
const hash = (digit: string): string => `sha256:${digit.repeat(64)}`;
const report = PASSED_REPORT;
const wanted = report.evaluated;

/** A request about a report, signed into a file. */
function request(change: Partial<EvaluationReport> = {}, key = KEY): GateRequest {
  const folder = mkdtempSync(join(tmpdir(), "llmops-gate-"));
  onTestFinished(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  const file = join(folder, "report.json");
  const text = JSON.stringify(signReport({ ...report, ...change }, key));
  writeFileSync(file, text);
  return {
    file,
    report: `sha256:${createHash("sha256").update(text).digest("hex")}`,
    wanted,
    environment: "prod",
    minSamples: 200,
    maxAgeDays: 90,
    signerPem: PUBLIC,
  };
}

describe("the gate", () => {
  it("admits exactly what a signed, fresh report covers", () => {
    expect(gate(request(), NOW)).toEqual({ kind: "admitted", ageDays: 5 });
  });

  it.each<[string, () => GateRequest, RegExp]>([
    ["no report", () => ({ ...request(), file: "/nowhere/report.json" }), /there is no signed report/],
    [
      "another file than the stack names",
      () => ({ ...request(), report: hash("9") }),
      /the stack file names/,
    ],
    ["another signer", () => request({}, OTHER), /no signature of this key fits/],
    ["other weights", () => ({ ...request(), wanted: { ...wanted, model: hash("8") } }), /about model/],
    ["another prompt", () => ({ ...request(), wanted: { ...wanted, prompt: "none" } }), /about prompt/],
    [
      "other guardrails",
      () => ({ ...request(), wanted: { ...wanted, guardrails: hash("8") } }),
      /about guardrails/,
    ],
    [
      "other data sets",
      () => ({ ...request(), wanted: { ...wanted, dataSets: hash("8") } }),
      /about data sets/,
    ],
    ["an old report", () => request({ finishedAt: "2026-08-20T12:00:00.000Z" }), /days old/],
    ["a failed evaluation", () => request({ decision: "failed", reasons: ["worse"] }), /"failed": worse/],
    [
      "a run that was stopped",
      () =>
        request({
          completeness: { kind: "incomplete", answers: 120, questions: 300, reason: "the cap was reached" },
        }),
      /incomplete: 120 of 300 answers \(the cap was reached\)/,
    ],
    ["too few samples", () => request({ samples: 199 }), /199 cases/],
    ["a stand-in", () => request({ engine: "stand-in" }), /stand-in/],
  ])("refuses %s", (_what, made, reason) => {
    const verdict = gate(made(), NOW);
    expect(verdict).toMatchObject({ kind: "refused", reasons: [expect.stringMatching(reason)] });
  });

  it("admits any signed report about the weights where nothing else is asked for, and none about others", () => {
    const { report: named, ...made } = request();
    expect(named).toBeDefined();
    const about = (model: string): GateRequest => ({ ...made, wanted: { model } });
    expect(gate(about(wanted.model), NOW).kind).toBe("admitted");
    expect(gate(about(hash("8")), NOW)).toMatchObject({ reasons: [expect.stringMatching(/about model/)] });
    const { report: unsigned, ...forged } = request({}, OTHER);
    expect(unsigned).toBeDefined();
    expect(gate({ ...forged, wanted: { model: wanted.model } }, NOW).kind).toBe("refused");
  });

  it("refuses a file that was changed after it was named", () => {
    const made = request();
    writeFileSync(made.file, "{}");
    expect(gate(made, NOW).kind).toBe("refused");
  });
});
