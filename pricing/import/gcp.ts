import { Decimal } from "decimal.js";
import { z } from "zod";
import type { PriceBook } from "../book.ts";
import { HOURS_PER_MONTH, machineSku, serviceSku, usageSku, type Purchase } from "../price.ts";
import { absurdity } from "../sanity.ts";
import { expectShape, PriceImportError, streamJson } from "./stream.ts";

const money = z.object({
  currencyCode: z.literal("USD", { error: "must be USD" }),
  units: z.string().regex(/^\d+$/, { error: "must be a whole number in quotes, not negative" }).default("0"),
  nanos: z.int().min(0).max(999_999_999).default(0),
});

const entry = z.object({
  skuId: z.string().min(1),
  description: z.string(),
  category: z.object({ usageType: z.string() }),
  serviceRegions: z.array(z.string()),
  pricingInfo: z
    .array(
      z.object({
        effectiveTime: z.iso.datetime({ offset: true }),
        pricingExpression: z.object({
          usageUnit: z.string(),
          tieredRates: z.array(z.object({ unitPrice: money })).min(1),
        }),
      }),
    )
    .min(1),
});

type Entry = z.output<typeof entry>;

/** A price of the list. */
interface Found {
  readonly usd: Decimal;
  readonly asOf: string;
  readonly skuId: string;
}

/** Parts of machines the list prices on their own, by the text it describes them with. */
const PARTS = {
  "e2-core": /^(Spot Preemptible )?E2 Instance Core running in /,
  "e2-ram": /^(Spot Preemptible )?E2 Instance Ram running in /,
  "g2-core": /^(Spot Preemptible )?G2 Instance Core running in /,
  "g2-ram": /^(Spot Preemptible )?G2 Instance Ram running in /,
  l4: /^(Spot Preemptible )?(Nvidia )?L4 GPU (attached to Spot Preemptible VMs )?running in /i,
} as const;

type Part = keyof typeof PARTS;

/** Parts of each machine. Source: https://cloud.google.com/compute/docs/general-purpose-machines and /docs/gpus (read 2026-11-25). */
const MACHINES: Readonly<Record<string, Readonly<Partial<Record<Part, number>>>>> = {
  "e2-standard-2": { "e2-core": 2, "e2-ram": 8 },
  "e2-standard-4": { "e2-core": 4, "e2-ram": 16 },
  "e2-standard-8": { "e2-core": 8, "e2-ram": 32 },
  "e2-standard-16": { "e2-core": 16, "e2-ram": 64 },
  "g2-standard-4": { "g2-core": 4, "g2-ram": 16, l4: 1 },
  "g2-standard-8": { "g2-core": 8, "g2-ram": 32, l4: 1 },
  "g2-standard-12": { "g2-core": 12, "g2-ram": 48, l4: 1 },
  "g2-standard-16": { "g2-core": 16, "g2-ram": 64, l4: 1 },
  "g2-standard-24": { "g2-core": 24, "g2-ram": 96, l4: 2 },
  "g2-standard-48": { "g2-core": 48, "g2-ram": 192, l4: 4 },
  "g2-standard-96": { "g2-core": 96, "g2-ram": 384, l4: 8 },
};

/** Everything else, with the unit the list must give it in and the hours that unit lasts. */
const SERVICES: readonly (readonly [RegExp, string, number, (region: string) => string])[] = [
  [/^Balanced PD Capacity/, "GiBy.mo", HOURS_PER_MONTH, (region) => serviceSku("gcp", region, "disk-gib")],
  [
    /^Active software symmetric key versions/,
    "mo",
    HOURS_PER_MONTH,
    (region) => serviceSku("gcp", region, "encryption-key"),
  ],
  [/^Regional Kubernetes Clusters/, "h", 1, (region) => serviceSku("gcp", region, "cluster")],
  [/^Standard Storage /, "GiBy.mo", 1, (region) => usageSku("gcp", region, "object-gib-month")],
  [/^Log Storage cost/, "GiBy", 1, (region) => usageSku("gcp", region, "log-gib")],
  [
    /^Network Internet (Data Transfer Out|Egress) from /,
    "GiBy",
    1,
    (region) => usageSku("gcp", region, "egress-gib"),
  ],
];

