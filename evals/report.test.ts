import { generateKeyPairSync } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { EnvelopeError, signEnvelope } from "../signing/dsse.ts";
import { admission, type AdmissionRules } from "./admission.ts";
import { readReport, signReport, verifyReport, type EvaluationReport } from "./report.ts";
import { PASSED_REPORT } from "./testing/report.ts";

function keys(): { readonly secret: string; readonly open: string } {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  return {
    secret: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    open: publicKey.export({ type: "spki", format: "pem" }).toString(),
  };
}

const digest = (letter: string): `sha256:${string}` => `sha256:${letter.repeat(64)}`;

const REPORT: EvaluationReport = {
  ...PASSED_REPORT,
  evaluated: {
    model: `gitCommit:${"1".repeat(40)}`,
    prompt: digest("2"),
    guardrails: digest("3"),
    dataSets: digest("4"),
  },
  finishedAt: "2026-11-20T10:00:00.000Z",
};

const RULES: AdmissionRules = { environment: "prod", minSamples: 200, maxAgeDays: 90 };
const NOW = new Date("2026-11-25T10:00:00.000Z");

describe("a signed report", () => {
  it("comes back as it was signed", () => {
    const { secret, open } = keys();
    expect(verifyReport(signReport(REPORT, secret), open)).toEqual(REPORT);
  });

  it("is an in-toto statement whose subjects are what was evaluated", () => {
    const { secret } = keys();
    const { payloadType, payload } = signReport(REPORT, secret);
    expect(payloadType).toBe("application/vnd.in-toto+json");
    expect(JSON.parse(Buffer.from(payload, "base64").toString())).toMatchObject({
      _type: "https://in-toto.io/Statement/v1",
      subject: [
        { name: "model", digest: { gitCommit: "1".repeat(40) } },
        { name: "prompt", digest: { sha256: "2".repeat(64) } },
        { name: "guardrails", digest: { sha256: "3".repeat(64) } },
        { name: "dataSets", digest: { sha256: "4".repeat(64) } },
      ],
      predicateType: "urn:llmops-blueprint:evaluation:v1",
    });
  });

  it("is refused after any change of its bytes, and with another key", () => {
    const { secret, open } = keys();
    const signed = signReport(REPORT, secret);
    const bytes = Buffer.from(signed.payload, "base64");
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const changed = Buffer.from(bytes);
        changed[at] = (changed[at] ?? 0) ^ flip;
        expect(() => verifyReport({ ...signed, payload: changed.toString("base64") }, open)).toThrow(
          EnvelopeError,
        );
      }),
      { numRuns: 50 },
    );
    expect(() => verifyReport(signed, keys().open)).toThrow("no signature of this key fits");
  });

  it("is refused when its subjects and its predicate disagree", () => {
    const { secret, open } = keys();
    const { payload } = signReport(REPORT, secret);
    const statement = JSON.parse(Buffer.from(payload, "base64").toString()) as object;
    const forged = signEnvelope(
      "application/vnd.in-toto+json",
      { ...statement, subject: [{ name: "model", digest: { sha256: "f".repeat(64) } }] },
      secret,
    );
    expect(() => verifyReport(forged, open)).toThrow("the subjects of the statement are not what");
  });

  it("names what is wrong in a report that is none", () => {
    expect(() =>
      readReport({ ...REPORT, samples: -1, evaluated: { ...REPORT.evaluated, prompt: "v2" } }),
    ).toThrow(/evaluated\.prompt: .*samples: /);
  });
});

describe("admission", () => {
  it("admits exactly what was evaluated", () => {
    expect(admission(REPORT, REPORT.evaluated, RULES, NOW)).toEqual({ kind: "admitted", ageDays: 5 });
  });

  const other = digest("9");
  it.each<[string, Partial<EvaluationReport>, Partial<EvaluationReport["evaluated"]>, string]>([
    [
      "another model",
      {},
      { model: other },
      `the report is about model gitCommit:${"1".repeat(40)}, not ${other}`,
    ],
    ["another prompt", {}, { prompt: "none" }, `the report is about prompt ${digest("2")}, not none`],
    [
      "other guardrails",
      {},
      { guardrails: other },
      `the report is about guardrails ${digest("3")}, not ${other}`,
    ],
    [
      "other data sets",
      {},
      { dataSets: other },
      `the report is about data sets ${digest("4")}, not ${other}`,
    ],
    [
      "a failed evaluation",
      { decision: "failed", reasons: ["pii-leak: 1 of 24 leaked"] },
      {},
      'its decision is "failed": pii-leak: 1 of 24 leaked',
    ],
    [
      "an inconclusive evaluation",
      { decision: "inconclusive", reasons: ["900 cases are needed"] },
      {},
      'its decision is "inconclusive": 900 cases are needed',
    ],
    ["too few cases", { samples: 199 }, {}, "199 cases were scored; evaluation.minSamples asks for 200"],
    [
      "a stale report",
      { finishedAt: "2026-08-01T10:00:00.000Z" },
      {},
      "the report is 116.0 days old; evaluation.maxAgeDays allows 90: evaluate again",
    ],
    [
      "a report of tomorrow",
      { finishedAt: "2026-11-26T10:00:00.000Z" },
      {},
      "the report is from the future (2026-11-26T10:00:00.000Z)",
    ],
    ["a stand-in", { engine: "stand-in" }, {}, "a stand-in answered, which proves nothing about a model"],
  ])("refuses %s", (_what, change, wanted, reason) => {
    const result = admission({ ...REPORT, ...change }, { ...REPORT.evaluated, ...wanted }, RULES, NOW);
    expect(result).toEqual({ kind: "refused", reasons: [reason] });
  });

  it("lets a stand-in through on this machine only", () => {
    const local = { ...RULES, environment: "local" } as const;
    expect(admission({ ...REPORT, engine: "stand-in" }, REPORT.evaluated, local, NOW).kind).toBe("admitted");
  });
});
