/** GPU models the blueprint knows. */
export const ACCELERATORS = [
  "T4",
  "L4",
  "A10G",
  "L40S",
  "A100-40GB",
  "A100-80GB",
  "H100",
  "H200",
  "B200",
] as const;

/** One GPU model. */
export type Accelerator = (typeof ACCELERATORS)[number];

/** Clouds that rent GPUs to us. */
export type GpuCloud = "aws" | "gcp";

/** What a GPU model offers. */
export interface AcceleratorSpec {
  /** Memory one GPU reports to software, GiB. */
  readonly memoryGiB: number;
  readonly architecture: "turing" | "ampere" | "ada" | "hopper" | "blackwell";
  /** Whether the GPU can be partitioned into isolated instances (MIG). */
  readonly mig: "supported" | "none";
  readonly source: string;
  /** Day the source was read. */
  readonly asOf: string;
}

const AWS_SPECS = "https://docs.aws.amazon.com/ec2/latest/instancetypes/ac.html";
const GCP_SPECS = "https://cloud.google.com/compute/docs/gpus";
const AS_OF = "2026-11-24";

/** Every accelerator with its memory; the smaller of vendor and cloud figures where they differ. */
export const ACCELERATOR_SPECS: Readonly<Record<Accelerator, AcceleratorSpec>> = {
  T4: { memoryGiB: 15, architecture: "turing", mig: "none", source: GCP_SPECS, asOf: AS_OF },
  L4: { memoryGiB: 22, architecture: "ada", mig: "none", source: AWS_SPECS, asOf: AS_OF },
  A10G: { memoryGiB: 22, architecture: "ampere", mig: "none", source: AWS_SPECS, asOf: AS_OF },
  L40S: { memoryGiB: 44, architecture: "ada", mig: "none", source: AWS_SPECS, asOf: AS_OF },
  "A100-40GB": { memoryGiB: 40, architecture: "ampere", mig: "supported", source: AWS_SPECS, asOf: AS_OF },
  "A100-80GB": { memoryGiB: 80, architecture: "ampere", mig: "supported", source: AWS_SPECS, asOf: AS_OF },
  H100: { memoryGiB: 80, architecture: "hopper", mig: "supported", source: AWS_SPECS, asOf: AS_OF },
  H200: { memoryGiB: 141, architecture: "hopper", mig: "supported", source: AWS_SPECS, asOf: AS_OF },
  B200: { memoryGiB: 179, architecture: "blackwell", mig: "supported", source: AWS_SPECS, asOf: AS_OF },
};

/** One machine type with GPUs. */
export interface GpuMachine {
  readonly accelerator: Accelerator;
  /** GPUs in the machine. */
  readonly gpus: 1 | 2 | 4 | 8;
  readonly vcpus: number;
  /** Main memory, GiB. */
  readonly memoryGiB: number;
}

