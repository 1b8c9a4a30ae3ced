import { awsMachinePrices } from "./aws.ts";
import { gcpMachinePrices } from "./gcp.ts";
import type { Price } from "./price.ts";
import { servicePrices } from "./services.ts";

const PRICES: ReadonlyMap<string, Price> = new Map([
  ...awsMachinePrices(),
  ...gcpMachinePrices(),
  ...servicePrices(),
]);

/** List price of a SKU, or undefined when nobody has recorded one; the caller must then fail or be told to assume. */
export function priceOf(sku: string): Price | undefined {
  return PRICES.get(sku);
}

/** Every recorded price. */
export function allPrices(): ReadonlyMap<string, Price> {
  return PRICES;
}
