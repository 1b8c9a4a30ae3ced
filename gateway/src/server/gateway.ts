import { once } from "node:events";
import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tenantDigests } from "../audit/digest.ts";
import type { FileLayer } from "../audit/file-layer.ts";
import { nodeFiles } from "../audit/file-layer.ts";
import { AuditLog } from "../audit/log.ts";
import { signerFromPem } from "../audit/signer.ts";
import { directoryStore } from "../audit/store.ts";
import { canonicalJson } from "../audit/canonical-json.ts";
import type { LoadedConfig } from "../config/load.ts";
import { checkConfig, ConfigError, readConfig } from "../config/load.ts";
import type { GatewayConfigInput } from "../config/schema.ts";
import { readDigestSecret, readSigningKey } from "../config/secrets.ts";
import { createMetrics } from "../metrics/metrics.ts";
import type { GatewayMetrics } from "../metrics/metrics.ts";
import { AnswerCache } from "../routing/cache.ts";
import { Gate } from "../routing/gate.ts";
import { LocalLimits } from "../routing/limits.ts";
import { TraceLimits } from "../routing/traces.ts";
import { refuse, send } from "./http.ts";
import type { Policy, Runtime } from "./runtime.ts";
import { policyOf } from "./runtime.ts";
import { serve } from "./serve.ts";
import { Upstreams } from "./upstreams.ts";

/** Version recorded with each start. */
export const GATEWAY_VERSION = "0.1.0";

/** A running gateway. */
export interface RunningGateway {
  /** Base address, without a path. */
  readonly url: string;
  /** Public key of the checkpoints, PEM; what a verifier needs. */
  readonly publicKeyPem: string;
  /** Id of this writer in the audit log. */
  readonly auditWriter: string;
  /**
   * Puts a new configuration in force; an unusable one is refused and the old one stays.
   * @throws ConfigError when it is not valid or changes what only a restart can change.
   */
  reload(next: GatewayConfigInput | { readonly file: string }): Promise<void>;
  /** Takes no new calls, waits for the running ones, writes the stop record and ends. */
  close(): Promise<void>;
}

/** Parts that tests replace. */
export interface GatewayParts {
  readonly files?: FileLayer;
  /** Milliseconds between two maintenance rounds of the audit log. */
  readonly maintenanceMs?: number;
}

const FIXED = ["listen", "limits", "audit"] as const;

function load(config: GatewayConfigInput | { readonly file: string }): Promise<LoadedConfig> {
  return "file" in config ? readConfig(config.file) : Promise.resolve(checkConfig(config));
}

function createHttpServer(
  policy: Policy,
  handle: (req: IncomingMessage, res: ServerResponse) => void,
): Server {
  const { headersMs, bodyMs } = policy.config.limits;
  const server = createServer(
    {
      headersTimeout: headersMs,
      requestTimeout: headersMs + bodyMs,
      keepAliveTimeout: 65_000,
      connectionsCheckingInterval: Math.min(1_000, headersMs),
      maxHeaderSize: 16 * 1024,
      insecureHTTPParser: false,
      requireHostHeader: true,
    },
    handle,
  );
  server.maxHeadersCount = 100;
  return server;
}

class Gateway implements RunningGateway {
  readonly publicKeyPem: string;
  readonly auditWriter: string;
  readonly #runtime: Runtime;
  readonly #server: Server;
  readonly #stop: AbortController;
  #policy: Policy;
  #draining = false;
  #closing: Promise<void> | null = null;

