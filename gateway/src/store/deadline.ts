/** How long a store may take; a replica that stops waits for two calls within the margin its pod has for that. */
export interface StoreDeadlines {
  /** For a connection, ms. */
  readonly connectMs: number;
  /** For one call with its retries, or one page of a list, ms. */
  readonly callMs: number;
}

/** Deadlines of the stores of the clouds: a segment of 16 MiB needs 2 MiB/s. */
export const STORE_DEADLINES: StoreDeadlines = { connectMs: 2_000, callMs: 8_000 };

/** Raised when a store took too long. */
export class StoreTimeoutError extends Error {
  constructor(ms: number) {
    super(`the store has not answered within ${ms} ms`);
    this.name = "StoreTimeoutError";
  }
}

/**
 * Runs one call to a store and gives it up when it takes too long, also where the client behind it would wait for ever.
 * @throws StoreTimeoutError when it takes longer than `ms`.
 */
export function within<T>(ms: number, call: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const signal = AbortSignal.timeout(ms);
  return new Promise((resolve, reject) => {
    signal.addEventListener("abort", () => {
      reject(new StoreTimeoutError(ms));
    });
    call(signal).then(resolve, reject);
  });
}
