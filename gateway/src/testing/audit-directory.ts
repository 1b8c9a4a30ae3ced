import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import type { AuditLogOptions } from "../audit/log.ts";
import { AuditLog } from "../audit/log.ts";
import { intentOf, outcomeOf } from "./records.ts";
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
