// What runs a gateway and verifies what it left behind; `description.ts` has what describes one.
export { verifyDirectory } from "./audit/verify.ts";
export type { Verification } from "./audit/verify.ts";
export { ConnectionDrain } from "./server/connection-drain.ts";
export { startGateway } from "./server/gateway.ts";
export type { RunningGateway } from "./server/gateway.ts";
export { openTracing } from "./tracing/tracing.ts";
export type { SpanSource, Tracing } from "./tracing/tracing.ts";
export { contextOf } from "./tracing/traceparent.ts";
