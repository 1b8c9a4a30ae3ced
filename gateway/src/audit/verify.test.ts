import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { temporaryDirectory, testSigner, writeCalls } from "../testing/audit-directory.ts";
import { decodeLine, encodeRecord, GENESIS } from "./chain.ts";
import type { FindingKind } from "./findings.ts";
import type { AuditRecord } from "./record.ts";
import { generateSigningKeyPem, signerFromPem } from "./signer.ts";
import { verifyDirectory } from "./verify.ts";
import type { VerifyOptions } from "./verify.ts";

const trusted: VerifyOptions = { publicKeys: [testSigner.publicKeyPem] };

async function linesOf(folder: string, segment = "00000000.jsonl"): Promise<string[]> {
  return (await readFile(join(folder, segment), "utf8")).trimEnd().split("\n");
}

async function store(folder: string, lines: readonly string[], segment = "00000000.jsonl"): Promise<void> {
  await writeFile(join(folder, segment), `${lines.join("\n")}\n`);
}

function recordOf(line: string): AuditRecord {
  const decoded = decodeLine(Buffer.from(line));
  if (decoded.kind !== "record") throw new Error("test data is not a record");
  return decoded.record;
}

function rechain(lines: readonly string[], change: (record: AuditRecord) => AuditRecord): string[] {
  let prev = GENESIS;
  return lines.map((line, seq) => {
    const encoded = encodeRecord({ ...change(recordOf(line)), seq, prev });
    prev = encoded.hash;
    return encoded.line.trimEnd();
  });
}

function editClient(line: string): string {
  return line.replace('"client":"app"', '"client":"xyz"');
}

function swap(lines: readonly string[], a: number): string[] {
  const copy = [...lines];
  [copy[a], copy[a + 1]] = [copy[a + 1] as string, copy[a] as string];
  return copy;
}

type Expected = readonly [FindingKind, number | null, number | null];

interface Tampering {
  readonly what: string;
  readonly tamper: (lines: readonly string[]) => readonly string[];
  readonly errors: readonly Expected[];
}

// Lines: 1 segment, 2 start, 3 checkpoint, then (intent, outcome) x 4, 12 stop, 13 seal.
const TAMPERINGS: readonly Tampering[] = [
  {
    what: "an edited record",
    tamper: (lines) => lines.map((line, index) => (index === 5 ? editClient(line) : line)),
    errors: [["edited", 6, 5]],
  },
  {
    what: "an edited record with its own hash recomputed",
    tamper: (lines) =>
      lines.map((line, index) =>
        index === 5
          ? encodeRecord({ ...recordOf(line), ts: "2020-01-01T00:00:00.000Z" }).line.trimEnd()
          : line,
      ),
    errors: [["chain-broken", 7, 6]],
  },
  {
    what: "a deleted outcome",
    tamper: (lines) => lines.filter((_line, index) => index !== 6),
    errors: [
      ["gap", 7, 7],
      ["orphan-intent", 6, 5],
    ],
  },
  {
    what: "a deleted call (both records)",
    tamper: (lines) => lines.filter((_line, index) => index !== 5 && index !== 6),
    errors: [["gap", 6, 7]],
  },
  {
    what: "two swapped records",
    tamper: (lines) => swap(lines, 6),
    errors: [
      ["gap", 7, 7],
      ["out-of-order", 8, 6],
      ["gap", 9, 8],
    ],
  },
  {
    what: "a duplicated record",
    tamper: (lines) => [...lines.slice(0, 7), lines[6] as string, ...lines.slice(7)],
    errors: [
      ["out-of-order", 8, 6],
      ["outcome-without-intent", 8, 6],
    ],
  },
  {
    what: "a re-chained log without one call",
    tamper: (lines) =>
      rechain(
        lines.filter((_line, index) => index !== 5 && index !== 6),
        (record) => record,
      ),
    errors: [["bad-signature", 11, 10]],
  },
  {
    what: "a re-chained log with one changed record",
    tamper: (lines) =>
      rechain(lines, (record) =>
        record.body.kind === "intent" && record.body.id === "r1"
          ? { ...record, body: { ...record.body, client: "xyz" } }
          : record,
      ),
    errors: [["bad-signature", 13, 12]],
  },
  {
    what: "a line that is not a record",
    tamper: (lines) => lines.map((line, index) => (index === 5 ? "garbage" : line)),
    errors: [
      ["malformed", 6, null],
      ["outcome-without-intent", 7, 6],
    ],
  },
  {
    what: "white space inside a record",
    tamper: (lines) => lines.map((line, index) => (index === 5 ? line.replace('":', '": ') : line)),
    errors: [
      ["malformed", 6, null],
      ["outcome-without-intent", 7, 6],
    ],
  },
  {
    what: "a record after the seal",
    tamper: (lines) => [...lines, lines[11] as string],
    errors: [
      ["after-seal", 14, null],
      ["out-of-order", 14, 11],
    ],
  },
];

