import type { Provenance } from "./price.ts";

/** Currencies figures can be shown in. */
export const CURRENCIES = ["USD", "EUR"] as const;

/** A currency figures can be shown in. */
export type Currency = (typeof CURRENCIES)[number];

/** What one unit of a currency is worth. */
export interface ExchangeRate extends Provenance {
  /** USD of one unit, as a decimal number in text. */
  readonly usdPerUnit: string;
}

/** Rates by currency; the dollar is the unit of every price. */
export const EXCHANGE_RATES: Readonly<Record<Exclude<Currency, "USD">, ExchangeRate>> = {
  EUR: {
    usdPerUnit: "1.1133",
    source:
      "https://github.com/moveinfra/eu-cloud-prices/blob/main/data/eu-cloud-prices.json (reference rate of the European Central Bank)",
    asOf: "2026-10-28",
  },
};
