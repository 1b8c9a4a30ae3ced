import type { PlatformConfig } from "../../../stacks/schema/platform.ts";
import type { KubeObject } from "./kube-object.ts";

/** A moment of the scenario lasts this many times shorter on the cluster: a minute passes in 8 seconds. */
export const COMPRESSION = 7.5;

/** Real milliseconds of a time of the scenario. */
export function realMs(scenarioSeconds: number): number {
  return (scenarioSeconds * 1000) / COMPRESSION;
}

/** What replicas sustain on the cluster, where every second counts more. */
export function compressedCapacity<
  T extends {
    inputTokensPerSecond: number;
    outputTokensPerSecond: number;
    tokenMs: number;
    idleTokenMs: number;
  },
>(capacity: T): T {
  return {
    ...capacity,
    inputTokensPerSecond: capacity.inputTokensPerSecond * COMPRESSION,
    outputTokensPerSecond: capacity.outputTokensPerSecond * COMPRESSION,
    tokenMs: capacity.tokenMs / COMPRESSION,
    idleTokenMs: capacity.idleTokenMs / COMPRESSION,
  };
}

/** Keys of a ScaledObject that hold seconds. */
const SECONDS = new Set(["pollingInterval", "cooldownPeriod", "stabilizationWindowSeconds", "periodSeconds"]);

/** Durations of the shipped queries: windows of rates, the offset of an earlier one, and the hour it is compared over. */
const DURATIONS = /(?<=\[|:|offset )(\d+)([mh])\b/g;

function shortened(_duration: string, count: string, unit: string): string {
  return `${(Number(count) * (unit === "h" ? 3600 : 60)) / COMPRESSION}s`;
}

function compressed(value: unknown, key: string, prometheus: string): unknown {
  if (Array.isArray(value)) return value.map((item: unknown) => compressed(item, key, prometheus));
  if (typeof value === "object" && value !== null)
    return Object.fromEntries(
      Object.entries(value).map(([name, item]) => [name, compressed(item, name, prometheus)]),
    );
  if (typeof value === "number" && SECONDS.has(key)) {
    const seconds = value / COMPRESSION;
    if (!Number.isInteger(seconds))
      throw new RangeError(`${key}: ${value} s does not compress to whole seconds`);
    return seconds;
  }
  if (key === "serverAddress") return prometheus;
  if (key === "query" && typeof value === "string") return value.replaceAll(DURATIONS, shortened);
  return value;
}

/**
 * A ScaledObject with every duration shortened and Prometheus where it runs here; nothing else changes.
 * @throws RangeError for a duration that does not shorten to whole seconds, which KEDA cannot take
 */
export function compressScaledObject(object: KubeObject, prometheus: string): KubeObject {
  return { ...object, spec: compressed(object["spec"], "spec", prometheus) };
}

/** The model's configuration of a stack, changed for the test. */
export function withModel(
  config: PlatformConfig,
  change: (model: PlatformConfig["models"][number]) => PlatformConfig["models"][number],
): PlatformConfig {
  return { ...config, models: config.models.map(change) };
}
