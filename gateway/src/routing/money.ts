import type { ModelConfig } from "../config/schema.ts";

/** Billionths of a currency unit. */
export type Nanos = bigint;

/** Reads a decimal amount exactly. */
export function nanosOf(amount: string): Nanos {
  const [whole = "0", fraction = ""] = amount.split(".");
  return BigInt(whole) * 1_000_000_000n + BigInt(fraction.padEnd(9, "0"));
}

/** Tokens of a call. */
export interface CallTokens {
  readonly input: number;
  readonly output: number;
  /** Part of `input` that was found in a prompt cache. @default none */
  readonly cachedInput?: number;
}

/** Cost of a call, rounded up; null when the price is unknown. Cached input without a price of its own costs what any input does. */
export function costOf(
  price: ModelConfig["price"],
  { input, output, cachedInput = 0 }: CallTokens,
): Nanos | null {
  if (price === null) return null;
  if (price === "none") return 0n;
  const total =
    BigInt(input - cachedInput) * nanosOf(price.inputPerMillion) +
    BigInt(cachedInput) * nanosOf(price.cachedInputPerMillion ?? price.inputPerMillion) +
    BigInt(output) * nanosOf(price.outputPerMillion);
  return (total + 999_999n) / 1_000_000n;
}
