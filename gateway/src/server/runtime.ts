import type { AuditLog } from "../audit/log.ts";
import type { TenantDigester } from "../audit/digest.ts";
import type { LoadedConfig } from "../config/load.ts";
import type { ClientConfig, GatewayConfig, ModelConfig } from "../config/schema.ts";
import type { ContentVault } from "../content/vault.ts";
import type { GuardRule } from "../guards/inspect.ts";
import { approved } from "../guards/inspect.ts";
import { rulesOf } from "../guards/rules.ts";
import type { Directory } from "../identity/caller.ts";
import type { TokenVerifier } from "../identity/tokens.ts";
import type { GatewayMetrics } from "../metrics/metrics.ts";
import type { Tracing } from "../tracing/tracing.ts";
import type { Brakes } from "../oversight/brakes.ts";
import type { Oversight } from "../oversight/oversight.ts";
import type { ReviewTicket } from "../oversight/tickets.ts";
import type { AnswerCache } from "../routing/cache.ts";
import type { ExpectedOutput } from "../routing/demand.ts";
import type { Gate } from "../routing/gate.ts";
import type { Limits } from "../routing/limits.ts";
import type { TraceLimits } from "../routing/traces.ts";
import type { Upstreams } from "./upstreams.ts";

/** Rules of both sides. */
export interface SideRules {
  readonly input: readonly GuardRule[];
  readonly output: readonly GuardRule[];
}

/** Everything that follows from the configuration and changes with it. */
export interface Policy {
  readonly config: GatewayConfig;
  /** SHA-256 of the configuration. */
  readonly hash: string;
  readonly directory: Directory;
  readonly models: ReadonlyMap<string, ModelConfig>;
  readonly rules: SideRules;
  /**
   * The same rules for a request that a person has approved, by the side the person looked at: an answer can only have
   * come before a person when the request had passed, and who let a request pass has not seen its answer.
   */
  readonly approvedRules: Readonly<Record<ReviewTicket["side"], SideRules>>;
  readonly upstreams: Upstreams;
}

function byName(
  clients: readonly ClientConfig[],
  what: "keys" | "subjects" | "certificates",
): ReadonlyMap<string, ClientConfig> {
  return new Map(clients.flatMap((client) => client[what].map((name) => [name, client] as const)));
}

/** Builds the policy of a configuration. */
export function policyOf(
  { config, hash }: LoadedConfig,
  upstreams: Upstreams,
  tokens: TokenVerifier | null,
): Policy {
  const rules = { input: rulesOf(config.guards.input), output: rulesOf(config.guards.output) };
  return {
    config,
    hash,
    directory: {
      keys: byName(config.clients, "keys"),
      subjects: byName(config.clients, "subjects"),
      certificates: byName(config.clients, "certificates"),
      tokens,
    },
    models: new Map(config.models.map((model) => [model.name, model])),
    rules,
    approvedRules: {
      input: { input: approved(rules.input), output: rules.output },
      output: { input: approved(rules.input), output: approved(rules.output) },
    },
    upstreams,
  };
}

/** What lives as long as the gateway. */
export interface Runtime {
  readonly audit: AuditLog;
  readonly digests: (tenant: string) => TenantDigester;
  readonly metrics: GatewayMetrics;
  readonly limits: Limits;
  readonly traces: TraceLimits;
  readonly gate: Gate;
  readonly cache: AnswerCache;
  readonly expected: ExpectedOutput;
  readonly oversight: Oversight;
  readonly brakes: Brakes;
  readonly tracing: Tracing;
  /** Null when no content is kept. */
  readonly vault: ContentVault | null;
  /** Aborts when the gateway gives up on running calls. */
  readonly stopping: AbortSignal;
}
