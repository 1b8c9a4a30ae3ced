import type { DecisionBody, IntentBody, OutcomeBody } from "../audit/record.ts";

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