/** AWS machine types with GPUs. Source: https://docs.aws.amazon.com/ec2/latest/instancetypes/ac.html, read 2026-11-24. */
export const AWS_GPU_MACHINES = {
  "g5.xlarge": { accelerator: "A10G", gpus: 1, vcpus: 4, memoryGiB: 16 },
  "g5.2xlarge": { accelerator: "A10G", gpus: 1, vcpus: 8, memoryGiB: 32 },
  "g5.12xlarge": { accelerator: "A10G", gpus: 4, vcpus: 48, memoryGiB: 192 },
  "g5.48xlarge": { accelerator: "A10G", gpus: 8, vcpus: 192, memoryGiB: 768 },
  "g6.xlarge": { accelerator: "L4", gpus: 1, vcpus: 4, memoryGiB: 16 },
  "g6.2xlarge": { accelerator: "L4", gpus: 1, vcpus: 8, memoryGiB: 32 },
  "g6.4xlarge": { accelerator: "L4", gpus: 1, vcpus: 16, memoryGiB: 64 },
  "g6.12xlarge": { accelerator: "L4", gpus: 4, vcpus: 48, memoryGiB: 192 },
  "g6.48xlarge": { accelerator: "L4", gpus: 8, vcpus: 192, memoryGiB: 768 },
  "g6e.xlarge": { accelerator: "L40S", gpus: 1, vcpus: 4, memoryGiB: 32 },
  "g6e.2xlarge": { accelerator: "L40S", gpus: 1, vcpus: 8, memoryGiB: 64 },
  "g6e.12xlarge": { accelerator: "L40S", gpus: 4, vcpus: 48, memoryGiB: 384 },
  "g6e.48xlarge": { accelerator: "L40S", gpus: 8, vcpus: 192, memoryGiB: 1536 },
  "p4d.24xlarge": { accelerator: "A100-40GB", gpus: 8, vcpus: 96, memoryGiB: 1152 },
  "p4de.24xlarge": { accelerator: "A100-80GB", gpus: 8, vcpus: 96, memoryGiB: 1152 },
  "p5.4xlarge": { accelerator: "H100", gpus: 1, vcpus: 16, memoryGiB: 256 },
  "p5.48xlarge": { accelerator: "H100", gpus: 8, vcpus: 192, memoryGiB: 2048 },
  "p5en.48xlarge": { accelerator: "H200", gpus: 8, vcpus: 192, memoryGiB: 2048 },
  "p6-b200.48xlarge": { accelerator: "B200", gpus: 8, vcpus: 192, memoryGiB: 2048 },
} as const satisfies Readonly<Record<string, GpuMachine>>;

/** GCP machine types with built-in GPUs. Source: https://cloud.google.com/compute/docs/gpus, read 2026-11-24. */
export const GCP_GPU_MACHINES = {
  "g2-standard-4": { accelerator: "L4", gpus: 1, vcpus: 4, memoryGiB: 16 },
  "g2-standard-8": { accelerator: "L4", gpus: 1, vcpus: 8, memoryGiB: 32 },
  "g2-standard-24": { accelerator: "L4", gpus: 2, vcpus: 24, memoryGiB: 96 },
  "g2-standard-48": { accelerator: "L4", gpus: 4, vcpus: 48, memoryGiB: 192 },
  "g2-standard-96": { accelerator: "L4", gpus: 8, vcpus: 96, memoryGiB: 384 },
  "a2-highgpu-1g": { accelerator: "A100-40GB", gpus: 1, vcpus: 12, memoryGiB: 85 },
  "a2-highgpu-8g": { accelerator: "A100-40GB", gpus: 8, vcpus: 96, memoryGiB: 680 },
  "a2-ultragpu-1g": { accelerator: "A100-80GB", gpus: 1, vcpus: 12, memoryGiB: 170 },
  "a2-ultragpu-8g": { accelerator: "A100-80GB", gpus: 8, vcpus: 96, memoryGiB: 1360 },
  "a3-highgpu-1g": { accelerator: "H100", gpus: 1, vcpus: 26, memoryGiB: 234 },
  "a3-highgpu-8g": { accelerator: "H100", gpus: 8, vcpus: 208, memoryGiB: 1872 },
  "a3-ultragpu-8g": { accelerator: "H200", gpus: 8, vcpus: 224, memoryGiB: 2952 },
  "a4-highgpu-8g": { accelerator: "B200", gpus: 8, vcpus: 224, memoryGiB: 3968 },
} as const satisfies Readonly<Record<string, GpuMachine>>;

const MACHINES: Readonly<Record<GpuCloud, Readonly<Record<string, GpuMachine>>>> = {
  aws: AWS_GPU_MACHINES,
  gcp: GCP_GPU_MACHINES,
};

/** GPUs of a machine type, or undefined when the type is not known. */
export function instanceGpus(cloud: GpuCloud, instanceType: string): GpuMachine | undefined {
  return MACHINES[cloud][instanceType];
}

/** Smallest machine type with exactly this many GPUs, or undefined when the cloud has none. */
export function instanceFor(cloud: GpuCloud, accelerator: Accelerator, gpus: number): string | undefined {
  return Object.entries(MACHINES[cloud])
    .filter(([, machine]) => machine.accelerator === accelerator && machine.gpus === gpus)
    .sort(([, a], [, b]) => a.vcpus - b.vcpus || a.memoryGiB - b.memoryGiB)
    .at(0)?.[0];
}
