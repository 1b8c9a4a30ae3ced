import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { admission, type Admission, type Wanted } from "../../evals/admission.ts";
import { verifyReport, type EvaluationReport } from "../../evals/report.ts";
import { EnvelopeError } from "../../signing/dsse.ts";

/** What is about to get traffic, and what its report must be. */
export interface GateRequest {
  /** File with the signed report. */
  readonly file: string;
  /** `sha256:<hex>` of the file, as the stack file names it; absent where any signed report about what is wanted will do. */
  readonly report?: string;
  readonly wanted: Wanted;
  readonly environment: EvaluationReport["environment"];
  readonly minSamples: number;
  readonly maxAgeDays: number;
  /** Ed25519 public key of whoever signs evaluations, PEM. */
  readonly signerPem: string;
}

/** Whether a version may get traffic; a report that is missing, changed or signed by another one is a reason against. */
export function gate(request: GateRequest, now: Date): Admission {
  let bytes: Buffer;
  try {
    bytes = readFileSync(request.file);
  } catch {
    return { kind: "refused", reasons: [`${request.file}: there is no signed report`] };
  }
  const digest = `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
  if (request.report !== undefined && digest !== request.report)
    return { kind: "refused", reasons: [`the report is ${digest}; the stack file names ${request.report}`] };
  try {
    const report = verifyReport(JSON.parse(bytes.toString("utf8")), request.signerPem);
    return admission(report, request.wanted, request, now);
  } catch (error) {
    if (error instanceof EnvelopeError || error instanceof SyntaxError)
      return { kind: "refused", reasons: [error.message] };
    throw error;
  }
}