describe("verifyDirectory", () => {
  it("finds an untouched log intact and counts it", async () => {
    const directory = await temporaryDirectory();
    await writeCalls(directory, 4);
    const { verdict, chains, findings } = await verifyDirectory(directory, trusted);
    expect({ verdict, findings }).toEqual({ verdict: "intact", findings: [] });
    expect(chains).toEqual([
      expect.objectContaining({
        segments: 1,
        records: 13,
        signed: 13,
        firstSeq: 0,
        lastSeq: 12,
        intents: 4,
        outcomes: 4,
        end: "stopped",
        errors: 0,
        warnings: 0,
      }),
    ]);
  });

  it.each(TAMPERINGS)("finds $what and says where", async ({ tamper, errors }) => {
    const directory = await temporaryDirectory();
    const folder = await writeCalls(directory, 4);
    await store(folder, tamper(await linesOf(folder)));
    const { verdict, findings } = await verifyDirectory(directory, trusted);
    expect(verdict).toBe("broken");
    const found = findings.filter((finding) => finding.severity === "error");
    expect(found.map(({ kind, place }) => [kind, place.line, place.seq])).toEqual(errors);
  });

  it("gives the byte offset of the line it points to", async () => {
    const directory = await temporaryDirectory();
    const folder = await writeCalls(directory, 2);
    const lines = await linesOf(folder);
    await store(
      folder,
      lines.map((line, index) => (index === 3 ? editClient(line) : line)),
    );
    const { findings } = await verifyDirectory(directory, trusted);
    const offset = lines.slice(0, 3).reduce((sum, line) => sum + Buffer.byteLength(line) + 1, 0);
    expect(findings[0]?.place).toMatchObject({ segment: 0, line: 4, offset, seq: 3 });
  });

  it.each([
    ["whole records cut off the end", 9, "unproven", ["open-end", "unsigned-tail"]],
    ["the tail cut after a signed checkpoint", 3, "unproven", ["open-end"]],
  ] as const)("does not call a log with %s intact", async (_what, keep, verdict, kinds) => {
    const directory = await temporaryDirectory();
    const folder = await writeCalls(directory, 4);
    await store(folder, (await linesOf(folder)).slice(0, keep));
    const result = await verifyDirectory(directory, trusted);
    expect(result.verdict).toBe(verdict);
    expect(result.findings.map((finding) => finding.kind)).toEqual(kinds);
  });

  it("finds a cut end when a later record is known from an earlier verification", async () => {
    const directory = await temporaryDirectory();
    const folder = await writeCalls(directory, 4);
    const before = (await verifyDirectory(directory, trusted)).chains[0];
    const anchors = [{ writer: before?.writer ?? "", seq: before?.lastSeq ?? -1, hash: before?.head ?? "" }];
    expect((await verifyDirectory(directory, { ...trusted, anchors })).verdict).toBe("intact");
    await store(folder, (await linesOf(folder)).slice(0, 9));
    const after = await verifyDirectory(directory, { ...trusted, anchors });
    expect(after.verdict).toBe("broken");
    expect(after.findings.map((finding) => finding.kind)).toContain("anchor-missing");
    await rm(folder, { recursive: true });
    expect((await verifyDirectory(directory, { ...trusted, anchors })).findings.map((f) => f.kind)).toEqual([
      "anchor-missing",
      "nothing-found",
    ]);
  });

  it("reports a tail without an end of line with its offset", async () => {
    const directory = await temporaryDirectory();
    const folder = await writeCalls(directory, 1);
    const path = join(folder, "00000000.jsonl");
    const bytes = await readFile(path);
    await writeFile(path, bytes.subarray(0, bytes.length - 10));
    const { verdict, findings } = await verifyDirectory(directory, trusted);
    expect(verdict).toBe("broken");
    expect(findings[0]).toMatchObject({ kind: "torn-tail", place: { segment: 0, line: 7 } });
  });

  it("refuses signatures of a key that is not trusted", async () => {
    const directory = await temporaryDirectory();
    await writeCalls(directory, 1);
    const other = signerFromPem(generateSigningKeyPem()).publicKeyPem;
    const { verdict, findings } = await verifyDirectory(directory, { publicKeys: [other] });
    expect(verdict).toBe("broken");
    expect(findings.map((finding) => finding.kind)).toEqual(["unknown-key", "unknown-key", "unsigned-tail"]);
  });

  it("says what it could not prove without a public key", async () => {
    const directory = await temporaryDirectory();
    await writeCalls(directory, 1);
    const { verdict, findings } = await verifyDirectory(directory);
    expect([verdict, findings.map((finding) => finding.kind)]).toEqual(["unproven", ["no-trusted-key"]]);
  });

  it.each([
    ["the first", "00000000.jsonl", ["missing-beginning"]],
    ["a middle", "00000001.jsonl", ["missing-segment", "gap"]],
  ] as const)("notices that %s segment is missing", async (_which, name, kinds) => {
    const directory = await temporaryDirectory();
    const folder = await writeCalls(directory, 6, { segmentBytes: 1500 });
    expect((await readdir(folder)).length).toBeGreaterThan(3);
    expect((await verifyDirectory(directory, trusted)).verdict).toBe("intact");
    await rm(join(folder, name));
    const { verdict, findings } = await verifyDirectory(directory, trusted);
    expect(verdict).toBe("broken");
    expect(findings.filter((f) => f.severity === "error").map((f) => f.kind)).toEqual(kinds);
  });

  it("accepts an expired beginning only when told to", async () => {
    const directory = await temporaryDirectory();
    const folder = await writeCalls(directory, 6, { segmentBytes: 1500 });
    await rm(join(folder, "00000000.jsonl"));
    const options: VerifyOptions = { ...trusted, beginning: "may-have-expired" };
    expect((await verifyDirectory(directory, options)).verdict).toBe("intact");
  });

  it("never calls an empty directory intact", async () => {
    const { verdict, findings } = await verifyDirectory(await temporaryDirectory(), trusted);
    expect([verdict, findings.map((finding) => finding.kind)]).toEqual(["broken", ["nothing-found"]]);
  });
});

describe("the clocks of a chain", () => {
  const noon = Date.parse("2026-11-24T12:00:00Z");
  const hour = 3_600_000;

  async function kinds(directory: string): Promise<FindingKind[]> {
    const { findings } = await verifyDirectory(directory, trusted);
    return findings.map(({ kind }) => kind);
  }

  it("are not compared across two processes", async () => {
    const directory = await temporaryDirectory();
    await writeCalls(directory, 2, { clock: { now: () => noon, monotonic: () => 1_000 } });
    await writeCalls(directory, 2, { clock: { now: () => noon + hour, monotonic: () => 2_000 } });
    expect(await kinds(directory)).toEqual([]);
  });

  it("show a jump within one process", async () => {
    const directory = await temporaryDirectory();
    let readings = 0;
    const now = (): number => noon + ((readings += 1) > 8 ? hour : 0);
    await writeCalls(directory, 4, { clock: { now, monotonic: () => 1_000 } });
    expect(await kinds(directory)).toEqual(["clock-jump"]);
  });
});
