import type { PlatformConfig } from "./platform.ts";

type Collector = Extract<PlatformConfig["observability"]["telemetry"], { kind: "collector" }>;

/** Stores of telemetry by what they hold. */
export type TelemetryPurpose = "traces" | "logs";

/**
 * Where a store of an environment keeps what it takes. In production a bucket: a volume is in one zone and has an end, and
 * what it holds is wanted most when a zone or a node is gone. Elsewhere a volume, which costs less and goes with the stack.
 */
export function storageOf(
  { cloud, environment }: Pick<PlatformConfig, "cloud" | "environment">,
  { storage }: Pick<Collector["traces"], "storage">,
): "bucket" | "volume" {
  if (storage !== undefined) return storage;
  const rented = cloud.provider === "aws" || cloud.provider === "gcp";
  return environment === "prod" && rented ? "bucket" : "volume";
}

/** Stores of an environment that need a bucket. */
export function bucketsOf(
  config: Pick<PlatformConfig, "cloud" | "environment" | "observability">,
): TelemetryPurpose[] {
  const { telemetry } = config.observability;
  if (telemetry.kind === "off") return [];
  const { traces, logs } = telemetry;
  return [
    ...(storageOf(config, traces) === "bucket" ? (["traces"] as const) : []),
    ...(logs !== undefined && storageOf(config, logs) === "bucket" ? (["logs"] as const) : []),
  ];
}
