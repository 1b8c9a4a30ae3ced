import type { ClientConfig } from "../config/schema.ts";
import { LimitsUnavailableError } from "../routing/limits.ts";

/** Scope of a stop that holds for every model. */
export const EVERY_MODEL = "all";

/** What an operator or an alert has put in force. */
export type Brake =
  | {
      readonly kind: "stop";
      /** Name of a model, or `all`. */
      readonly scope: string;
      /** ISO time. */
      readonly since: string;
    }
  | {
      readonly kind: "throttle";
      /** Share of each client's rates that is left, above 0 and below 1. */
      readonly share: number;
      /** ISO time at which it ends by itself. */
      readonly until: string;
    };

/** Where brakes are kept, so that they outlive a process and hold on every replica. */
export interface BrakeStore {
  read(): Promise<readonly Brake[]>;
  put(brake: Brake): Promise<void>;
  release(name: string): Promise<void>;
}

/** Name of a brake in its store; putting another one of the name replaces it. */
export function brakeName(brake: Brake): string {
  return brake.kind === "stop" ? `stop ${brake.scope}` : "throttle";
}

/** How long a replica may act on what it last read, ms. */
const FRESH_MS = 500;

/** Brakes as one replica sees them. */
export class Brakes {
  readonly #store: BrakeStore;
  readonly #now: () => number;
  #known: readonly Brake[] = [];
  #readAt = -Infinity;

  /** @param now clock in milliseconds */
  constructor(store: BrakeStore, now: () => number = Date.now) {
    this.#store = store;
    this.#now = now;
  }

  /** Brakes at the last look. */
  get known(): readonly Brake[] {
    return this.#known;
  }

  /**
   * Brakes that hold now, at most half a second old.
   * @throws LimitsUnavailableError when they cannot be read, so that no call passes a stop nobody can see.
   */
  async inForce(): Promise<readonly Brake[]> {
    const now = this.#now();
    if (now - this.#readAt > FRESH_MS) {
      try {
        this.#known = await this.#store.read();
      } catch (error) {
        throw new LimitsUnavailableError(error);
      }
      this.#readAt = now;
    }
    return this.#known.filter((brake) => brake.kind === "stop" || Date.parse(brake.until) > now);
  }

  /** Puts a brake in force. */
  async put(brake: Brake): Promise<void> {
    await this.#store.put(brake);
    this.#readAt = -Infinity;
  }

  /** Lifts a brake. */
  async release(name: string): Promise<void> {
    await this.#store.release(name);
    this.#readAt = -Infinity;
  }
}

/** Whether a model is stopped. */
export function isStopped(brakes: readonly Brake[], model: string): boolean {
  return brakes.some(
    (brake) => brake.kind === "stop" && (brake.scope === EVERY_MODEL || brake.scope === model),
  );
}

/** A client with the rates a throttle leaves it: at least one request a minute. */
export function throttled(client: ClientConfig, brakes: readonly Brake[]): ClientConfig {
  const throttle = brakes.find((brake) => brake.kind === "throttle");
  if (throttle === undefined) return client;
  return {
    ...client,
    requestsPerMinute: Math.max(1, Math.floor(client.requestsPerMinute * throttle.share)),
    tokensPerMinute: Math.max(1, Math.floor(client.tokensPerMinute * throttle.share)),
  };
}
