const DAY_MS = 86_400_000;

/** How often something may be done in 24 hours, counted in memory. */
export class DayBudget {
  readonly #most: number;
  readonly #now: () => number;
  /** Times of the last 24 hours, oldest first. */
  #spent: number[] = [];

  /** @param now milliseconds since the epoch */
  constructor(most: number, now: () => number) {
    this.#most = most;
    this.#now = now;
  }

  /** Takes one; false where the last 24 hours have had their number. */
  take(): boolean {
    const now = this.#now();
    this.#spent = this.#spent.filter((time) => time > now - DAY_MS);
    if (this.#spent.length >= this.#most) return false;
    this.#spent.push(now);
    return true;
  }
}
