import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { Decimal } from "decimal.js";
import { z } from "zod";
import type { Price, UsagePrice } from "./price.ts";
import { absurdity, skuParts } from "./sanity.ts";

/** Folder of imported price books; a fork commits what it imports. */
export const BOOKS_FOLDER = fileURLToPath(new URL("./books", import.meta.url));

const entry = z.strictObject({
  usd: z
    .string()
    .regex(/^\d{1,6}(\.\d{1,24})?$/, { error: "must be a decimal number in quotes, not negative" }),
  source: z.string().min(3),
  asOf: z.iso.date(),
});

const schema = z.strictObject({
  version: z.literal(1),
  cloud: z.enum(["aws", "gcp"]),
  region: z.string().regex(/^[a-z0-9-]+$/),
  prices: z.record(z.string(), entry),
});

/** Imported prices of one region by SKU: USD per hour, or per unit for what costs by use. */
export type PriceBook = z.output<typeof schema>;

/** A price book that cannot be used; the message names file, key, value and fix. */
export class PriceBookError extends Error {
  override readonly name = "PriceBookError";
}

function problemOf(book: PriceBook, today: string): string | undefined {
  for (const [sku, { usd, asOf }] of Object.entries(book.prices)) {
    const parts = skuParts(sku);
    if (parts !== undefined && (parts.cloud !== book.cloud || parts.region !== book.region))
      return `prices["${sku}"] is no price of ${book.cloud} ${book.region}`;
    const absurd = absurdity(sku, usd);
    if (absurd !== undefined) return `prices["${sku}"]: ${absurd}`;
    if (asOf > today) return `prices["${sku}"].asOf = ${asOf} is in the future`;
    const onDemand = book.prices[sku.replace(/\/spot$/, "/on-demand")];
    if (sku.endsWith("/spot") && onDemand !== undefined && new Decimal(usd).gt(onDemand.usd))
      return `prices["${sku}"].usd = ${usd} is above the on-demand price of ${onDemand.usd}`;
  }
  return undefined;
}

/**
 * Reads a price book.
 * @throws PriceBookError naming the file and the key that is wrong
 */
export function parseBook(
  text: string,
  file: string,
  today = new Date().toISOString().slice(0, 10),
): PriceBook {
  const refuse = (reason: string): never => {
    throw new PriceBookError(`${file}: ${reason}; import it again with \`llmops prices import\``);
  };
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return refuse(`is not JSON (${error instanceof Error ? error.message : String(error)})`);
  }
  const parsed = schema.safeParse(value);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    return refuse(
      issue === undefined ? "has another form" : `${z.core.toDotPath(issue.path)}: ${issue.message}`,
    );
  }
  const problem = problemOf(parsed.data, today);
  return problem === undefined ? parsed.data : refuse(problem);
}

/** Prices of books, split by what they are per. */
export interface BookPrices {
  readonly hourly: readonly (readonly [string, Price])[];
  readonly use: readonly (readonly [string, UsagePrice])[];
}

/**
 * Reads every book of a folder; a missing folder is an empty one.
 * @throws PriceBookError naming the file and the key that is wrong
 */
export function readBooks(folder: string): BookPrices {
  const files = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith(".json")) : [];
  const entries = files.sort().flatMap((name) => {
    const file = join(folder, name);
    return Object.entries(parseBook(readFileSync(file, "utf8"), basename(file)).prices);
  });
  const of = (kind: "hourly" | "use"): typeof entries =>
    entries.filter(([sku]) => skuParts(sku)?.kind === kind);
  return {
    hourly: of("hourly").map(([sku, { usd, ...rest }]) => [sku, { usdPerHour: usd, ...rest }] as const),
    use: of("use").map(([sku, { usd, ...rest }]) => [sku, { usdPerUnit: usd, ...rest }] as const),
  };
}

/** A book with more prices; later ones win. */
export function withPrices(book: PriceBook, prices: PriceBook["prices"]): PriceBook {
  const all = { ...book.prices, ...prices };
  return {
    ...book,
    prices: Object.fromEntries(Object.entries(all).sort(([a], [b]) => (a < b ? -1 : 1))),
  };
}
