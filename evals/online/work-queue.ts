/** Pieces of work done one after the other; what waits is bounded, because a queue of content in memory is no place to keep it. */
export class WorkQueue {
  readonly #most: number;
  readonly #stop = new AbortController();
  #waiting = 0;
  #last: Promise<void> = Promise.resolve();

  /** @param most pieces that may wait */
  constructor(most: number) {
    this.#most = most;
  }

  /** Takes a piece of work and returns at once; false where too many wait. */
  add(work: (signal: AbortSignal) => Promise<void>): boolean {
    if (this.#waiting >= this.#most) return false;
    this.#waiting += 1;
    this.#last = this.#last
      .then(() => (this.#stop.signal.aborted ? undefined : work(this.#stop.signal)))
      .finally(() => {
        this.#waiting -= 1;
      });
    return true;
  }

  /** Waits until everything taken is done. */
  async settled(): Promise<void> {
    await this.#last;
  }

  /** Lets go of what waits, and aborts what runs. */
  close(): void {
    this.#stop.abort();
  }
}
