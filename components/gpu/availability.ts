import type { GpuCloud } from "./accelerators.ts";

/** Where machines with GPUs are offered inside the EU-27, and how that is known. */
export interface Availability {
  /** Zones of Google Cloud, regions of AWS. */
  readonly places: readonly string[];
  readonly source: string;
  /** Day of the source. */
  readonly asOf: string;
}

/** By the beginning of the machine type. An empty list: the source has it elsewhere only. */
type Table = Readonly<Record<string, readonly string[]>>;

/**
 * Zones whose list of machine types, read from Google's API, has the machine. That a zone offers it does not say that it has one free.
 */
const GCP: Table = {
  "g2-standard-": [
    "europe-west1-b",
    "europe-west1-c",
    "europe-west3-a",
    "europe-west3-b",
    "europe-west4-a",
    "europe-west4-b",
    "europe-west4-c",
  ],
  "a2-highgpu-": ["europe-west4-a", "europe-west4-b"],
  "a2-ultragpu-": ["europe-west4-a"],
  "a3-highgpu-": [
    "europe-north1-c",
    "europe-west1-b",
    "europe-west1-c",
    "europe-west3-c",
    "europe-west4-b",
    "europe-west4-c",
    "europe-west8-c",
    "europe-west9-c",
  ],
  "a3-ultragpu-": ["europe-west1-b", "europe-west4-a"],
  "a4-highgpu-": ["europe-north1-b", "europe-west4-b"],
};

/** Regions with a price of the machine. */
const AWS: Table = {
  "g5.": ["eu-central-1", "eu-north-1", "eu-west-1"],
  "g6.": ["eu-central-1", "eu-north-1", "eu-south-2", "eu-west-3"],
  "g6e.": ["eu-central-1", "eu-north-1", "eu-south-2"],
  "p4d.": ["eu-central-1", "eu-north-1", "eu-west-1"],
  "p4de.": ["eu-central-1"],
  "p5.48xlarge": ["eu-north-1"],
  "p5en.": ["eu-north-1", "eu-south-2"],
  "p6-b200.": [],
};

const SOURCES = {
  gcp: {
    table: GCP,
    source: "https://github.com/skypilot-org/skypilot-catalog/blob/006059e/catalogs/v8/gcp/vms.csv",
    asOf: "2026-08-20",
  },
  aws: {
    table: AWS,
    source: "https://github.com/skypilot-org/skypilot-catalog/blob/00148f2/catalogs/v8/aws/vms.csv",
    asOf: "2026-07-20",
  },
} as const;

/** Where a machine type is offered in the Union; undefined when nobody has looked. */
export function availabilityOf(cloud: GpuCloud, machine: string): Availability | undefined {
  const { table, source, asOf } = SOURCES[cloud];
  const places = Object.entries(table).find(([start]) => machine.startsWith(start))?.[1];
  return places === undefined ? undefined : { places, source, asOf };
}
