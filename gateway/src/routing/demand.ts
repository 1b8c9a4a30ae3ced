const WEIGHT = 0.05;

/** Expected output tokens per model: a moving average of what its answers had, for load that has not been served yet. */
export class ExpectedOutput {
  readonly #means = new Map<string, number>();

  /** Expected output tokens of the next call, at most its limit. */
  of(model: string, limit: number): number {
    return Math.min(limit, this.#means.get(model) ?? limit / 4);
  }

  /** Takes the output tokens of an answer. */
  seen(model: string, tokens: number): void {
    const mean = this.#means.get(model);
    this.#means.set(model, mean === undefined ? tokens : mean + WEIGHT * (tokens - mean));
  }
}
