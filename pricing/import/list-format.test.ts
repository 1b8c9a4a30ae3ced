/**
 * Lists with every field that real ones have, and values of our own. Fields as documented and as public programs that read them
 * know them: https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/reading-service-price-list-file-for-services.html,
 * https://cloud.google.com/billing/docs/reference/rest/v1/services.skus (both read 2026-11-26). No download was at hand.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { importAwsOffer } from "./aws.ts";
import { importGcpSkus } from "./gcp.ts";

const folder = mkdtempSync(join(tmpdir(), "llmops-price-lists-"));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

function file(name: string, content: object): string {
  const path = join(folder, name);
  // As the clouds print it: with spaces around colons, over many lines.
  writeFileSync(path, JSON.stringify(content, null, 2).replaceAll('": ', '" : '));
  return path;
}

interface Product {
  readonly family: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly unit: string;
  readonly tiers: readonly (readonly [from: string, to: string, usd: string])[];
}

function awsOffer(offerCode: string, products: Readonly<Record<string, Product>>): object {
  const entries = Object.entries(products);
  return {
    formatVersion: "v1.0",
    disclaimer: "This pricing list is for informational purposes only.",
    offerCode,
    version: "20261120100000",
    publicationDate: "2026-11-20T10:00:00Z",
    products: Object.fromEntries(
      entries.map(([sku, { family, attributes }]) => [
        sku,
        {
          sku,
          productFamily: family,
          attributes: {
            servicecode: offerCode,
            location: "Europe (Spain)",
            locationType: "AWS Region",
            regionCode: "eu-south-2",
            servicename: "a service",
            ...attributes,
          },
        },
      ]),
    ),
    terms: {
      OnDemand: Object.fromEntries(
        entries.map(([sku, { unit, tiers }]) => [
          sku,
          {
            [`${sku}.JRTCKXETXF`]: {
              offerTermCode: "JRTCKXETXF",
              sku,
              effectiveDate: "2026-11-01T00:00:00Z",
              priceDimensions: Object.fromEntries(
                tiers.map(([beginRange, endRange, USD], index) => [
                  `${sku}.JRTCKXETXF.TIER${index}`,
                  {
                    rateCode: `${sku}.JRTCKXETXF.TIER${index}`,
                    description: `$${USD} per ${unit}`,
                    beginRange,
                    endRange,
                    unit,
                    pricePerUnit: { USD },
                    appliesTo: [],
                  },
                ]),
              ),
              termAttributes: {},
            },
          },
        ]),
      ),
      Reserved: Object.fromEntries(
        entries.slice(0, 1).map(([sku]) => [
          sku,
          {
            [`${sku}.38NPMPTW36`]: {
              offerTermCode: "38NPMPTW36",
              sku,
              effectiveDate: "2026-11-01T00:00:00Z",
              priceDimensions: {
                [`${sku}.38NPMPTW36.2TG2D8R56U`]: {
                  rateCode: `${sku}.38NPMPTW36.2TG2D8R56U`,
                  description: "Upfront Fee",
                  unit: "Quantity",
                  pricePerUnit: { USD: "1" },
                  appliesTo: [],
                },
              },
              termAttributes: {
                LeaseContractLength: "3yr",
                OfferingClass: "standard",
                PurchaseOption: "Partial Upfront",
              },
            },
          },
        ]),
      ),
    },
    attributesList: {},
  };
}

const machine = (changes: Readonly<Record<string, string>>, usd: string): Product => ({
  family: "Compute Instance",
  attributes: {
    instanceType: "g6e.xlarge",
    currentGeneration: "Yes",
    instanceFamily: "GPU instance",
    vcpu: "4",
    physicalProcessor: "AMD EPYC 7R13",
    memory: "32 GiB",
    storage: "250 GB NVMe SSD",
    tenancy: "Shared",
    operatingSystem: "Linux",
    licenseModel: "No License required",
    usagetype: "EUS2-BoxUsage:g6e.xlarge",
    operation: "RunInstances",
    capacitystatus: "Used",
    gpu: "1",
    gpuMemory: "NA",
    intelAvxAvailable: "No",
    marketoption: "OnDemand",
    normalizationSizeFactor: "8",
    preInstalledSw: "NA",
    vpcnetworkingsupport: "true",
    ...changes,
  },
  unit: "Hrs",
  tiers: [["0", "Inf", usd]],
});

const traffic = (family: string, usagetype: string, usd: string): Product => ({
  family,
  attributes: { usagetype, operation: "" },
  unit: "GB",
  tiers: [["0", "Inf", usd]],
});

const amounts = (prices: Readonly<Record<string, { readonly usd: string }>>): Record<string, string> =>
  Object.fromEntries(Object.entries(prices).map(([sku, { usd }]) => [sku, usd]));

describe("importAwsOffer on a list with every field", () => {
  it("takes machines on demand, not blocks, reservations, other systems or hosts", async () => {
    const path = file(
      "AmazonEC2.json",
      awsOffer("AmazonEC2", {
        "2223B6PCG6QAUYY6": machine({}, "1.9000000000"),
        "223BLOCK00000000": machine({ marketoption: "CapacityBlock" }, "9"),
        "223WINDOWS000000": machine({ operatingSystem: "Windows", operation: "RunInstances:0002" }, "9"),
        "223DEDICATED0000": machine(
          { tenancy: "Dedicated", usagetype: "EUS2-DedicatedUsage:g6e.xlarge" },
          "9",
        ),
        "223UNUSED0000000": machine(
          { capacitystatus: "UnusedCapacityReservation", usagetype: "EUS2-UnusedBox:g6e.xlarge" },
          "9",
        ),
        "223SQL0000000000": machine({ preInstalledSw: "SQL Web", operation: "RunInstances:0200" }, "9"),
        "223NAT0000000000": {
          family: "NAT Gateway",
          attributes: {
            group: "NGW:NatGateway",
            usagetype: "EUS2-NatGateway-Hours",
            operation: "NatGateway",
          },
          unit: "Hrs",
          tiers: [["0", "Inf", "0.0410000000"]],
        },
        "223GP30000000000": {
          family: "Storage",
          attributes: {
            storageMedia: "SSD-backed",
            volumeType: "General Purpose",
            volumeApiName: "gp3",
            usagetype: "EUS2-EBS:VolumeUsage.gp3",
            operation: "",
          },
          unit: "GB-Mo",
          tiers: [["0", "Inf", "0.0730000000"]],
        },
        // Load balancers process data as well; it is not the log service's.
        "223ELB0000000000": traffic("Load Balancer", "EUS2-DataProcessing-Bytes", "0.0080000000"),
      }),
    );
    expect(amounts(await importAwsOffer(path, "eu-south-2"))).toEqual({
      "aws/eu-south-2/machine/g6e.xlarge/on-demand": "1.9",
      "aws/eu-south-2/nat-gateway": "0.041",
      "aws/eu-south-2/disk-gib": "0.0001",
    });
  });

  it("takes logs from the log service's list and traffic by where it leaves", async () => {
    const logs = file(
      "AmazonCloudWatch.json",
      awsOffer("AmazonCloudWatch", {
        A: traffic("Data Payload", "EUS2-DataProcessing-Bytes", "0.5100000000"),
        B: {
          ...traffic("Data Payload", "EUS2-VendedLog-Bytes", "0.5200000000"),
          tiers: [
            ["0", "10240", "0.5200000000"],
            ["10240", "Inf", "0.2500000000"],
          ],
        },
      }),
    );
    expect(amounts(await importAwsOffer(logs, "eu-south-2"))).toEqual({
      "aws/eu-south-2/use/log-gib": "0.51",
      "aws/eu-south-2/use/flow-log-gib": "0.52",
    });
    const out = {
      ...traffic("Data Transfer", "EUS2-DataTransfer-Out-Bytes", "0.0800000000"),
      attributes: {
        transferType: "AWS Outbound",
        fromLocation: "Europe (Spain)",
        fromLocationType: "AWS Region",
        fromRegionCode: "eu-south-2",
        toLocation: "External",
        toLocationType: "Other",
        usagetype: "EUS2-DataTransfer-Out-Bytes",
        operation: "",
      },
    };
    const away = { ...out, attributes: { ...out.attributes, fromRegionCode: "eu-west-1" } };
    const transfer = file("AWSDataTransfer.json", awsOffer("AWSDataTransfer", { A: out, B: away }));
    expect(amounts(await importAwsOffer(transfer, "eu-south-2"))).toEqual({
      "aws/eu-south-2/use/egress-gib": "0.08",
    });
  });
});

function gcpSku(
  skuId: string,
  description: string,
  usageType: string,
  nanos: number,
  unit = "h",
): Record<string, unknown> {
  return {
    name: `services/6F81-5844-456A/skus/${skuId}`,
    skuId,
    description,
    category: {
      serviceDisplayName: "Compute Engine",
      resourceFamily: "Compute",
      resourceGroup: "GPU",
      usageType,
    },
    serviceRegions: ["europe-west4"],
    pricingInfo: [
      {
        summary: "",
        pricingExpression: {
          usageUnit: unit,
          displayQuantity: 1,
          tieredRates: [{ startUsageAmount: 0, unitPrice: { currencyCode: "USD", units: "0", nanos } }],
          usageUnitDescription: "hour",
          baseUnit: "s",
          baseUnitDescription: "second",
          baseUnitConversionFactor: 3600,
        },
        currencyConversionRate: 1,
        effectiveTime: "2026-11-20T08:00:00.000Z",
      },
    ],
    serviceProviderName: "Google",
    geoTaxonomy: { type: "REGIONAL", regions: ["europe-west4"] },
  };
}

describe("importGcpSkus on a list with every field", () => {
  const parts = (gpu: string, spotGpu: string): Record<string, unknown>[] => [
    gcpSku("0000-0000-0001", "G2 Instance Core running in Netherlands", "OnDemand", 20_000_000),
    gcpSku("0000-0000-0002", "G2 Instance Ram running in Netherlands", "OnDemand", 3_000_000, "GiBy.h"),
    gcpSku("0000-0000-0003", gpu, "OnDemand", 500_000_000),
    gcpSku(
      "0000-0000-0004",
      "Spot Preemptible G2 Instance Core running in Netherlands",
      "Preemptible",
      8_000_000,
    ),
    gcpSku(
      "0000-0000-0005",
      "Spot Preemptible G2 Instance Ram running in Netherlands",
      "Preemptible",
      1_000_000,
      "GiBy.h",
    ),
    gcpSku("0000-0000-0006", spotGpu, "Preemptible", 200_000_000),
    // Neither is what is rented here.
    gcpSku(
      "0000-0000-0007",
      "Commitment v1: Nvidia L4 GPU running in Netherlands for 1 Year",
      "Commit1Yr",
      1,
    ),
    gcpSku("0000-0000-0008", "Nvidia L4 GPU Virtual Workstation running in Netherlands", "OnDemand", 1),
    gcpSku("0000-0000-0009", "G2 Custom Instance Core running in Netherlands", "OnDemand", 1),
  ];

  it.each([
    [
      "Nvidia L4 GPU running in Netherlands",
      "Nvidia L4 GPU attached to Spot Preemptible VMs running in Netherlands",
    ],
    ["NVIDIA L4 GPU running in Netherlands", "Spot Preemptible Nvidia L4 GPU running in Netherlands"],
    ["L4 GPU running in Netherlands", "L4 GPU attached to Spot Preemptible VMs running in Netherlands"],
  ])("adds a machine up, whether the GPU is called '%s'", async (gpu, spotGpu) => {
    const path = file("skus.json", { skus: parts(gpu, spotGpu), nextPageToken: "" });
    const prices = amounts(await importGcpSkus(path, "europe-west4"));
    // 8 cores at 0.02, 32 GiB at 0.003 and a GPU at 0.5; spot 8 at 0.008, 32 at 0.001 and 0.2.
    expect(prices["gcp/europe-west4/machine/g2-standard-8/on-demand"]).toBe("0.756");
    expect(prices["gcp/europe-west4/machine/g2-standard-8/spot"]).toBe("0.296");
  });
});
