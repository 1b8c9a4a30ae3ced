import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, describe, expect, it } from "vitest";
import { importAwsOffer } from "./aws.ts";
import { importGcpSkus } from "./gcp.ts";

const folder = mkdtempSync(join(tmpdir(), "llmops-prices-"));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

function file(name: string, content: unknown): string {
  const path = join(folder, name);
  writeFileSync(path, typeof content === "string" ? content : JSON.stringify(content));
  return path;
}

const MACHINE = {
  regionCode: "eu-south-2",
  instanceType: "m7i.xlarge",
  tenancy: "Shared",
  operatingSystem: "Linux",
  preInstalledSw: "NA",
  capacitystatus: "Used",
  licenseModel: "No License required",
  usagetype: "EUS2-BoxUsage:m7i.xlarge",
};

type Tier = readonly [unit: string, usd: string];

function offer(
  products: Readonly<Record<string, Readonly<Record<string, string>>>>,
  tiers: Readonly<Record<string, readonly Tier[]>>,
): Record<string, unknown> {
  return {
    formatVersion: "v1.0",
    offerCode: "AmazonEC2",
    publicationDate: "2026-11-20T10:00:00Z",
    products: Object.fromEntries(
      Object.entries(products).map(([sku, attributes]) => [sku, { sku, attributes }]),
    ),
    terms: {
      OnDemand: Object.fromEntries(
        Object.entries(tiers).map(([sku, prices]) => [
          sku,
          {
            [`${sku}.JRTC`]: {
              priceDimensions: Object.fromEntries(
                prices.map(([unit, usd], index) => [`${index}`, { unit, pricePerUnit: { USD: usd } }]),
              ),
            },
          },
        ]),
      ),
    },
  };
}

describe("importAwsOffer", () => {
  it("takes hours of storage for what the offer sells: objects of S3, shared files of EFS", async () => {
    const priced = async (offerCode: string): Promise<string[][]> =>
      Object.entries(
        await importAwsOffer(
          file(`${offerCode}.json`, {
            ...offer(
              {
                A: { regionCode: "eu-south-2", usagetype: "EUS2-TimedStorage-ByteHrs" },
                B: { regionCode: "eu-south-2", usagetype: "EUS2-IATimedStorage-ByteHrs" },
              },
              { A: [["GB-Mo", "0.365"]], B: [["GB-Mo", "0.02"]] },
            ),
            offerCode,
          }),
          "eu-south-2",
        ),
      ).map(([sku, { usd }]) => [sku, usd]);
    expect(await priced("AmazonEFS")).toEqual([["aws/eu-south-2/shared-file-gib", "0.0005"]]);
    expect(await priced("AmazonS3")).toEqual([["aws/eu-south-2/use/object-gib-month", "0.365"]]);
  });

  it("takes plain Linux machines and services of the region, dearest tier, months as hours", async () => {
    const prices = await importAwsOffer(
      file(
        "ok.json",
        offer(
          {
            A: MACHINE,
            B: { ...MACHINE, operatingSystem: "Windows" },
            C: { ...MACHINE, regionCode: "eu-west-1" },
            D: { regionCode: "eu-south-2", usagetype: "EUS2-NatGateway-Hours" },
            E: { regionCode: "eu-south-2", usagetype: "EUS2-EBS:VolumeUsage.gp3" },
            F: { fromRegionCode: "eu-south-2", usagetype: "EUS2-DataTransfer-Out-Bytes" },
            G: { regionCode: "eu-south-2", usagetype: "EUS2-TimedStorage-ByteHrs" },
          },
          {
            A: [["Hrs", "0.2247000000"]],
            B: [["Hrs", "9"]],
            C: [["Hrs", "9"]],
            D: [["Hrs", "0.05"]],
            E: [["GB-Mo", "0.073"]],
            F: [
              ["GB", "0.00"],
              ["GB", "0.09"],
              ["GB", "0.05"],
            ],
            G: [["GB-Mo", "9"]],
          },
        ),
      ),
      "eu-south-2",
    );
    expect(Object.fromEntries(Object.entries(prices).map(([sku, { usd }]) => [sku, usd]))).toEqual({
      "aws/eu-south-2/machine/m7i.xlarge/on-demand": "0.2247",
      "aws/eu-south-2/nat-gateway": "0.05",
      // 0.073 USD a month over 730 hours
      "aws/eu-south-2/disk-gib": "0.0001",
      "aws/eu-south-2/use/egress-gib": "0.09",
    });
    expect(prices["aws/eu-south-2/nat-gateway"]).toEqual({
      usd: "0.05",
      source: "AWS price list, AmazonEC2, published 2026-11-20T10:00:00Z, D",
      asOf: "2026-11-20",
    });
  });

  it("reads gzip, and passes over what it does not want", async () => {
    const others = Object.fromEntries(
      Array.from({ length: 2000 }, (_, index) => [`P${index}`, { usagetype: "X" }]),
    );
    const path = join(folder, "large.json.gz");
    writeFileSync(
      path,
      gzipSync(
        JSON.stringify(offer({ ...others, A: MACHINE }, { P1: [["Hrs", "1"]], A: [["Hrs", "0.2247"]] })),
      ),
    );
    expect(Object.keys(await importAwsOffer(path, "eu-south-2"))).toEqual([
      "aws/eu-south-2/machine/m7i.xlarge/on-demand",
    ]);
  });

  it.each([
    [
      "a negative price",
      offer({ A: MACHINE }, { A: [["Hrs", "-0.2"]] }),
      'terms.OnDemand.A["A.JRTC"].priceDimensions.0.pricePerUnit.USD = "-0.2": must be a decimal number, not negative',
    ],
    [
      "another currency",
      JSON.stringify(offer({ A: MACHINE }, { A: [["Hrs", "1"]] })).replace("USD", "CNY"),
      'terms.OnDemand.A["A.JRTC"].priceDimensions.0.pricePerUnit.USD = (missing)',
    ],
    [
      "an absurd price",
      offer({ A: MACHINE }, { A: [["Hrs", "1001"]] }),
      "terms.OnDemand.A: 1001 USD per hour is absurd",
    ],
    [
      "a product without attributes",
      { ...offer({}, {}), products: { A: {} } },
      "products.A.attributes = (missing)",
    ],
    ["half a file", '{"offerCode": "AmazonEC2", "products": {', "Parser ended in mid-parsing"],
    ["no JSON", "offerCode,price", 'Unexpected "o" at chunk position'],
    [
      "a file without a date",
      { ...offer({ A: MACHINE }, { A: [["Hrs", "1"]] }), publicationDate: 3 },
      "publicationDate = 3",
    ],
    [
      "another region only",
      offer({ A: { ...MACHINE, regionCode: "us-east-1" } }, { A: [["Hrs", "1"]] }),
      "no price of region 'eu-south-2'",
    ],
  ])("refuses %s, naming the key", async (_title, content, message) => {
    await expect(importAwsOffer(file("bad.json", content), "eu-south-2")).rejects.toThrow(message);
  });
});

