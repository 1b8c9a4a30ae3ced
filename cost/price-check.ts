import type { CostReport } from "../plan/cost.ts";
import { catalog } from "../pricing/catalog.ts";
import { EXCHANGE_RATES } from "../pricing/currencies.ts";
import { ASSUMED, type Provenance } from "../pricing/price.ts";
import { tokenPriceOf } from "../pricing/tokens.ts";
import type { PlatformConfig } from "../stacks/schema/platform.ts";

/** How a price of a stack stands. */
export type PriceState =
  /** Recorded with a source. */
  | "listed"
  /** From an imported book. */
  | "imported"
  /** Without a source: the stack file assumes it. */
  | "assumed"
  /** Nobody knows it. */
  | "missing"
  /** Older than allowed. */
  | "stale"
  /** Dated later than the day it is judged on. */
  | "future"
  /** The stack file's token price is another than the list's. */
  | "differs";

/** One price that a stack uses. */
export interface PriceFinding {
  readonly stack: string;
  readonly key: string;
  readonly state: PriceState;
  /** Days from its date to the day it is judged on; absent for a missing price. */
  readonly ageDays?: number;
  readonly asOf?: string;
  readonly source?: string;
  /** What is wrong and what to do; empty when nothing is. */
  readonly message: string;
}

/** How prices are judged. */
export interface PriceCheckOptions {
  /** ISO day. */
  readonly asOf: string;
  readonly maxAgeDays: number;
  /** Whether prices assumed in the stack file count as known. */
  readonly assumed: "accepted" | "gap";
}

const DAY_MS = 86_400_000;

function judged(
  stack: string,
  key: string,
  { source, asOf }: Provenance,
  options: PriceCheckOptions,
): PriceFinding {
  const ageDays = Math.floor((Date.parse(options.asOf.slice(0, 10)) - Date.parse(asOf)) / DAY_MS);
  const common = { stack, key, ageDays, asOf, source };
  if (ageDays < 0)
    return {
      ...common,
      state: "future",
      message: `dated ${asOf}, after ${options.asOf.slice(0, 10)}; correct asOf`,
    };
  if (ageDays > options.maxAgeDays)
    return {
      ...common,
      state: "stale",
      message: `${ageDays} days old, more than ${options.maxAgeDays}; import the price list or ask again`,
    };
  if (source === ASSUMED)
    return {
      ...common,
      state: "assumed",
      message:
        options.assumed === "accepted"
          ? ""
          : "no source: the stack file assumes it; import the price list of the region",
    };
  return { ...common, state: catalog().imported.has(key) ? "imported" : "listed", message: "" };
}

function providerFindings(
  stack: string,
  { providers }: PlatformConfig,
  options: PriceCheckOptions,
): PriceFinding[] {
  return providers.flatMap(({ name, kind, models }) =>
    models.map((model): PriceFinding => {
      const key = `providers.${name}.${model.name}`;
      const finding = judged(stack, key, model, options);
      const listed = kind === "openai-compatible" ? undefined : tokenPriceOf(kind, model.model);
      if (finding.message !== "" || listed === undefined) return finding;
      const same =
        Number(listed.input) === Number(model.inputUsdPerMillion) &&
        Number(listed.output) === Number(model.outputUsdPerMillion) &&
        // A price that one of the two does not state says nothing about the other.
        (listed.cachedInput === undefined ||
          model.cachedInputUsdPerMillion === undefined ||
          Number(listed.cachedInput) === Number(model.cachedInputUsdPerMillion));
      return same
        ? finding
        : {
            ...finding,
            state: "differs",
            message: `${model.inputUsdPerMillion} in, ${model.outputUsdPerMillion} out, ${model.cachedInputUsdPerMillion ?? "nothing for"} cached in, but the list of ${listed.asOf} says ${listed.input}, ${listed.output} and ${listed.cachedInput ?? "nothing for"} cached (${listed.source})`,
          };
    }),
  );
}

/** Prices a stack uses, as they stand. */
export function checkPrices(
  stack: string,
  config: PlatformConfig,
  { lines, use }: CostReport,
  options: PriceCheckOptions,
): PriceFinding[] {
  const used = new Map<string, Provenance>(
    [...lines, ...use].flatMap(({ prices }) => Object.entries<Provenance>(prices)),
  );
  return [
    ...[...used]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([sku, price]) => judged(stack, sku, price, options)),
    ...providerFindings(stack, config, options),
  ];
}

/** Findings of SKUs that nobody knows. */
export function missingPrices(stack: string, skus: readonly string[]): PriceFinding[] {
  return skus.map((key) => ({
    stack,
    key,
    state: "missing",
    message: "no price is known; import the price list, or write budget.onUnknownPrice",
  }));
}

/** Exchange rates, as they stand. */
export function checkRates(options: PriceCheckOptions): PriceFinding[] {
  return Object.entries(EXCHANGE_RATES).map(([currency, rate]) =>
    judged("all", `currency ${currency}`, rate, options),
  );
}

/** What stops: everything with something wrong. */
export function wrongPrices(findings: readonly PriceFinding[]): PriceFinding[] {
  return findings.filter(({ message }) => message !== "");
}
