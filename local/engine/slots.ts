/** A fixed number of generations at a time; the rest waits in order. */
export class Slots {
  readonly #limit: number;
  readonly #waiting: { readonly enter: () => void; readonly signal: AbortSignal }[] = [];
  #running = 0;

  /** @param limit generations at a time */
  constructor(limit: number) {
    this.#limit = limit;
  }

  get running(): number {
    return this.#running;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /**
   * Waits for a free slot; call `leave` once for each entry.
   * @throws the signal's reason when aborted while waiting
   */
  async enter(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#running < this.#limit) {
      this.#running += 1;
      return;
    }
    await new Promise<void>((resolve, reject) => {
      const entry = {
        signal,
        enter: () => {
          signal.removeEventListener("abort", abandon);
          resolve();
        },
      };
      const abandon = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(entry), 1);
        reject(signal.reason as Error);
      };
      signal.addEventListener("abort", abandon, { once: true });
      this.#waiting.push(entry);
    });
  }

  /** Gives a slot back: to the first that waits, else to nobody. */
  leave(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#running -= 1;
    else next.enter();
  }
}
