import { promises as dns } from "node:dns";
import { Pool } from "undici";
import type { UpstreamConfig } from "../config/schema.ts";
import { Breaker } from "./breaker.ts";

/** One server behind an upstream. */
export interface Replica {
  readonly pool: Pool;
  readonly breaker: Breaker;
}

/** Addresses a name has now; none when nobody has that name. */
export type Resolve = (host: string) => Promise<readonly string[]>;

const NOBODY = new Set(["ENOTFOUND", "ENODATA"]);

async function queried(query: Promise<string[]>): Promise<string[]> {
  try {
    return await query;
  } catch (error) {
    if (error instanceof Error && "code" in error && NOBODY.has(String(error.code))) return [];
    throw error;
  }
}

/** Asks the name server itself: the system's own lookup would take a thread that the audit log writes with. */
async function addressesOf(host: string): Promise<readonly string[]> {
  const found = await queried(dns.resolve4(host));
  if (found.length > 0) return found;
  return (await queried(dns.resolve6(host))).map((address) => `[${address}]`);
}

/**
 * The servers behind an upstream, each with its own connections and breaker. Behind one address kept-alive connections would
 * tie calls to the servers that were there first, so new replicas would stay idle; here each call goes to the least busy one.
 */
export class Replicas {
  readonly #all = new Map<string, Replica>();
  readonly #config: UpstreamConfig;
  readonly #url: URL;
  readonly #resolve: Resolve;
  #isFound = false;
  #looking: Promise<void> | null = null;
  #timer: NodeJS.Timeout | undefined;

  private constructor(config: UpstreamConfig, resolve: Resolve) {
    this.#config = config;
    this.#url = new URL(config.baseUrl);
    this.#resolve = resolve;
  }

  /** Finds the servers, and follows their name where the configuration says so. */
  static async open(config: UpstreamConfig, resolve: Resolve = addressesOf): Promise<Replicas> {
    const replicas = new Replicas(config, resolve);
    const { addresses } = config;
    if (addresses.kind === "one") replicas.#show([replicas.#url.hostname]);
    else {
      await replicas.refresh();
      replicas.#timer = setInterval(() => void replicas.refresh(), addresses.refreshMs).unref();
    }
    return replicas;
  }

  /** Asks for the addresses now; who asks while an answer is awaited gets that one, so that none comes out of order. */
  refresh(): Promise<void> {
    if (this.#config.addresses.kind === "one") return Promise.resolve();
    this.#looking ??= this.#look().finally(() => {
      this.#looking = null;
    });
    return this.#looking;
  }

  async #look(): Promise<void> {
    // A name server that fails says nothing about the replicas.
    const found = await this.#resolve(this.#url.hostname).catch(() => null);
    if (found === null) return;
    this.#isFound = true;
    this.#show(found);
  }

  /** How many there are; null where nobody counts them: one address, or a name server that has not answered yet. */
  get count(): number | null {
    return this.#isFound ? this.#all.size : null;
  }

  /** The replicas, the one with the fewest calls first, in random order where they have as many. */
  byLoad(): Replica[] {
    return [...this.#all.values()]
      .map((replica) => ({ replica, calls: replica.pool.stats.size, order: Math.random() }))
      .sort((a, b) => a.calls - b.calls || a.order - b.order)
      .map(({ replica }) => replica);
  }

  #show(hosts: readonly string[]): void {
    for (const [host, { pool }] of this.#all)
      if (!hosts.includes(host)) {
        this.#all.delete(host);
        // Waits for the calls on it.
        void pool.close();
      }
    for (const host of hosts) if (!this.#all.has(host)) this.#all.set(host, this.#connect(host));
  }

  #connect(host: string): Replica {
    const { connections, firstByteMs, idleMs, breaker } = this.#config;
    const origin = new URL(this.#url.origin);
    origin.hostname = host;
    return {
      pool: new Pool(origin, {
        connections,
        headersTimeout: firstByteMs,
        bodyTimeout: idleMs,
        connectTimeout: 5_000,
      }),
      breaker: new Breaker(breaker),
    };
  }

  /** Closes the connections once the calls on them have ended. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all([...this.#all.values()].map(({ pool }) => pool.close()));
  }

  /** Closes the connections now. */
  async destroy(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all([...this.#all.values()].map(({ pool }) => pool.destroy()));
  }
}
