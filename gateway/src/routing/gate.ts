/** Who goes first when calls must wait. */
export const PRIORITIES = ["high", "normal", "low"] as const;
/** One priority. */
export type Priority = (typeof PRIORITIES)[number];

/** Permission to run, or why there is none. */
export type Admission = { readonly kind: "admitted"; readonly leave: () => void } | { readonly kind: "shed" };

interface Waiting {
  readonly rank: number;
  readonly answer: (admission: Admission) => void;
  readonly timer: NodeJS.Timeout;
}

/**
 * Bounds the calls that run at once; the next ones wait in a bounded queue for a bounded time, higher priorities first.
 * When the queue is full, a call of higher priority takes the place of the last one of the lowest.
 */
export class Gate {
  readonly #limit: number;
  readonly #queueLimit: number;
  readonly #waitMs: number;
  readonly #waiting: Waiting[] = [];
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
  enter(priority: Priority = "normal"): Promise<Admission> {
    if (this.#running < this.#limit) return Promise.resolve(this.#admit());
    const rank = PRIORITIES.indexOf(priority);
    if (this.#waiting.length >= this.#queueLimit && !this.#makeRoom(rank))
      return Promise.resolve({ kind: "shed" });
    return new Promise((resolve) => {
      const waiting: Waiting = {
        rank,
        answer: resolve,
        timer: setTimeout(() => {
          this.#turnAway(waiting);
        }, this.#waitMs),
      };
      const behind = this.#waiting.findIndex((other) => other.rank > rank);
      this.#waiting.splice(behind === -1 ? this.#waiting.length : behind, 0, waiting);
    });
  }

  #makeRoom(rank: number): boolean {
    const last = this.#waiting.at(-1);
    if (last === undefined || last.rank <= rank) return false;
    this.#turnAway(last);
    return true;
  }

  #turnAway(waiting: Waiting): void {
    clearTimeout(waiting.timer);
    const at = this.#waiting.indexOf(waiting);
    if (at === -1) return;
    this.#waiting.splice(at, 1);
    waiting.answer({ kind: "shed" });
  }

  #admit(): Admission {
    this.#running += 1;
    let inside = true;
    const leave = (): void => {
      if (!inside) return;
      inside = false;
      this.#running -= 1;
      const next = this.#waiting.shift();
      if (next === undefined) return;
      clearTimeout(next.timer);
      next.answer(this.#admit());
    };
    return { kind: "admitted", leave };
  }
}
