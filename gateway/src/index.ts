// What runs a gateway or reads what one left behind; `description.ts` has what describes one.
export { auditCommand } from "./cli/audit-command.ts";
export { verifyDirectory } from "./audit/verify.ts";
export type { Verification, VerifyOptions } from "./audit/verify.ts";
export type { Finding, FindingKind, FindingPlace } from "./audit/findings.ts";
export type { Anchor, ChainSummary } from "./audit/verify-chain.ts";
export { ConnectionDrain } from "./server/connection-drain.ts";
export { startGateway } from "./server/gateway.ts";
export type { RunningGateway } from "./server/gateway.ts";
export { openTracing } from "./tracing/tracing.ts";
export type { SpanSource, Tracing } from "./tracing/tracing.ts";
export { contextOf } from "./tracing/traceparent.ts";
