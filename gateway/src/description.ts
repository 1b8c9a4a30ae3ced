// What describes a gateway: its configuration, guards, names and records. Nothing here loads a server.
export { canonicalJson } from "./audit/canonical-json.ts";
export { readRecords } from "./cli/records.ts";
export type { StoredRecord } from "./cli/records.ts";
export { checkConfig, ConfigError } from "./config/load.ts";
export { gatewayConfigSchema } from "./config/schema.ts";
export type { GatewayConfig, GatewayConfigInput } from "./config/schema.ts";
export { guardCode } from "./guards/code.ts";
export type { Detector } from "./guards/finding.ts";
export { piiDetector } from "./guards/pii.ts";
export { secretsDetector } from "./guards/secrets.ts";
export { guardrailVersion } from "./guards/version.ts";
export { ExpectedOutput } from "./routing/demand.ts";
export { ATTRIBUTE, CONTENT_ATTRIBUTES, RENAMED_ATTRIBUTES, SEMCONV_VERSION } from "./tracing/semconv.ts";
