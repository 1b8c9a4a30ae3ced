import type { KubeObject } from "./kube-object.ts";

/** A minute of a delivery passes in a second. */
const COMPRESSION = 60;

/** What does not shorten with the rest: a gate runs a real program, and a controller takes real time to make pods. */
export const REAL_SECONDS = {
  activeDeadlineSeconds: 15,
  progressDeadlineSeconds: 30,
} as const;

function isReal(key: string): key is keyof typeof REAL_SECONDS {
  return key in REAL_SECONDS;
}

function compressed(value: unknown, key: string, prometheus: string): unknown {
  if (Array.isArray(value)) return value.map((item: unknown) => compressed(item, key, prometheus));
  if (typeof value === "object" && value !== null)
    return Object.fromEntries(
      Object.entries(value).map(([name, item]) => [name, compressed(item, name, prometheus)]),
    );
  if (key === "address") return prometheus;
  if (typeof value === "number" && key.endsWith("Seconds"))
    return isReal(key) ? REAL_SECONDS[key] : Math.ceil(value / COMPRESSION);
  if (typeof value === "string" && ["initialDelay", "interval", "duration"].includes(key))
    return value.replace(/^(\d+)m$/, "$1s");
  if (typeof value === "string" && key === "query") return value.replaceAll(/\[(\d+)m\]/g, "[$1s]");
  return value;
}

/** A Rollout or AnalysisTemplate with every duration shortened and Prometheus where it runs here; nothing else changes. */
export function compressDelivery(object: KubeObject, prometheus: string): KubeObject {
  return { ...object, spec: compressed(object["spec"], "spec", prometheus) };
}
