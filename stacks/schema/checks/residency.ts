/**
 * Cloud regions inside the EU-27. London (eu-west-2, europe-west2) and Zurich (eu-central-2, europe-west6) are in Europe
 * but not in the Union. Sources, read 2026-11-24: https://docs.aws.amazon.com/global-infrastructure/latest/regions/aws-regions.html,
 * https://cloud.google.com/compute/docs/regions-zones
 */
export const EU_REGIONS: ReadonlySet<string> = new Set([
  "eu-central-1",
  "eu-north-1",
  "eu-south-1",
  "eu-south-2",
  "eu-west-1",
  "eu-west-3",
  "europe-central2",
  "europe-north1",
  "europe-north2",
  "europe-southwest1",
  "europe-west1",
  "europe-west3",
  "europe-west4",
  "europe-west8",
  "europe-west9",
  "europe-west10",
  "europe-west12",
]);
