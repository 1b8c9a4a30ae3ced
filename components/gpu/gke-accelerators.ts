import type { Accelerator } from "./accelerators.ts";

/**
 * Name of each accelerator in GKE's API; undefined where Google does not offer it.
 * Source: https://cloud.google.com/kubernetes-engine/docs/concepts/gpus (read 2026-11-24).
 */
export const GKE_ACCELERATOR_TYPES: Readonly<Record<Accelerator, string | undefined>> = {
  T4: "nvidia-tesla-t4",
  L4: "nvidia-l4",
  A10G: undefined,
  L40S: undefined,
  "A100-40GB": "nvidia-tesla-a100",
  "A100-80GB": "nvidia-a100-80gb",
  H100: "nvidia-h100-80gb",
  H200: "nvidia-h200-141gb",
  B200: "nvidia-b200",
};
