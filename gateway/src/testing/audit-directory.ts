import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import type { AuditLogOptions } from "../audit/log.ts";
import { AuditLog } from "../audit/log.ts";
import type { DecisionBody, IntentBody, OutcomeBody } from "../audit/record.ts";
import { generateSigningKeyPem, signerFromPem } from "../audit/signer.ts";

/** Signer of all tests; made once per process. */
export const testSigner = signerFromPem(generateSigningKeyPem());

/** A temporary directory that is removed when the test ends. */
export async function temporaryDirectory(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "gateway-test-"));
  onTestFinished(() => rm(path, { recursive: true, force: true }));
  return path;
}

/** Options of a log whose timer does not run by itself. */
export function quietLog(directory: string, change: Partial<AuditLogOptions> = {}): AuditLogOptions {
  return {
    directory,
    name: "gw-0",
    mode: "required",
    signer: testSigner,
    store: null,
    version: "0.0.0-test",
    config: "0".repeat(64),
    maintenanceMs: 3_600_000,
    minFreeBytes: 0,
    ...change,
  };
}

const exchange = {
  tenant: "acme",
  client: "app",
  credential: "0123456789ab",
  endpoint: "/v1/chat/completions",
  model: "small",
  stream: false,
  config: "0".repeat(64),
  input: "hmac-sha256:00",
  inputBytes: 42,
} as const;

/** An intent record. */
export function intentOf(id: string): IntentBody {
  return { kind: "intent", id, ...exchange, plan: [{ upstream: "u", model: "m" }], reserved: 10, guards: [] };
}

/** The outcome record of a completed call. */
export function outcomeOf(id: string): OutcomeBody {
  return {
    kind: "outcome",
    id,
    result: "completed",
    status: 200,
    served: { upstream: "u", model: "m" },
    attempts: [{ upstream: "u", model: "m", status: 200, ms: 3 }],
    usage: { input: 5, output: 7, source: "reported" },
    cost: { nanos: 12_000, currency: "USD" },
    firstByteMs: 2,
    ms: 4,
    output: "hmac-sha256:01",
    guards: [],
  };
}

/** The record of a denied request. */
export function decisionOf(id: string): DecisionBody {
  return { kind: "decision", id, ...exchange, result: "denied", reason: "model", status: 403, guards: [] };
}

/** Writes `calls` complete calls, stops in order and returns the directory of the chain. */
export async function writeCalls(
  directory: string,
  calls: number,
  change: Partial<AuditLogOptions> = {},
): Promise<string> {
  const log = await AuditLog.open(quietLog(directory, change));
  for (let call = 0; call < calls; call += 1) {
    await log.intent(intentOf(`r${call}`));
    await log.outcome(outcomeOf(`r${call}`));
  }
  await log.close();
  return join(directory, log.writer);
}
