import { generateKeyPairSync } from "node:crypto";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { CATALOGUE } from "../../policies/catalogue.ts";
import { evidenceOf, sha256Of, signEvidence, verifyEvidence } from "../../policies/evidence.ts";
import { toJunit } from "../../policies/formats/junit.ts";
import { toOscal } from "../../policies/formats/oscal.ts";
import { toSarif } from "../../policies/formats/sarif.ts";
import type { PolicyReport } from "../../policies/report.ts";
import { EnvelopeError, type Envelope } from "../../signing/dsse.ts";
import { set } from "./changes.ts";
import { judged, planAll, type Planned } from "./environments.ts";

const EKS = "aws:eks/cluster:Cluster";
let planned: Planned;
let report: PolicyReport;

function pem(type: "ed25519" | "x25519" = "ed25519"): { readonly secret: string; readonly open: string } {
  const pair = type === "ed25519" ? generateKeyPairSync("ed25519") : generateKeyPairSync("x25519");
  return {
    secret: pair.privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    open: pair.publicKey.export({ type: "spki", format: "pem" }).toString(),
  };
}

function envelope(secret: string): Envelope {
  const { config, planned: plan } = planned;
  const git = { commit: "0".repeat(40), tree: "clean" } as const;
  return signEvidence(
    evidenceOf({ report, graph: plan.plan.graph, config, git, version: "0.1.0", source: "plan" }),
    secret,
  );
}

beforeAll(async () => {
  const found = (await planAll(["acme-prod"])).get("acme-prod");
  if (found === undefined) throw new Error("not planned");
  planned = found;
  report = judged(found, { change: set(EKS, "", "vpcConfig.endpointPublicAccess", true) });
});

describe("an evidence record", () => {
  it("holds every control, passes included, and hashes of what was judged", () => {
    const keys = pem();
    const record = verifyEvidence(envelope(keys.secret), keys.open);
    expect(record).toMatchObject({
      stack: "acme-prod",
      stopping: 1,
      graphSha256: sha256Of(planned.planned.plan.graph),
      configSha256: sha256Of(planned.config),
    });
    expect((record["results"] as unknown[]).length).toBe(CATALOGUE.length);
    expect(Object.values(record.totals).reduce((sum, count) => sum + count, 0)).toBe(CATALOGUE.length);
  });

  it("is refused after any change of its bytes", () => {
    const keys = pem();
    const signed = envelope(keys.secret);
    const payload = Buffer.from(signed.payload, "base64");
    fc.assert(
      fc.property(fc.nat(payload.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const changed = Buffer.from(payload);
        changed[at] = (changed[at] ?? 0) ^ flip;
        expect(() => verifyEvidence({ ...signed, payload: changed.toString("base64") }, keys.open)).toThrow(
          EnvelopeError,
        );
      }),
      { numRuns: 50 },
    );
  });

  it.each<[string, (signed: Envelope) => unknown, string]>([
    ["another type", (signed) => ({ ...signed, payloadType: "text/plain" }), "the payload is text/plain"],
    ["no signature", (signed) => ({ ...signed, signatures: [] }), "not a signed evidence record"],
    ["something else", () => ({ hello: 1 }), "not a signed evidence record"],
    ["a signature of another key", () => envelope(pem().secret), "no signature of this key fits"],
  ])("with %s is refused", (_what, change, message) => {
    const keys = pem();
    expect(() => verifyEvidence(change(envelope(keys.secret)), keys.open)).toThrow(message);
  });

  it.each([
    ["no key", "not a key", "cannot be read"],
    ["a key of another kind", pem("x25519").secret, "must be Ed25519"],
  ])("is not signed with %s", (_what, key, message) => {
    expect(() => envelope(key)).toThrow(message);
  });
});

describe("formats", () => {
  it("SARIF has every rule, the finding with its place, and exemptions as suppressions", () => {
    const name = planned.planned.plan.graph.nodes.find(({ type }) => type === EKS)?.name ?? "";
    const exempted = judged(planned, {
      change: set(EKS, "", "vpcConfig.endpointPublicAccess", true),
      configure: (config) => ({
        ...config,
        exemptions: [
          {
            id: "EX-2026-001",
            control: "AIA-SEC-01",
            resource: name,
            reason: "The VPN of the operations team is moved until January.",
            approvedBy: "dpo@acme.example",
            ticket: "GRC-1",
            created: "2026-11-01",
            expires: "2026-12-01",
          },
        ],
      }),
    });
    expect(toSarif(report, "stacks/Pulumi.acme-prod.yaml", "0.1.0")).toMatchObject({
      version: "2.1.0",
      runs: [
        {
          tool: { driver: { rules: CATALOGUE.map(({ id }) => ({ id })) } },
          results: [
            {
              ruleId: "AIA-SEC-01",
              kind: "fail",
              level: "error",
              locations: [
                { physicalLocation: { artifactLocation: { uri: "stacks/Pulumi.acme-prod.yaml" } } },
              ],
            },
          ],
        },
      ],
    });
    expect(toSarif(exempted, "f", "0.1.0")).toMatchObject({
      runs: [{ results: [{ suppressions: [{ kind: "external", status: "accepted" }] }] }],
    });
  });

  it("JUnit fails what is mandatory, skips what does not apply, and escapes what it says", () => {
    const hostile = judged(planned, {
      change: set(EKS, "", "vpcConfig.publicAccessCidrs", ['</failure><x a="&\u0007">']),
    });
    const text = toJunit(judged(planned, { change: set(EKS, "", "vpcConfig.endpointPublicAccess", true) }));
    expect(text.match(/<testcase /g)).toHaveLength(CATALOGUE.length);
    expect(text.match(/<failure /g)).toHaveLength(1);
    expect(text).toContain(`tests="${CATALOGUE.length}" failures="1"`);
    const changed = judged(planned, {
      change: (graph) =>
        set(EKS, "", "vpcConfig.publicAccessCidrs", ['</failure><x a="&\u0007">'])(
          set(EKS, "", "enabledClusterLogTypes", ["</failure>&"])(graph),
        ),
    });
    expect(toJunit(changed)).toContain("&lt;/failure&gt;&amp;");
    expect(toJunit(hostile)).not.toContain("\u0007");
  });

  it("OSCAL calls nothing satisfied that did not pass", () => {
    const document = toOscal(report, "0.1.0") as {
      "assessment-results": {
        results: { findings: { title: string; target: { status: { state: string } } }[] }[];
      };
    };
    const findings = document["assessment-results"].results[0]?.findings ?? [];
    const passed = report.results.filter(({ status }) => status === "pass").map(({ control }) => control);
    const satisfied = findings
      .filter(({ target }) => target.status.state === "satisfied")
      .map(({ title }) => title.split(" ")[0]);
    expect(satisfied).toEqual(passed);
    expect(findings).toHaveLength(report.results.filter(({ status }) => status !== "not-applicable").length);
    expect(JSON.stringify(toOscal(report, "0.1.0"))).toBe(JSON.stringify(document));
  });
});
