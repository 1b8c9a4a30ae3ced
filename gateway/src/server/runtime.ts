import type { AuditLog } from "../audit/log.ts";
import type { TenantDigester } from "../audit/digest.ts";
import type { LoadedConfig } from "../config/load.ts";
import type { ClientConfig, GatewayConfig, ModelConfig } from "../config/schema.ts";
import type { GuardRule } from "../guards/inspect.ts";
import { rulesOf } from "../guards/rules.ts";
import type { GatewayMetrics } from "../metrics/metrics.ts";
import type { AnswerCache } from "../routing/cache.ts";
import type { Gate } from "../routing/gate.ts";
import type { LocalLimits } from "../routing/limits.ts";
import type { TraceLimits } from "../routing/traces.ts";
import type { Upstreams } from "./upstreams.ts";

/** Everything that follows from the configuration and changes with it. */
export interface Policy {
  readonly config: GatewayConfig;
  /** SHA-256 of the configuration. */
  readonly hash: string;
  readonly clients: ReadonlyMap<string, ClientConfig>;
  readonly models: ReadonlyMap<string, ModelConfig>;
  readonly inputRules: readonly GuardRule[];
  readonly outputRules: readonly GuardRule[];
  readonly upstreams: Upstreams;
}

/** Builds the policy of a configuration. */
export function policyOf({ config, hash }: LoadedConfig, upstreams: Upstreams): Policy {
  return {
    config,
    hash,
    clients: new Map(config.clients.flatMap((client) => client.keys.map((key) => [key, client] as const))),
    models: new Map(config.models.map((model) => [model.name, model])),
    inputRules: rulesOf(config.guards.input),
    outputRules: rulesOf(config.guards.output),
    upstreams,
  };
}

/** What lives as long as the gateway. */
export interface Runtime {
  readonly audit: AuditLog;
  readonly digests: (tenant: string) => TenantDigester;
  readonly metrics: GatewayMetrics;
  readonly limits: LocalLimits;
  readonly traces: TraceLimits;
  readonly gate: Gate;
  readonly cache: AnswerCache;
  /** Aborts when the gateway gives up on running calls. */
  readonly stopping: AbortSignal;
}