function sku(
  description: string,
  usageUnit: string,
  nanos: number,
  more: { readonly usageType?: string; readonly regions?: readonly string[] } = {},
): Record<string, unknown> {
  return {
    skuId: description.slice(0, 4),
    description,
    category: { usageType: more.usageType ?? "OnDemand" },
    serviceRegions: more.regions ?? ["europe-west4"],
    pricingInfo: [
      {
        effectiveTime: "2026-11-19T00:00:00Z",
        pricingExpression: {
          usageUnit,
          tieredRates: [{ unitPrice: { currencyCode: "USD", units: "0", nanos } }],
        },
      },
    ],
  };
}

describe("importGcpSkus", () => {
  it("adds machines up from their parts, and turns months into hours", async () => {
    const prices = await importGcpSkus(
      file("skus.json", {
        skus: [
          sku("G2 Instance Core running in Netherlands", "h", 27_000_000),
          sku("G2 Instance Ram running in Netherlands", "GiBy.h", 3_000_000),
          sku("Nvidia L4 GPU running in Netherlands", "h", 588_000_000),
          sku("E2 Instance Core running in Madrid", "h", 1, { regions: ["europe-southwest1"] }),
          sku("Balanced PD Capacity in Netherlands", "GiBy.mo", 73_000_000),
          sku("Log Storage cost", "GiBy", 500_000_000, { regions: ["global"] }),
          sku("Commitment v1: G2 Core", "h", 1, { usageType: "Commit1Yr" }),
          sku("Something nobody asked for", "h", 1),
        ],
      }),
      "europe-west4",
    );
    expect(prices["gcp/europe-west4/machine/g2-standard-8/on-demand"]).toEqual({
      // 8 x 0.027 + 32 x 0.003 + 0.588
      usd: "0.9",
      source: "Google Cloud billing catalogue, SKUs G2 I, G2 I, Nvid",
      asOf: "2026-11-19",
    });
    expect(prices["gcp/europe-west4/disk-gib"]?.usd).toBe("0.0001");
    expect(prices["gcp/europe-west4/use/log-gib"]?.usd).toBe("0.5");
    expect(Object.keys(prices).filter((key) => key.includes("e2-"))).toEqual([]);
  });

  it.each([
    [
      "an unexpected unit",
      { skus: [sku("Balanced PD Capacity", "By.s", 1)] },
      'skus of \'Balanced PD Capacity\' (Bala): usageUnit = "By.s", expected "GiBy.mo"',
    ],
    [
      "a negative price",
      { skus: [sku("Log Storage cost", "GiBy", -1)] },
      "skus[0].pricingInfo[0].pricingExpression.tieredRates[0].unitPrice.nanos = -1",
    ],
    [
      "an absurd price",
      {
        skus: [
          sku("Balanced PD Capacity", "GiBy.mo", 999_999_999),
          sku("Regional Kubernetes Clusters", "h", 1),
        ].map((each) => JSON.parse(JSON.stringify(each).replace('"units":"0"', '"units":"9"')) as unknown),
      },
      "SKU Bala: 0.013698630135616438356 USD per hour is absurd",
    ],
    [
      "a SKU without regions",
      { skus: [{ skuId: "x", description: "d", category: { usageType: "OnDemand" } }] },
      "skus[0].serviceRegions = (missing)",
    ],
    ["a list without SKUs", { items: [] }, "no price of region 'europe-west4'"],
  ])("refuses %s, naming the key", async (_title, content, message) => {
    await expect(importGcpSkus(file("bad.json", content), "europe-west4")).rejects.toThrow(message);
  });
});
