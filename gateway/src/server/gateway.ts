import { once } from "node:events";
import { dirname, join } from "node:path";
import { createServer } from "node:http";
import { readFile } from "node:fs/promises";
import { createServer as createTlsServer } from "node:https";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tenantDigests } from "../audit/digest.ts";
import type { FileLayer } from "../audit/file-layer.ts";
import { nodeFiles } from "../audit/file-layer.ts";
import { AuditLog } from "../audit/log.ts";
import { signerFromPem } from "../audit/signer.ts";
import { segmentStore } from "../audit/store.ts";
import { canonicalJson } from "../audit/canonical-json.ts";
import type { LoadedConfig } from "../config/load.ts";
import { checkConfig, ConfigError, readConfig } from "../config/load.ts";
import type { GatewayConfig, GatewayConfigInput } from "../config/schema.ts";
import { readKeyBytes, readSigningKey } from "../config/secrets.ts";
import { ContentVault } from "../content/vault.ts";
import { tokenVerifier } from "../identity/tokens.ts";
import type { TokenVerifier } from "../identity/tokens.ts";
import { Brakes } from "../oversight/brakes.ts";
import { Oversight } from "../oversight/oversight.ts";
import { createMetrics, showModels } from "../metrics/metrics.ts";
import type { GatewayMetrics } from "../metrics/metrics.ts";
import { AnswerCache } from "../routing/cache.ts";
import { Gate } from "../routing/gate.ts";
import { ExpectedOutput } from "../routing/demand.ts";
import { createAdminServer } from "./admin.ts";
import { ConnectionDrain } from "./connection-drain.ts";
import { INTERNAL_ERROR, refuse, send } from "./http.ts";
import type { Policy, Runtime } from "./runtime.ts";
import { policyOf } from "./runtime.ts";
import { serve } from "./serve.ts";
import { openShared } from "./shared.ts";
import type { SharedState } from "./shared.ts";
import { openStore } from "../store/open-store.ts";
import { noTracing, openTracing } from "../tracing/tracing.ts";
import type { Tracing } from "../tracing/tracing.ts";
import { Upstreams } from "./upstreams.ts";

/** Version recorded with each start. */
export const GATEWAY_VERSION = "0.1.0";

/** A running gateway. */
export interface RunningGateway {
  /** Base address, without a path. */
  readonly url: string;
  /** Base address of the administration interface; null without one. */
  readonly adminUrl: string | null;
  /** Public key of the checkpoints, PEM; what a verifier needs. */
  readonly publicKeyPem: string;
  /** Id of this writer in the audit log. */
  readonly auditWriter: string;
  /** Why the store refused the last sealed segment; null when it took it. */
  readonly auditShipError: string | null;
  /**
   * Puts a new configuration in force; an unusable one is refused and the old one stays.
   * @throws ConfigError when it is not valid or changes what only a restart can change.
   */
  reload(next: GatewayConfigInput | { readonly file: string }): Promise<void>;
  /** Takes no new calls, waits for the running ones, writes the stop record and ends. */
  close(): Promise<void>;
}

/** What does not come from the configuration. */
export interface GatewayParts {
  readonly files?: FileLayer;
  /** Milliseconds between two maintenance rounds of the audit log. */
  readonly maintenanceMs?: number;
  /** Name of this replica in the audit log. @default `audit.writer` of the configuration */
  readonly writer?: string;
}

/** Connections that may wait to be accepted; the kernel caps it at net.core.somaxconn. */
const BACKLOG = 4_096;

const FIXED = ["listen", "limits", "shared", "admin", "oversight", "audit", "tracing"] as const;

function load(config: GatewayConfigInput | { readonly file: string }): Promise<LoadedConfig> {
  return "file" in config ? readConfig(config.file) : Promise.resolve(checkConfig(config));
}

