import { serviceSku, usageSku, type Price, type UsagePrice } from "./price.ts";

const GKE_CLUSTER: Price = {
  usdPerHour: "0.10",
  source:
    "https://github.com/murphye/cheap-gke-cluster (74.40 USD for 744 hours, every cluster after the first)",
  asOf: "2026-11-24",
};

/** 73 USD for 730 hours, a version in standard support. */
const EKS_CLUSTER: Price = {
  usdPerHour: "0.10",
  source:
    "https://github.com/aws/agent-toolkit-for-aws/blob/main/plugins/aws-startup-advisor/skills/architect-for-startups/references/eks.md (73 USD per month)",
  asOf: "2026-11-25",
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

/** 1 USD per month in every region; the first key version, without requests. */
const AWS_KEY: Price = {
  usdPerHour: "0.00136987",
  source: "https://cloudburn.io/blog/aws-kms-pricing (read from https://aws.amazon.com/kms/pricing)",
  asOf: "2026-03-14",
};

const CLOUD_LOGGING = {
  source:
    "https://github.com/api-evangelist/google-cloud-logging/blob/04006dd/plans/google-cloud-logging-plans-pricing.yml (read from https://cloud.google.com/stackdriver/pricing)",
  asOf: "2026-09-12",
};

/** The first 50,000 million samples of a month; later ones are cheaper. Amazon's price differs by region and has no source here. */
const GOOGLE_SAMPLES = {
  usdPerUnit: "0.06",
  source:
    "https://faun.dev/sensei/academy/go/observability-with-prometheus-and-grafana-bef52c-b/strategies-to-scale-prometheus-managed-prometheu-2/google-cloud-managed-service-for-prometheus-bbfd36",
  asOf: "2026-11-26",
};

/** The same in every region: https://cloud.google.com/nat/pricing. */
const CLOUD_NAT_TRAFFIC = {
  source:
    "https://github.com/ChiefGyk3D/Clouds-Against-Humanity/wiki/Provider-GCP-Cost-Lesson (read from https://cloud.google.com/nat/pricing)",
  asOf: "2026-10-16",
};

/** Premium tier, the first TiB of a month, anywhere but China and Australia, which cost more; by destination, not by region. */
const GCP_INTERNET = { source: "https://egresscost.com/gcp/regions (updated 2026-04)", asOf: "2026-04-01" };

const GCP_REGIONS = ["europe-southwest1", "europe-west1", "europe-west4"] as const;
const AWS_REGIONS = ["eu-central-1", "eu-north-1", "eu-south-2", "eu-west-1", "eu-west-3"] as const;

/** Prices by the hour that are the same in every region, by SKU; what differs by region and has no source is not here. */
export function servicePrices(): [string, Price][] {
  return [
    ...GCP_REGIONS.flatMap((region): [string, Price][] => [
      [serviceSku("gcp", region, "cluster"), GKE_CLUSTER],
      [serviceSku("gcp", region, "nat-gateway"), CLOUD_NAT],
    ]),
    ...AWS_REGIONS.flatMap((region): [string, Price][] => [
      [serviceSku("aws", region, "cluster"), EKS_CLUSTER],
      [serviceSku("aws", region, "public-ipv4"), PUBLIC_IPV4],
      [serviceSku("aws", region, "encryption-key"), AWS_KEY],
    ]),
  ];
}

/** Prices by use that are the same in every region, by SKU. The free allotment of 50 GiB of logs per project is not taken off. */
export function usagePrices(): [string, UsagePrice][] {
  return GCP_REGIONS.flatMap((region): [string, UsagePrice][] => [
    [usageSku("gcp", region, "log-gib"), { usdPerUnit: "0.50", ...CLOUD_LOGGING }],
    [usageSku("gcp", region, "flow-log-gib"), { usdPerUnit: "0.25", ...CLOUD_LOGGING }],
    [usageSku("gcp", region, "metric-million-samples"), GOOGLE_SAMPLES],
    [usageSku("gcp", region, "nat-gib"), { usdPerUnit: "0.045", ...CLOUD_NAT_TRAFFIC }],
    [usageSku("gcp", region, "egress-gib"), { usdPerUnit: "0.12", ...GCP_INTERNET }],
  ]);
}