/** USD of the dearest tier of the newest price. */
function priceOf({ skuId, pricingInfo }: Entry): Found & { readonly unit: string } {
  const [newest] = [...pricingInfo].sort((a, b) => (a.effectiveTime < b.effectiveTime ? 1 : -1));
  const rates = newest?.pricingExpression.tieredRates ?? [];
  return {
    usd: rates
      .map(({ unitPrice }) => new Decimal(unitPrice.units).plus(new Decimal(unitPrice.nanos).div(1e9)))
      .reduce((most, amount) => Decimal.max(most, amount), new Decimal(0)),
    asOf: newest?.effectiveTime.slice(0, 10) ?? "",
    skuId,
    unit: newest?.pricingExpression.usageUnit ?? "",
  };
}

function machinesOf(
  parts: ReadonlyMap<string, Found>,
  region: string,
  purchase: Purchase,
): PriceBook["prices"] {
  return Object.fromEntries(
    Object.entries(MACHINES).flatMap(([machine, needs]) => {
      const found = Object.entries(needs).map(([part, count]) => {
        const price = parts.get(`${part}/${purchase}`);
        return price === undefined ? undefined : { ...price, usd: price.usd.times(count) };
      });
      if (found.some((each) => each === undefined)) return [];
      const known = found.filter((each) => each !== undefined);
      return [
        [
          machineSku("gcp", region, machine, purchase),
          {
            usd: known.reduce((sum, { usd }) => sum.plus(usd), new Decimal(0)).toFixed(),
            source: `Google Cloud billing catalogue, SKUs ${known.map(({ skuId }) => skuId).join(", ")}`,
            asOf: known.map(({ asOf }) => asOf).sort()[0] ?? "",
          },
        ],
      ];
    }),
  );
}

/**
 * Reads the prices of a region out of SKUs of the Cloud Billing Catalog
 * (https://cloud.google.com/billing/docs/reference/rest/v1/services.skus/list): `{ "skus": [...] }`.
 * @throws PriceImportError naming the file, the key and the value that is wrong, or when the region has no price in it
 */
export async function importGcpSkus(file: string, region: string): Promise<PriceBook["prices"]> {
  const parts = new Map<string, Found>();
  const services = new Map<string, Found & { readonly hours: number }>();
  await streamJson(file, ["$.skus.*"], ({ path, value }) => {
    const sku = expectShape(file, path, entry, value);
    if (!sku.serviceRegions.includes(region) && !sku.serviceRegions.includes("global")) return;
    if (!["OnDemand", "Preemptible"].includes(sku.category.usageType)) return;
    const purchase: Purchase = sku.category.usageType === "Preemptible" ? "spot" : "on-demand";
    const price = priceOf(sku);
    if (price.usd.isZero()) return;
    const part = Object.entries(PARTS).find(([, pattern]) => pattern.test(sku.description))?.[0];
    if (part !== undefined) {
      parts.set(`${part}/${purchase}`, price);
      return;
    }
    const service = SERVICES.find(([pattern]) => pattern.test(sku.description));
    if (service === undefined) return;
    const [, unit, hours, key] = service;
    if (price.unit !== unit)
      throw new PriceImportError(
        `${file}: skus of '${sku.description}' (${sku.skuId}): usageUnit = "${price.unit}", expected "${unit}"`,
      );
    const known = services.get(key(region));
    if (known === undefined || known.usd.lt(price.usd)) services.set(key(region), { ...price, hours });
  });
  const prices: PriceBook["prices"] = {
    ...machinesOf(parts, region, "on-demand"),
    ...machinesOf(parts, region, "spot"),
    ...Object.fromEntries(
      [...services].map(([sku, { usd, hours, skuId, asOf }]) => [
        sku,
        {
          usd: usd.div(hours).toSignificantDigits(20).toFixed(),
          source: `Google Cloud billing catalogue, SKU ${skuId}`,
          asOf,
        },
      ]),
    ),
  };
  for (const [sku, { usd, source }] of Object.entries(prices)) {
    const absurd = absurdity(sku, usd);
    if (absurd !== undefined) throw new PriceImportError(`${file}: ${source}: ${absurd}`);
  }
  if (Object.keys(prices).length === 0)
    throw new PriceImportError(
      `${file}: no price of region '${region}' that this blueprint uses; expected { "skus": [...] } of Compute Engine, Kubernetes Engine, KMS, Storage, Logging or Networking`,
    );
  return prices;
}
