export { verifyDirectory } from "./audit/verify.ts";
export type { Verification, VerifyOptions } from "./audit/verify.ts";
export type { Finding, FindingKind, FindingPlace } from "./audit/findings.ts";
export type { Anchor, ChainSummary } from "./audit/verify-chain.ts";
export { startGateway } from "./server/gateway.ts";
export type { RunningGateway } from "./server/gateway.ts";
export { ConfigError } from "./config/load.ts";
export { gatewayConfigSchema } from "./config/schema.ts";
export type { GatewayConfig, GatewayConfigInput } from "./config/schema.ts";
