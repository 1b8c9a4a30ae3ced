import type { Redis } from "ioredis";
import { brakeSchema } from "./brake-record.ts";
import { brakeName, type Brake, type BrakeStore } from "./brakes.ts";

const KEY = "llmops:{brakes}";

/** Brakes shared by all replicas. */
export class RedisBrakes implements BrakeStore {
  readonly #redis: Redis;

  constructor(redis: Redis) {
    this.#redis = redis;
  }

  async read(): Promise<readonly Brake[]> {
    const kept = await this.#redis.hgetall(KEY);
    return Object.values(kept).map((text) => brakeSchema.parse(JSON.parse(text)));
  }

  async put(brake: Brake): Promise<void> {
    await this.#redis.hset(KEY, brakeName(brake), JSON.stringify(brake));
  }

  async release(name: string): Promise<void> {
    await this.#redis.hdel(KEY, name);
  }
}
