import { serviceSku, type Price } from "./price.ts";

const GKE_CLUSTER: Price = {
  usdPerHour: "0.10",
  source:
    "https://github.com/murphye/cheap-gke-cluster (74.40 USD for 744 hours, every cluster after the first)",
  asOf: "2026-11-24",
};

/** 0.0014 USD per machine and hour, never more than for 32 machines; the cap is taken. */
const CLOUD_NAT: Price = {
  usdPerHour: "0.0448",
  source: "https://github.com/ChiefGyk3D/Clouds-Against-Humanity/wiki/Provider-GCP-Cost-Lesson",
  asOf: "2026-10-16",
};

const PUBLIC_IPV4: Price = {
  usdPerHour: "0.005",
  source: "https://cloudburn.io/blog/aws-nat-gateway-pricing",
  asOf: "2026-02-24",
};

const GCP_REGIONS = ["europe-southwest1", "europe-west1", "europe-west4"] as const;
const AWS_REGIONS = ["eu-central-1", "eu-north-1", "eu-south-2", "eu-west-1", "eu-west-3"] as const;

/** Prices that are the same in every region, by SKU; what differs by region and has no source is not here. */
export function servicePrices(): [string, Price][] {
  return [
    ...GCP_REGIONS.flatMap((region): [string, Price][] => [
      [serviceSku("gcp", region, "cluster"), GKE_CLUSTER],
      [serviceSku("gcp", region, "nat-gateway"), CLOUD_NAT],
    ]),
    ...AWS_REGIONS.map((region): [string, Price] => [serviceSku("aws", region, "public-ipv4"), PUBLIC_IPV4]),
  ];
}
