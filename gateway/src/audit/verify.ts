import { createHash } from "node:crypto";
import type { FileLayer } from "./file-layer.ts";
import { nodeFiles } from "./file-layer.ts";
import type { Finding } from "./findings.ts";
import { readLines } from "./lines.ts";
import { findChains } from "./segments.ts";
import { trustedKeysFromPem } from "./signer.ts";
import type { Anchor, ChainRules, ChainSummary } from "./verify-chain.ts";
import { ChainVerifier } from "./verify-chain.ts";

/** How a directory is verified. */
export interface VerifyOptions {
  /** Further directories with segments of the same chains, for example the store beside the write-ahead log. */
  readonly also?: readonly string[];
  /** Public keys in PEM. @default none: signatures stay unproven and the verdict is at most `unproven` */
  readonly publicKeys?: readonly string[];
  /** Whether the oldest segments may be gone. @default "required" */
  readonly beginning?: ChainRules["beginning"];
  /** Whether the writers are stopped. @default "at-rest" */
  readonly writer?: ChainRules["writer"];
  /** Records known from elsewhere that must be there. @default none */
  readonly anchors?: readonly Anchor[];
  /** For live writers: longest silence in milliseconds. @default 60,000 ms */
  readonly maxSilenceMs?: number;
  /** Most findings kept per chain. @default 100 */
  readonly maxFindings?: number;
  /** Wall clock, for tests. */
  readonly now?: number;
  readonly files?: FileLayer;
}

/** Result of a verification; `unproven` means no contradiction was found and something could not be checked. */
export interface Verification {
  readonly verdict: "intact" | "unproven" | "broken";
  readonly chains: readonly ChainSummary[];
  readonly findings: readonly Finding[];
}

async function digest(files: FileLayer, path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const block of files.blocks(path)) hash.update(block);
  return hash.digest("hex");
}

/**
 * Verifies every chain in a directory, reading each segment once in bounded memory.
 * @throws WrongKeyTypeError when a public key is not Ed25519.
 */
export async function verifyDirectory(directory: string, options: VerifyOptions = {}): Promise<Verification> {
  const files = options.files ?? nodeFiles;
  const rules: ChainRules = {
    trusted: trustedKeysFromPem(options.publicKeys ?? []),
    beginning: options.beginning ?? "required",
    writer: options.writer ?? "at-rest",
    anchors: options.anchors ?? [],
    maxFindings: options.maxFindings ?? 100,
  };
  const now = options.now ?? Date.now();
  const findings: Finding[] = [];
  const chains: ChainSummary[] = [];
  for (const chain of await findChains(files, [directory, ...(options.also ?? [])])) {
    const verifier = new ChainVerifier(chain.writer, rules);
    for (const { index, paths } of chain.segments) {
      const [path, ...copies] = paths as [string, ...string[]];
      verifier.beginSegment(index);
      for (const copy of copies) {
        if ((await digest(files, copy)) !== (await digest(files, path))) {
          verifier.conflict(index, "two directories hold different bytes for this segment");
        }
      }
      for await (const line of readLines(files.blocks(path))) verifier.line(line);
    }
    const silence = verifier.finish();
    const age = silence.lastTs === null ? Infinity : now - Date.parse(silence.lastTs);
    const limit = options.maxSilenceMs ?? 60_000;
    if (rules.writer === "live" && silence.end === "open" && !(age <= limit)) {
      verifier.stale(`the last record is ${Math.round(age / 1000)} s old`);
      chains.push({ ...silence, errors: silence.errors + 1 });
    } else {
      chains.push(silence);
    }
    findings.push(...verifier.findings);
  }
  const known = new Set(chains.map((chain) => chain.writer));
  const lost = rules.anchors.filter((anchor) => !known.has(anchor.writer));
  const nowhere = { segment: null, line: null, offset: null };
  for (const { writer, seq } of lost) {
    const detail = "the whole chain is missing";
    findings.push({ kind: "anchor-missing", severity: "error", place: { writer, seq, ...nowhere }, detail });
  }
  if (chains.length === 0) {
    const place = { writer: "", seq: null, ...nowhere };
    findings.push({ kind: "nothing-found", severity: "error", place, detail: "no chain was found" });
  }
  const errors = chains.reduce((sum, chain) => sum + chain.errors, 0) + lost.length;
  const proven = findings.every(
    (finding) => finding.kind === "unknown-outcome" || finding.kind === "clock-jump",
  );
  const verdict = errors > 0 || chains.length === 0 ? "broken" : proven ? "intact" : "unproven";
  return { verdict, chains, findings };
}
