import { Redis } from "ioredis";
import { readSecret } from "../config/secrets.ts";
import type { FileLayer } from "../audit/file-layer.ts";
import type { GatewayConfig } from "../config/schema.ts";
import type { BrakeStore } from "../oversight/brakes.ts";
import { FileBrakes } from "../oversight/file-brakes.ts";
import { RedisBrakes } from "../oversight/redis-brakes.ts";
import { LocalReviewQueue } from "../oversight/local-queue.ts";
import { RedisReviewQueue } from "../oversight/redis-queue.ts";
import type { ReviewQueue } from "../oversight/tickets.ts";
import type { Limits } from "../routing/limits.ts";
import { LocalLimits } from "../routing/local-limits.ts";
import { LocalTraceLimits } from "../routing/local-traces.ts";
import { RedisLimits } from "../routing/redis-limits.ts";
import { RedisTraceLimits } from "../routing/redis-traces.ts";
import type { TraceLimits } from "../routing/traces.ts";

/** What replicas must agree on. */
export interface SharedState {
  readonly limits: Limits;
  readonly traces: TraceLimits;
  readonly reviews: ReviewQueue;
  readonly brakes: BrakeStore;
  close(): void;
}

/** Where a single replica keeps what must outlive it. */
export interface OwnState {
  /** File of the brakes. */
  readonly brakes: string;
  readonly files: FileLayer;
}

/**
 * Opens the shared state: in this process, or in Redis. Commands fail at once while Redis is away, so that calls are
 * refused instead of waiting.
 * @throws MissingSecretError when the address is missing.
 */
export async function openShared(config: GatewayConfig["shared"], own: OwnState): Promise<SharedState> {
  if (config.kind === "local") {
    return {
      limits: new LocalLimits(),
      traces: new LocalTraceLimits(),
      reviews: new LocalReviewQueue(),
      brakes: new FileBrakes(own.brakes, own.files),
      close: () => undefined,
    };
  }
  const redis = new Redis(await readSecret(config.url), {
    lazyConnect: true,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    connectTimeout: 2_000,
    commandTimeout: config.deadlineMs,
    retryStrategy: (times) => Math.min(1_000, 50 * times),
  });
  redis.on("error", () => undefined);
  await redis.connect().catch(() => undefined);
  return {
    limits: new RedisLimits(redis),
    traces: new RedisTraceLimits(redis),
    reviews: new RedisReviewQueue(redis),
    brakes: new RedisBrakes(redis),
    close: () => {
      redis.disconnect();
    },
  };
}
