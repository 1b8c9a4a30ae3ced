/** A share written as a percentage: `99.9 %` and `< 2 %` are 0.999 and 0.02. */
export function shareOf(text: string): number {
  return Number((Number(/\d+(?:\.\d+)?/.exec(text)?.[0]) / 100).toFixed(8));
}

/** Seconds of a latency limit: `< 800 ms` is 0.8. */
export function secondsOf(text: string): number {
  const [, amount, unit] = /^< (\d+(?:\.\d+)?) (ms|s)$/.exec(text) ?? [];
  return unit === "ms" ? Number(amount) / 1000 : Number(amount);
}
