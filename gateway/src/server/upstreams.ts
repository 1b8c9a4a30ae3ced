import { Pool } from "undici";
import type { Dispatcher } from "undici";
import type { RecordedAttempt } from "../audit/record.ts";
import { readSecret } from "../config/secrets.ts";
import type { UpstreamConfig } from "../config/schema.ts";
import { Breaker } from "../routing/breaker.ts";
import type { Target } from "../routing/plan.ts";

interface Upstream {
  readonly config: UpstreamConfig;
  readonly pool: Pool;
  readonly breaker: Breaker;
  readonly base: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** Answer of the first upstream that gave one, or that none did. */
export type UpstreamAnswer =
  | {
      readonly kind: "answered";
      readonly target: Target;
      readonly response: Dispatcher.ResponseData;
      readonly attempts: readonly RecordedAttempt[];
      /** Tells the circuit breaker how the body went. */
      readonly settle: (result: "ok" | "failed") => void;
    }
  | {
      readonly kind: "none";
      readonly reason: "unavailable" | "aborted";
      readonly attempts: readonly RecordedAttempt[];
    };

/** What one try is told and tells. */
export interface AttemptWatch {
  /** Headers of this try. */
  readonly headers: Readonly<Record<string, string>>;
  /** Ends the try; `error` is its class. */
  end(status: number | null, error?: string): void;
}

/** The request to send, the same for every upstream but for its model. */
export interface UpstreamRequest {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly bodyFor: (target: Target) => string;
  /** Called as each try begins. */
  readonly watch: (config: UpstreamConfig) => AttemptWatch;
}

const RETRIED = new Set([408, 429, 500, 502, 503, 504]);

/** The configured upstreams with their connections and circuit breakers. */
export class Upstreams {
  readonly #all: ReadonlyMap<string, Upstream>;
  readonly #onAttempt: (upstream: string, result: string) => void;

  private constructor(
    all: ReadonlyMap<string, Upstream>,
    onAttempt: (upstream: string, result: string) => void,
  ) {
    this.#all = all;
    this.#onAttempt = onAttempt;
  }

  /**
   * Opens the connection pools.
   * @throws MissingSecretError when a credential is missing.
   */
  static async open(
    configs: readonly UpstreamConfig[],
    onAttempt: (upstream: string, result: string) => void,
  ): Promise<Upstreams> {
    const all = new Map<string, Upstream>();
    for (const config of configs) {
      const url = new URL(config.baseUrl);
      const key = config.credential === null ? null : await readSecret(config.credential);
      const bearer = config.credentialHeader === "authorization";
      all.set(config.name, {
        config,
        pool: new Pool(url.origin, {
          connections: config.connections,
          headersTimeout: config.firstByteMs,
          bodyTimeout: config.idleMs,
          connectTimeout: 5_000,
        }),
        breaker: new Breaker(config.breaker),
        base: url.pathname.replace(/\/+$/, "").replace(/\/v1$/, ""),
        headers: key === null ? {} : { [config.credentialHeader]: bearer ? `Bearer ${key}` : key },
      });
    }
    return new Upstreams(all, onAttempt);
  }

  /** Sends a request to the targets in turn until one answers; nothing is retried once an answer has begun. */
  async send(
    { path, headers, bodyFor, watch }: UpstreamRequest,
    targets: readonly Target[],
    signal: AbortSignal,
  ): Promise<UpstreamAnswer> {
    const attempts: RecordedAttempt[] = [];
    for (const [index, target] of targets.entries()) {
      const upstream = this.#all.get(target.upstream);
      if (upstream === undefined || !upstream.breaker.tryAcquire()) {
        attempts.push({
          ...target,
          status: null,
          ms: 0,
          error: upstream === undefined ? "removed" : "breaker-open",
        });
        this.#onAttempt(target.upstream, "breaker-open");
        continue;
      }
      const attempt = watch(upstream.config);
      const started = performance.now();
      const elapsed = (): number => Math.round(performance.now() - started);
      try {
        const response = await upstream.pool.request({
          path: `${upstream.base}${path}`,
          method: "POST",
          headers: {
            "content-type": "application/json",
            ...headers,
            ...attempt.headers,
            ...upstream.headers,
          },
          body: bodyFor(target),
          signal,
        });
        const { statusCode: status } = response;
        this.#onAttempt(target.upstream, String(Math.floor(status / 100) * 100));
        attempts.push({ ...target, status, ms: elapsed() });
        const isFault = status >= 500 || status === 408;
        if (RETRIED.has(status) && index < targets.length - 1) {
          attempt.end(status);
          if (isFault) upstream.breaker.failed();
          else upstream.breaker.succeeded();
          await response.body.dump({ limit: 65_536 }).catch(() => undefined);
          continue;
        }
        const settle = (result: "ok" | "failed"): void => {
          attempt.end(status, result === "ok" ? undefined : "broken-answer");
          if (result === "ok" && !isFault) upstream.breaker.succeeded();
          else upstream.breaker.failed();
        };
        return { kind: "answered", target, response, attempts, settle };
      } catch (error) {
        const name = error instanceof Error && "code" in error ? String(error.code) : "error";
        const kind = signal.aborted ? "aborted" : name;
        attempt.end(null, kind);
        attempts.push({ ...target, status: null, ms: elapsed(), error: kind });
        if (signal.aborted) {
          upstream.breaker.abandoned();
          return { kind: "none", reason: "aborted", attempts };
        }
        this.#onAttempt(target.upstream, "error");
        upstream.breaker.failed();
      }
    }
    return { kind: "none", reason: "unavailable", attempts };
  }

  /** Closes the connections once the requests on them have ended. */
  async close(): Promise<void> {
    await Promise.all([...this.#all.values()].map(({ pool }) => pool.close()));
  }

  /** Closes the connections now. */
  async destroy(): Promise<void> {
    await Promise.all([...this.#all.values()].map(({ pool }) => pool.destroy()));
  }
}
