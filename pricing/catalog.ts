import { awsMachinePrices } from "./aws.ts";
import { BOOKS_FOLDER, readBooks } from "./book.ts";
import { gcpMachinePrices } from "./gcp.ts";
import type { Price, UsagePrice } from "./price.ts";
import { servicePrices, usagePrices } from "./services.ts";

/** Where a recorded price comes from: the tables of this repository, or a book that somebody imported. */
export type Origin = "table" | "imported";

/** Every recorded price. */
export interface Catalog {
  readonly hourly: ReadonlyMap<string, Price>;
  readonly use: ReadonlyMap<string, UsagePrice>;
  /** SKUs whose price comes from an imported book. */
  readonly imported: ReadonlySet<string>;
}

/**
 * Tables of this repository, overridden by the imported books of a folder.
 * @throws PriceBookError when a book cannot be used
 */
export function catalogOf(folder: string): Catalog {
  const books = readBooks(folder);
  return {
    hourly: new Map([...awsMachinePrices(), ...gcpMachinePrices(), ...servicePrices(), ...books.hourly]),
    use: new Map([...usagePrices(), ...books.use]),
    imported: new Set([...books.hourly, ...books.use].map(([sku]) => sku)),
  };
}

let read: Catalog | undefined;

/** Every recorded price, read once. @throws PriceBookError when an imported book cannot be used */
export function catalog(): Catalog {
  return (read ??= catalogOf(BOOKS_FOLDER));
}

/** List price of a SKU, or undefined when nobody has recorded one; the caller must then fail or be told to assume. */
export function priceOf(sku: string): Price | undefined {
  return catalog().hourly.get(sku);
}

/** List price of a SKU by use, or undefined when nobody has recorded one. */
export function usagePriceOf(sku: string): UsagePrice | undefined {
  return catalog().use.get(sku);
}
