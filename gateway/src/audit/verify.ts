import { createHash } from "node:crypto";
import type { Finding } from "./findings.ts";
import { readLines } from "./lines.ts";
import type { SegmentCopy } from "./segments.ts";
import { findChains, segmentPlace } from "./segments.ts";
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
  /** Told from time to time how far the reading is. */
  readonly onProgress?: (progress: VerifyProgress) => void;
}

/** How far a verification is. */
export interface VerifyProgress {
  readonly writer: string;
  readonly segment: number;
  readonly segments: number;
  /** Lines read so far, over all chains. */
  readonly lines: number;
}

const PROGRESS_LINES = 100_000;

/** Result of a verification; `unproven` means no contradiction was found and something could not be checked. */
export interface Verification {
  readonly verdict: "intact" | "unproven" | "broken";
  readonly chains: readonly ChainSummary[];
  readonly findings: readonly Finding[];
}

async function digest({ source, path }: SegmentCopy): Promise<string> {
  const hash = createHash("sha256");
  for await (const block of source.blocks(path)) hash.update(block);
  return hash.digest("hex");
}

/**
 * Verifies every chain at an address (a directory, `s3://` or `gs://`), reading each segment once in bounded memory.
 * @throws WrongKeyTypeError when a public key is not Ed25519.
 * @throws StoreAddressError when the address names no store.
 */
export async function verifyDirectory(address: string, options: VerifyOptions = {}): Promise<Verification> {
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
  let lines = 0;
  const places = await Promise.all([address, ...(options.also ?? [])].map(segmentPlace));
  for (const chain of await findChains(places)) {
    const verifier = new ChainVerifier(chain.writer, rules);
    for (const { index, copies } of chain.segments) {
      const [first, ...others] = copies as [SegmentCopy, ...SegmentCopy[]];
      verifier.beginSegment(index);
      for (const other of others) {
        if ((await digest(other)) !== (await digest(first))) {
          verifier.conflict(index, "two places hold different bytes for this segment");
        }
      }
      for await (const line of readLines(first.source.blocks(first.path))) {
        verifier.line(line);
        lines += 1;
        if (lines % PROGRESS_LINES === 0) {
          options.onProgress?.({
            writer: chain.writer,
            segment: index,
            segments: chain.segments.length,
            lines,
          });
        }
      }
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
