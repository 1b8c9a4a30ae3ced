interface Entry {
  readonly body: string;
  readonly expires: number;
}

/** Exact answers of earlier calls, least recently used first out; keys include the client, so nothing is shared. */
export class AnswerCache {
  readonly #entries = new Map<string, Entry>();
  readonly #now: () => number;

  /** @param now clock in milliseconds */
  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  /** The answer kept under a key, or null. */
  get(key: string): string | null {
    const entry = this.#entries.get(key);
    if (entry === undefined) return null;
    this.#entries.delete(key);
    if (entry.expires <= this.#now()) return null;
    this.#entries.set(key, entry);
    return entry.body;
  }

  /** Keeps an answer for some seconds, dropping the oldest above `limit` entries. */
  put(key: string, body: string, seconds: number, limit: number): void {
    this.#entries.delete(key);
    this.#entries.set(key, { body, expires: this.#now() + seconds * 1000 });
    const oldest = this.#entries.keys().next();
    if (this.#entries.size > limit && oldest.done !== true) this.#entries.delete(oldest.value);
  }
}