async function createModelServer(
  { limits, listen }: GatewayConfig,
  handle: (req: IncomingMessage, res: ServerResponse) => void,
): Promise<Server> {
  const { headersMs, bodyMs } = limits;
  const options = {
    headersTimeout: headersMs,
    requestTimeout: headersMs + bodyMs,
    keepAliveTimeout: listen.keepAliveMs,
    connectionsCheckingInterval: Math.min(1_000, headersMs),
    maxHeaderSize: 16 * 1024,
    insecureHTTPParser: false,
    requireHostHeader: true,
  };
  const { tls } = listen;
  const server =
    tls === null
      ? createServer(options, handle)
      : createTlsServer(
          {
            ...options,
            minVersion: "TLSv1.2",
            cert: await readFile(tls.certificatePath),
            key: await readFile(tls.keyPath),
            ...(tls.clientAuthorityPath === null
              ? {}
              : {
                  ca: await readFile(tls.clientAuthorityPath),
                  requestCert: true,
                  rejectUnauthorized: false,
                }),
          },
          handle,
        );
  server.maxHeadersCount = 100;
  return server;
}

function addressOf(server: Server, scheme: "http" | "https"): string {
  const { address, port } = server.address() as AddressInfo;
  return `${scheme}://${address.includes(":") ? `[${address}]` : address}:${port}`;
}

class Gateway implements RunningGateway {
  readonly publicKeyPem: string;
  readonly auditWriter: string;
  readonly #runtime: Runtime;
  readonly #shared: SharedState;
  readonly #stop: AbortController;
  readonly #admin: Server | null;
  readonly #connections = new ConnectionDrain();
  #server: Server | null = null;
  #policy: Policy;
  #draining = false;
  #closing: Promise<void> | null = null;

  constructor(
    runtime: Runtime,
    policy: Policy,
    shared: SharedState,
    stop: AbortController,
    publicKeyPem: string,
  ) {
    this.#runtime = runtime;
    this.#policy = policy;
    this.#shared = shared;
    this.#stop = stop;
    this.publicKeyPem = publicKeyPem;
    this.auditWriter = runtime.audit.writer;
    const { admin } = policy.config;
    this.#admin = admin === null ? null : createAdminServer(runtime, admin);
  }

