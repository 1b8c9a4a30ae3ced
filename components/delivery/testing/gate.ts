import type { ServedGate, ServedVersion } from "../gate.ts";

/** A digest of one digit. */
export const hash = (digit: string): string => `sha256:${digit.repeat(64)}`;

/** The gate of what is served under a name, with a report in the repository. */
export function servedGate(model: string, served: ServedVersion, report: string): ServedGate {
  return {
    model,
    gate: {
      image: `registry.example/loops@${hash("3")}`,
      signerPem: "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
      environment: "prod",
      minSamples: 200,
      maxAgeDays: 90,
      served,
      evaluation: { ...served, report, dataSets: hash("5"), date: "2026-11-17" },
    },
    report: '{"payload":"e30="}',
  };
}
