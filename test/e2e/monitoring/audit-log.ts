import { AuditLog } from "../../../gateway/src/audit/log.ts";
import type { IntentBody } from "../../../gateway/src/audit/record.ts";
import { generateSigningKeyPem, signerFromPem } from "../../../gateway/src/audit/signer.ts";
import { decisionOf, intentOf, outcomeOf } from "../../../gateway/src/testing/records.ts";
import { FROM } from "./platform.ts";
import { seeded } from "./synthetic.ts";

const SIGNER = signerFromPem(generateSigningKeyPem());

/** What the log's checkpoints are verified with, PEM. */
export const AUDIT_PUBLIC_KEY = SIGNER.publicKeyPem;

const CALLERS = [
  { client: "claims-portal", model: "claims-assistant" },
  { client: "claims-portal", model: "claims-assistant" },
  { client: "broker-desk", model: "claims-assistant" },
  { client: "back-office", model: "claims-reasoner" },
] as const;
const CALLS = 240;
const DAYS = 9;
const DAY_MS = 86_400_000;

/** An audit log of a few days, written by the gateway's own code with the clock set back. */
export async function writeAudit(directory: string): Promise<void> {
  const random = seeded(11);
  let at = FROM.getTime();
  const clock = { now: () => at, monotonic: () => at };
  const log = await AuditLog.open({
    directory,
    name: "gw-0",
    mode: "required",
    signer: SIGNER,
    store: null,
    version: "0.1.0",
    config: "0".repeat(64),
    maintenanceMs: DAY_MS,
    minFreeBytes: 0,
    clock,
  });
  for (let index = 0; index < CALLS; index++) {
    at += (DAYS * DAY_MS) / CALLS;
    const caller = CALLERS[index % CALLERS.length] ?? CALLERS[0];
    const id = `call-${index}`;
    if (index % 40 === 17) {
      await log.decision({ ...decisionOf(id), ...caller, result: "review", reason: "pii" });
      await log.review({
        kind: "review",
        ticket: `t-${index}`,
        id,
        decision: index % 80 === 17 ? "approved" : "denied",
        reviewer: "hmac-sha256:02",
      });
      continue;
    }
    const intent: IntentBody = { ...intentOf(id), ...caller };
    await log.intent(intent);
    await log.outcome({
      ...outcomeOf(id),
      ...(index % 60 === 31 ? { result: "failed", reason: "upstream", cost: null } : {}),
      usage: { input: 850, output: Math.round(150 + 120 * random()), source: "reported" },
    });
    if (index === 120)
      for (const action of ["stop", "release"] as const)
        await log.brake({
          kind: "brake",
          action,
          scope: "claims-reasoner",
          reason:
            action === "stop"
              ? "wrong amounts in two answers, ticket INC-118"
              : "prompt corrected and tested",
          by: "9f1c2a7be04d",
        });
  }
  await log.close();
}