  constructor(runtime: Runtime, policy: Policy, stop: AbortController, publicKeyPem: string) {
    this.#runtime = runtime;
    this.#policy = policy;
    this.#stop = stop;
    this.publicKeyPem = publicKeyPem;
    this.auditWriter = runtime.audit.writer;
    this.#server = createHttpServer(policy, (req, res) => {
      void this.#handle(req, res);
    });
  }

  get url(): string {
    const { address, port } = this.#server.address() as AddressInfo;
    return `http://${address.includes(":") ? `[${address}]` : address}:${port}`;
  }

  async listen(): Promise<void> {
    const { host, port } = this.#policy.config.listen;
    this.#server.listen(port, host);
    await once(this.#server, "listening");
  }

  async #handle(req: IncomingMessage, res: ServerResponse): Promise<void> {
    res.on("error", () => undefined);
    const path = (req.url ?? "/").split("?", 1)[0] ?? "/";
    try {
      if (path === "/healthz") send(res, 200, "text/plain", "ok\n");
      else if (path === "/readyz") this.#ready(res);
      else if (path === "/metrics") {
        const { registry } = this.#runtime.metrics;
        send(res, 200, registry.contentType, await registry.metrics());
      } else if (this.#draining) {
        refuse(res, path, {
          status: 503,
          code: "stopping",
          message: "The gateway is stopping.",
          retryAfterSeconds: 1,
        });
      } else await serve(this.#runtime, this.#policy, req, res, path);
    } catch {
      if (res.headersSent) res.destroy();
      else refuse(res, path, { status: 500, code: "internal_error", message: "The gateway failed." });
    }
  }

  #ready(res: ServerResponse): void {
    const { health } = this.#runtime.audit;
    if (this.#draining) send(res, 503, "text/plain", "stopping\n");
    else if (health.kind === "unavailable") send(res, 503, "text/plain", `audit: ${health.reason}\n`);
    else send(res, 200, "text/plain", "ready\n");
  }

  async reload(next: GatewayConfigInput | { readonly file: string }): Promise<void> {
    const { audit, metrics } = this.#runtime;
    try {
      const loaded = await load(next);
      if (loaded.hash === this.#policy.hash) return;
      const fixed = FIXED.filter(
        (part) => canonicalJson(loaded.config[part]) !== canonicalJson(this.#policy.config[part]),
      );
      if (fixed.length > 0) throw new ConfigError(fixed.map((part) => `${part}: a change needs a restart`));
      const policy = policyOf(loaded, await Upstreams.open(loaded.config.upstreams, countAttempts(metrics)));
      await audit.configuration({ kind: "config", result: "applied", config: loaded.hash });
      const old = this.#policy.upstreams;
      this.#policy = policy;
      void old.close();
    } catch (error) {
      await audit.configuration({ kind: "config", result: "refused", config: this.#policy.hash });
      throw error;
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.#shutDown();
    return this.#closing;
  }

  async #shutDown(): Promise<void> {
    this.#draining = true;
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeIdleConnections();
    const timer = setTimeout(() => {
      this.#stop.abort();
      setTimeout(() => {
        this.#server.closeAllConnections();
      }, 500).unref();
    }, this.#policy.config.limits.drainMs);
    await closed;
    clearTimeout(timer);
    while (this.#runtime.gate.running > 0) await new Promise((resolve) => setTimeout(resolve, 5));
    await this.#runtime.audit.close();
    await this.#policy.upstreams.destroy();
  }
}

function countAttempts(metrics: GatewayMetrics): (upstream: string, result: string) => void {
  return (upstream, result) => {
    metrics.attempts.inc({ upstream, result });
  };
}

/**
 * Starts a gateway: opens and repairs the audit log, then listens.
 * @throws ConfigError when the configuration is not valid.
 * @throws AuditUnavailableError when the audit log cannot take records.
 */
export async function startGateway(
  config: GatewayConfigInput | { readonly file: string },
  parts: GatewayParts = {},
): Promise<RunningGateway> {
  const loaded = await load(config);
  const { audit, limits } = loaded.config;
  const { directory, writer, store, signingKey, digestSecret, ...settings } = audit;
  const files = parts.files ?? nodeFiles;
  const signer = signerFromPem(await readSigningKey(signingKey));
  const digests = tenantDigests(await readDigestSecret(digestSecret));
  const gate = new Gate(limits.inFlight, limits.queue, limits.queueMs);
  let log: AuditLog | null = null;
  const statistics = (): AuditLog["statistics"] | undefined => log?.statistics;
  const metrics = createMetrics({
    inFlight: () => gate.running,
    queued: () => gate.queued,
    auditReady: () => (log?.health.kind === "ready" ? 1 : 0),
    auditUnsigned: () => statistics()?.unsigned ?? 0,
    auditOpen: () => statistics()?.open ?? 0,
    auditUnshipped: () => statistics()?.unshipped ?? 0,
    auditBytes: () => statistics()?.bytes ?? 0,
  });
  const upstreams = await Upstreams.open(loaded.config.upstreams, countAttempts(metrics));
  log = await AuditLog.open({
    ...settings,
    directory,
    name: writer,
    signer,
    store: store === null ? null : directoryStore(store, files),
    version: GATEWAY_VERSION,
    config: loaded.hash,
    files,
    ...(parts.maintenanceMs === undefined ? {} : { maintenanceMs: parts.maintenanceMs }),
  });
  const stop = new AbortController();
  const runtime: Runtime = {
    audit: log,
    digests,
    metrics,
    limits: new LocalLimits(),
    traces: new TraceLimits(),
    gate,
    cache: new AnswerCache(),
    stopping: stop.signal,
  };
  const gateway = new Gateway(runtime, policyOf(loaded, upstreams), stop, signer.publicKeyPem);
  try {
    await gateway.listen();
  } catch (error) {
    await log.close();
    throw error;
  }
  return gateway;
}
