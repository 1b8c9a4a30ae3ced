/** Permission to run, or why there is none. */
export type Admission = { readonly kind: "admitted"; readonly leave: () => void } | { readonly kind: "shed" };

/** Bounds the calls that run at once; the next ones wait in a bounded queue for a bounded time. */
export class Gate {
  readonly #limit: number;
  readonly #queueLimit: number;
  readonly #waitMs: number;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(limit: number, queueLimit: number, waitMs: number) {
    this.#limit = limit;
    this.#queueLimit = queueLimit;
    this.#waitMs = waitMs;
  }

  /** Calls that run. */
  get running(): number {
    return this.#running;
  }

  /** Calls that wait. */
  get queued(): number {
    return this.#waiting.length;
  }

  /** Waits for a place. */
  enter(): Promise<Admission> {
    if (this.#running < this.#limit) return Promise.resolve(this.#admit());
    if (this.#waiting.length >= this.#queueLimit) return Promise.resolve({ kind: "shed" });
    return new Promise((resolve) => {
      const go = (): void => {
        clearTimeout(timer);
        resolve(this.#admit());
      };
      const timer = setTimeout(() => {
        const at = this.#waiting.indexOf(go);
        if (at !== -1) this.#waiting.splice(at, 1);
        resolve({ kind: "shed" });
      }, this.#waitMs);
      this.#waiting.push(go);
    });
  }

  #admit(): Admission {
    this.#running += 1;
    let inside = true;
    const leave = (): void => {
      if (!inside) return;
      inside = false;
      this.#running -= 1;
      this.#waiting.shift()?.();
    };
    return { kind: "admitted", leave };
  }
}