  get url(): string {
    if (this.#server === null) throw new Error("the gateway does not listen");
    return addressOf(this.#server, this.#policy.config.listen.tls === null ? "http" : "https");
  }

  get adminUrl(): string | null {
    return this.#admin === null ? null : addressOf(this.#admin, "http");
  }

  get auditShipError(): string | null {
    return this.#runtime.audit.shipError;
  }

  /** Replicas of each upstream whose replicas are known. */
  get replicas(): ReadonlyMap<string, number> {
    return this.#policy.upstreams.replicas;
  }

  async listen(): Promise<void> {
    const { listen, admin } = this.#policy.config;
    this.#server = await createModelServer(this.#policy.config, (req, res) => {
      void this.#handle(req, res);
    });
    this.#server.listen(listen.port, listen.host, BACKLOG);
    await once(this.#server, "listening");
    if (this.#admin === null || admin === null) return;
    this.#admin.listen(admin.port, admin.host);
    await once(this.#admin, "listening");
  }

  async #handle(req: IncomingMessage, res: ServerResponse): Promise<void> {
    res.on("error", () => undefined);
    this.#connections.follow(req, res);
    const path = (req.url ?? "/").split("?", 1)[0] ?? "/";
    try {
      if (path === "/healthz") send(res, 200, "text/plain", "ok\n");
      else if (path === "/readyz") this.#ready(res);
      else if (path === "/metrics") {
        const { registry } = this.#runtime.metrics;
        await this.#runtime.brakes.inForce().catch(() => undefined);
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
      else refuse(res, path, INTERNAL_ERROR);
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
      const policy = policyOf(
        loaded,
        await Upstreams.open(loaded.config.upstreams, countAttempts(metrics)),
        await tokensOf(loaded),
      );
      await audit.configuration({ kind: "config", result: "applied", config: loaded.hash });
      const old = this.#policy.upstreams;
      this.#policy = policy;
      showModels(metrics, loaded.config.models);
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
    this.#connections.begin();
    this.#admin?.close();
    this.#admin?.closeAllConnections();
    const server = this.#server;
    const closed = server === null ? null : new Promise((resolve) => server.close(resolve));
    server?.closeIdleConnections();
    const timer = setTimeout(() => {
      this.#stop.abort();
      setTimeout(() => server?.closeAllConnections(), 500).unref();
    }, this.#policy.config.limits.drainMs);
    await closed;
    clearTimeout(timer);
    while (this.#runtime.gate.running > 0) await new Promise((resolve) => setTimeout(resolve, 5));
    await this.#runtime.audit.close();
    this.#shared.close();
    await this.#runtime.tracing.close();
    await this.#policy.upstreams.destroy();
  }
}

function countAttempts(metrics: GatewayMetrics): (upstream: string, result: string) => void {
  return (upstream, result) => {
    metrics.attempts.inc({ upstream, result });
  };
}

function tracingOf({ tracing }: GatewayConfig, instance: string, metrics: GatewayMetrics): Tracing {
  if (tracing === null) return noTracing();
  const service = { name: "llmops-gateway", version: GATEWAY_VERSION, instance };
  return openTracing(tracing, service, (result, spans) => {
    metrics.spans.inc({ result }, spans);
  });
}

function tokensOf({ config }: LoadedConfig): Promise<TokenVerifier | null> {
  return config.tokens === null ? Promise.resolve(null) : tokenVerifier(config.tokens);
}

async function openVault(
  content: GatewayConfig["audit"]["content"],
  files: FileLayer,
): Promise<ContentVault | null> {
  if (content.kind === "none") return null;
  return new ContentVault({
    content: await openStore(content.objects, files),
    keys: await openStore(content.keys, files),
    master: await readKeyBytes(content.masterKey),
  });
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
  const { audit, limits, shared: sharing, oversight } = loaded.config;
  const { directory, writer, store, signingKey, digestSecret, content, ...settings } = audit;
  const files = parts.files ?? nodeFiles;
  const signer = signerFromPem(await readSigningKey(signingKey));
  const digests = tenantDigests(await readKeyBytes(digestSecret));
  const gate = new Gate(limits.inFlight, limits.queue, limits.queueMs);
  let log: AuditLog | null = null;
  let gateway: Gateway | null = null;
  const shared = await openShared(sharing, { brakes: join(dirname(directory), "brakes.json"), files });
  const brakes = new Brakes(shared.brakes);
  const statistics = (): AuditLog["statistics"] | undefined => log?.statistics;
  const metrics = createMetrics({
    inFlight: () => gate.running,
    queued: () => gate.queued,
    auditReady: () => (log?.health.kind === "ready" ? 1 : 0),
    auditUnsigned: () => statistics()?.unsigned ?? 0,
    auditOpen: () => statistics()?.open ?? 0,
    auditUnshipped: () => statistics()?.unshipped ?? 0,
    auditBytes: () => statistics()?.bytes ?? 0,
    stopped: () => brakes.known.filter(({ kind }) => kind === "stop").length,
    throttled: () => brakes.known.filter(({ kind }) => kind === "throttle").length,
    auditShipFailing: () => (log?.shipError == null ? 0 : 1),
    replicas: () => gateway?.replicas ?? new Map(),
  });
  showModels(metrics, loaded.config.models);
  const upstreams = await Upstreams.open(loaded.config.upstreams, countAttempts(metrics));
  const tokens = await tokensOf(loaded);
  const vault = await openVault(content, files);
  log = await AuditLog.open({
    ...settings,
    directory,
    name: parts.writer ?? writer,
    signer,
    store: store === null ? null : segmentStore(await openStore(store, files), files),
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
    limits: shared.limits,
    traces: shared.traces,
    gate,
    cache: new AnswerCache(),
    expected: new ExpectedOutput(),
    oversight: new Oversight(shared.reviews, oversight.ticketSeconds),
    brakes,
    tracing: tracingOf(loaded.config, parts.writer ?? writer, metrics),
    vault,
    stopping: stop.signal,
  };
  const policy = policyOf(loaded, upstreams, tokens);
  gateway = new Gateway(runtime, policy, shared, stop, signer.publicKeyPem);
  try {
    await gateway.listen();
  } catch (error) {
    await log.close();
    shared.close();
    await runtime.tracing.close();
    throw error;
  }
  return gateway;
}
