import type { ModelConfig } from "../config/schema.ts";

/** Billionths of a currency unit. */
export type Nanos = bigint;

/** Reads a decimal amount exactly. */
export function nanosOf(amount: string): Nanos {
  const [whole = "0", fraction = ""] = amount.split(".");
  return BigInt(whole) * 1_000_000_000n + BigInt(fraction.padEnd(9, "0"));
}

/** Cost of a call, rounded up; null when the price is unknown. */
export function costOf(price: ModelConfig["price"], input: number, output: number): Nanos | null {
  if (price === null) return null;
  if (price === "none") return 0n;
  const total =
    BigInt(input) * nanosOf(price.inputPerMillion) + BigInt(output) * nanosOf(price.outputPerMillion);
  return (total + 999_999n) / 1_000_000n;
}
