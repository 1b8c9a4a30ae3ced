/** Stops sending to an upstream after failures in a row, and lets one probe through after a pause. */
export class Breaker {
  readonly #failures: number;
  readonly #openMs: number;
  readonly #now: () => number;
  #inRow = 0;
  #openedAt: number | null = null;
  #probing = false;

  constructor(
    settings: { readonly failures: number; readonly openMs: number },
    now: () => number = Date.now,
  ) {
    this.#failures = settings.failures;
    this.#openMs = settings.openMs;
    this.#now = now;
  }

  /** Takes the permission to send one request; it must be followed by `succeeded`, `failed` or `abandoned`. */
  tryAcquire(): boolean {
    if (this.#openedAt === null) return true;
    if (this.#probing || this.#now() - this.#openedAt < this.#openMs) return false;
    this.#probing = true;
    return true;
  }

  /** Whether requests are being held off. */
  get open(): boolean {
    return this.#openedAt !== null;
  }

  /** The upstream answered. */
  succeeded(): void {
    this.#inRow = 0;
    this.#openedAt = null;
    this.#probing = false;
  }

  /** The upstream failed. */
  failed(): void {
    this.#inRow += 1;
    if (this.#probing || this.#inRow >= this.#failures) this.#openedAt = this.#now();
    this.#probing = false;
  }

  /** The caller went away before the upstream could be judged. */
  abandoned(): void {
    this.#probing = false;
  }
}
