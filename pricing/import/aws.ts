import { Decimal } from "decimal.js";
import { z } from "zod";
import type { PriceBook } from "../book.ts";
import { HOURS_PER_MONTH, machineSku, serviceSku, usageSku } from "../price.ts";
import { absurdity } from "../sanity.ts";
import { expectShape, PriceImportError, streamJson } from "./stream.ts";

/** What a product of the list becomes. */
interface Wanted {
  readonly sku: string;
  /** Hours the price is for: 1, or those of a month. */
  readonly hours: number;
}

const product = z.object({ attributes: z.record(z.string(), z.string()) });

const dimension = z.object({
  unit: z.string(),
  pricePerUnit: z.object({
    USD: z.string().regex(/^\d+(\.\d+)?$/, { error: "must be a decimal number, not negative" }),
  }),
});

const terms = z.record(z.string(), z.object({ priceDimensions: z.record(z.string(), dimension) }));

function machineOf(attributes: Readonly<Record<string, string>>, region: string): Wanted | undefined {
  const { instanceType, tenancy, operatingSystem, preInstalledSw, capacitystatus, licenseModel } = attributes;
  const { marketoption = "OnDemand" } = attributes;
  const isPlain =
    marketoption === "OnDemand" &&
    tenancy === "Shared" &&
    operatingSystem === "Linux" &&
    preInstalledSw === "NA" &&
    capacitystatus === "Used" &&
    licenseModel !== "Bring your own license";
  return instanceType !== undefined && isPlain
    ? { sku: machineSku("aws", region, instanceType, "on-demand"), hours: 1 }
    : undefined;
}

/**
 * Usage types without their region prefix; where several services use a name, with the offer in which it means what is
 * wanted. Source: the price list's own documentation of usage types,
 * https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/price-changes.html, and the bills they appear on.
 */
const USAGE_TYPES: readonly (readonly [RegExp, (region: string) => Wanted, offer?: string])[] = [
  [/NatGateway-Hours$/, (region) => ({ sku: serviceSku("aws", region, "nat-gateway"), hours: 1 })],
  [/NatGateway-Bytes$/, (region) => ({ sku: usageSku("aws", region, "nat-gib"), hours: 1 })],
  [
    /EBS:VolumeUsage\.gp3$/,
    (region) => ({ sku: serviceSku("aws", region, "disk-gib"), hours: HOURS_PER_MONTH }),
  ],
  [/VpcEndpoint-Hours$/, (region) => ({ sku: serviceSku("aws", region, "interface-endpoint"), hours: 1 })],
  [/PublicIPv4:InUseAddress$/, (region) => ({ sku: serviceSku("aws", region, "public-ipv4"), hours: 1 })],
  [/AmazonEKS-Hours:perCluster$/, (region) => ({ sku: serviceSku("aws", region, "cluster"), hours: 1 })],
  [/KMS-Keys$/, (region) => ({ sku: serviceSku("aws", region, "encryption-key"), hours: HOURS_PER_MONTH })],
  [/LoadBalancerUsage$/, (region) => ({ sku: serviceSku("aws", region, "load-balancer"), hours: 1 })],
  [
    /(^|-)TimedStorage-ByteHrs$/,
    (region) => ({ sku: usageSku("aws", region, "object-gib-month"), hours: 1 }),
    "AmazonS3",
  ],
  [
    /(^|-)TimedStorage-ByteHrs$/,
    (region) => ({ sku: serviceSku("aws", region, "shared-file-gib"), hours: HOURS_PER_MONTH }),
    "AmazonEFS",
  ],
  [
    /(^|-)DataProcessing-Bytes$/,
    (region) => ({ sku: usageSku("aws", region, "log-gib"), hours: 1 }),
    "AmazonCloudWatch",
  ],
  [/(^|-)VendedLog-Bytes$/, (region) => ({ sku: usageSku("aws", region, "flow-log-gib"), hours: 1 })],
  [/(^|-)DataTransfer-Out-Bytes$/, (region) => ({ sku: usageSku("aws", region, "egress-gib"), hours: 1 })],
];

function wantedOf(
  attributes: Readonly<Record<string, string>>,
  region: string,
  offer: string,
): Wanted | undefined {
  const { regionCode, fromRegionCode, usagetype = "" } = attributes;
  if ((fromRegionCode ?? regionCode) !== region) return undefined;
  if (/(^|-)BoxUsage(:|$)/.test(usagetype)) return machineOf(attributes, region);
  return USAGE_TYPES.find(([pattern, , meant = offer]) => pattern.test(usagetype) && meant === offer)?.[1](
    region,
  );
}

/** USD of the dearest tier, per hour where the list says per month: a lower tier of a large buyer is a discount. */
function dearest(file: string, list: string, value: unknown, { hours }: Wanted): string | undefined {
  const offers = expectShape(file, ["terms", "OnDemand", list], terms, value);
  const amounts = Object.values(offers).flatMap(({ priceDimensions }) =>
    Object.values(priceDimensions).map(({ pricePerUnit }) => new Decimal(pricePerUnit.USD)),
  );
  const highest = amounts.reduce((most, amount) => Decimal.max(most, amount), new Decimal(0));
  return highest.isZero() ? undefined : highest.div(hours).toSignificantDigits(20).toFixed();
}

/**
 * Reads the prices of a region out of an offer file of the AWS price list
 * (https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/using-price-list-query-api.html), whole or of one region.
 * @throws PriceImportError naming the file, the key and the value that is wrong, or when the region has no price in it
 */
export async function importAwsOffer(file: string, region: string): Promise<PriceBook["prices"]> {
  const header: Record<string, string> = {};
  const wanted = new Map<string, Wanted>();
  const prices: Record<string, PriceBook["prices"][string]> = {};
  await streamJson(
    file,
    ["$.offerCode", "$.publicationDate", "$.products.*", "$.terms.OnDemand.*"],
    ({ path, value }) => {
      const [section, second, third] = path;
      if (section === "offerCode" || section === "publicationDate") {
        header[section] = expectShape(file, [section], z.string().min(1), value);
        return;
      }
      if (section === "products") {
        const { attributes } = expectShape(file, path, product, value);
        const found = wantedOf(attributes, region, header["offerCode"] ?? "");
        if (found !== undefined) wanted.set(String(second), found);
        return;
      }
      const list = String(third);
      const target = wanted.get(list);
      if (target === undefined) return;
      const usd = dearest(file, list, value, target);
      if (usd === undefined) return;
      const absurd = absurdity(target.sku, usd);
      if (absurd !== undefined) throw new PriceImportError(`${file}: terms.OnDemand.${list}: ${absurd}`);
      const known = prices[target.sku];
      if (known !== undefined && new Decimal(known.usd).gte(usd)) return;
      prices[target.sku] = {
        usd,
        source: `AWS price list, ${header["offerCode"] ?? ""}, published ${header["publicationDate"] ?? ""}, ${list}`,
        asOf: (header["publicationDate"] ?? "").slice(0, 10),
      };
    },
  );
  for (const key of ["offerCode", "publicationDate"])
    if (header[key] === undefined)
      throw new PriceImportError(
        `${file}: ${key} is missing or behind the products; expected an AWS offer file`,
      );
  if (Object.keys(prices).length === 0)
    throw new PriceImportError(
      `${file}: no price of region '${region}' that this blueprint uses; choose the offer file of that region`,
    );
  return prices;
}
