import type { Dispatcher } from "undici";
import type { RecordedAttempt } from "../audit/record.ts";
import { readSecret } from "../config/secrets.ts";
import type { UpstreamConfig } from "../config/schema.ts";
import type { Target } from "../routing/plan.ts";
import { Replicas, type Replica, type Resolve } from "../routing/replicas.ts";

interface Upstream {
  readonly config: UpstreamConfig;
  readonly replicas: Replicas;
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
  /** How long the head of the answer may take, ms; null for the upstream's `firstByteMs`. */
  readonly headMs: number | null;
  /** Called as each try begins. */
  readonly watch: (config: UpstreamConfig) => AttemptWatch;
}

/** Replicas of one target that are tried for one call. */
const MAX_REPLICAS = 3;

const UNSENT = new Set([
  "ECONNREFUSED",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENOTFOUND",
  "EAI_AGAIN",
  "UND_ERR_CONNECT_TIMEOUT",
  "breaker-open",
  "no-replica",
  "removed",
]);

/** Whether nothing of a try was sent, so that nothing can have been processed. */
export function isUnsent({ status, error }: Pick<RecordedAttempt, "status" | "error">): boolean {
  return status === null && error !== undefined && UNSENT.has(error);
}

/** Reason of an abort because the time of the call is over. */
export const DEADLINE = "deadline";

const RETRIED = new Set([408, 429, 500, 502, 503, 504]);

/** The configured upstreams and their replicas. */
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
   * Finds the replicas of each upstream.
   * @throws MissingSecretError when a credential is missing.
   */
  static async open(
    configs: readonly UpstreamConfig[],
    onAttempt: (upstream: string, result: string) => void,
    resolve?: Resolve,
  ): Promise<Upstreams> {
    const all = new Map<string, Upstream>();
    for (const config of configs) {
      const key = config.credential === null ? null : await readSecret(config.credential);
      const bearer = config.credentialHeader === "authorization";
      all.set(config.name, {
        config,
        replicas: await Replicas.open(config, resolve),
        base: new URL(config.baseUrl).pathname.replace(/\/+$/, "").replace(/\/v1$/, ""),
        headers: key === null ? {} : { [config.credentialHeader]: bearer ? `Bearer ${key}` : key },
      });
    }
    return new Upstreams(all, onAttempt);
  }

  /** Replicas of each upstream whose replicas are known. */
  get replicas(): ReadonlyMap<string, number> {
    return new Map(
      [...this.#all].flatMap(([name, { replicas }]) =>
        replicas.count === null ? [] : [[name, replicas.count] as const],
      ),
    );
  }

  /** Sends a request to the targets in turn until one answers; nothing is retried once an answer has begun. */
  async send(
    request: UpstreamRequest,
    targets: readonly Target[],
    signal: AbortSignal,
  ): Promise<UpstreamAnswer> {
    const attempts: RecordedAttempt[] = [];
    for (const [index, target] of targets.entries()) {
      if (signal.aborted) return { kind: "none", reason: "aborted", attempts };
      const answer = await this.#ask(request, target, index === targets.length - 1, attempts, signal);
      if (answer !== null) return answer;
    }
    return { kind: "none", reason: "unavailable", attempts };
  }

  /** Asks the replicas of a target, the least busy first, until one could be reached; null when another target may be asked. */
  async #ask(
    { path, headers, bodyFor, headMs, watch }: UpstreamRequest,
    target: Target,
    isLast: boolean,
    attempts: RecordedAttempt[],
    signal: AbortSignal,
  ): Promise<UpstreamAnswer | null> {
    const upstream = this.#all.get(target.upstream);
    const skipped = (error: "removed" | "no-replica" | "breaker-open"): null => {
      attempts.push({ ...target, status: null, ms: 0, error });
      this.#onAttempt(target.upstream, error);
      return null;
    };
    if (upstream === undefined) return skipped("removed");
    // Before a replica is taken: what fails here is no fault of one.
    const body = bodyFor(target);
    const tried = new Set<Replica>();
    const free = (): Replica | undefined =>
      upstream.replicas.byLoad().find((replica) => !tried.has(replica) && replica.breaker.tryAcquire());
    while (tried.size < MAX_REPLICAS) {
      let replica = free();
      if (replica === undefined) {
        // Those that were known are gone; the name may stand for others by now.
        await upstream.replicas.refresh();
        replica = free();
      }
      if (replica === undefined) break;
      tried.add(replica);
      const { pool, breaker } = replica;
      const attempt = watch(upstream.config);
      const started = performance.now();
      const elapsed = (): number => Math.round(performance.now() - started);
      try {
        const response = await pool.request({
          path: `${upstream.base}${path}`,
          method: "POST",
          headers: {
            "content-type": "application/json",
            ...headers,
            ...attempt.headers,
            ...upstream.headers,
          },
          body,
          signal,
          ...(headMs === null ? {} : { headersTimeout: headMs }),
        });
        const { statusCode: status } = response;
        this.#onAttempt(target.upstream, String(Math.floor(status / 100) * 100));
        attempts.push({ ...target, status, ms: elapsed() });
        const isFault = status >= 500 || status === 408;
        if (RETRIED.has(status) && !isLast) {
          attempt.end(status);
          if (isFault) breaker.failed();
          else breaker.succeeded();
          await response.body.dump({ limit: 65_536 }).catch(() => undefined);
          return null;
        }
        const settle = (result: "ok" | "failed"): void => {
          attempt.end(status, result === "ok" ? undefined : "broken-answer");
          if (result === "ok" && !isFault) breaker.succeeded();
          else breaker.failed();
        };
        return { kind: "answered", target, response, attempts, settle };
      } catch (error) {
        const name = error instanceof Error && "code" in error ? String(error.code) : "error";
        const kind = signal.aborted ? "aborted" : name;
        attempt.end(null, kind);
        attempts.push({ ...target, status: null, ms: elapsed(), error: kind });
        if (signal.aborted) {
          // Silence up to the end of the call, and longer than a first byte may take, is a failure; a caller that leaves is none.
          if (signal.reason === DEADLINE && elapsed() >= upstream.config.firstByteMs) {
            this.#onAttempt(target.upstream, "error");
            breaker.failed();
          } else breaker.abandoned();
          return { kind: "none", reason: "aborted", attempts };
        }
        this.#onAttempt(target.upstream, "error");
        breaker.failed();
        if (!isUnsent({ status: null, error: name })) return null;
      }
    }
    if (tried.size > 0) return null;
    return skipped(upstream.replicas.byLoad().length === 0 ? "no-replica" : "breaker-open");
  }

  /** Closes the connections once the requests on them have ended. */
  async close(): Promise<void> {
    await Promise.all([...this.#all.values()].map(({ replicas }) => replicas.close()));
  }

  /** Closes the connections now. */
  async destroy(): Promise<void> {
    await Promise.all([...this.#all.values()].map(({ replicas }) => replicas.destroy()));
  }
}
