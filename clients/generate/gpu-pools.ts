import {
  AWS_GPU_MACHINES,
  GCP_GPU_MACHINES,
  ACCELERATORS,
  ACCELERATOR_SPECS,
  instanceFor,
  type Accelerator,
  type GpuCloud,
  type GpuMachine,
} from "../../components/gpu/accelerators.ts";
import { availabilityOf } from "../../components/gpu/availability.ts";
import { gkeRungs } from "../../components/gpu/gke-rungs.ts";
import { CAPACITY_RUNGS } from "../../components/gpu/ladder.ts";
import type { PlatformConfig } from "../../stacks/schema/platform.ts";
import type { ForkAnswers } from "../answers.ts";
import type { Decision } from "../decision.ts";
import { ForkError } from "../fork-error.ts";
import type { StackDocument } from "../stack-document.ts";

type Pool = PlatformConfig["gpuPools"][number];
type Cloud = Extract<PlatformConfig["cloud"], { provider: GpuCloud }>;

/** What does the same on the other cloud. */
const PROVISIONERS: Readonly<Record<GpuCloud, Readonly<Record<string, Pool["provisioner"]>>>> = {
  gcp: { karpenter: "compute-class", "node-group": "node-pool" },
  aws: { "compute-class": "karpenter", "node-pool": "node-group" },
};

function acceleratorOf(pool: Pool, { cloud, accelerators }: ForkAnswers): Accelerator {
  const { name, gpusPerNode } = pool;
  const wanted = accelerators[name] ?? pool.accelerator;
  if (instanceFor(cloud, wanted, gpusPerNode) !== undefined) return wanted;
  const others = ACCELERATORS.filter((each) => instanceFor(cloud, each, gpusPerNode) !== undefined);
  const memory = (each: Accelerator): string => `${each} (${ACCELERATOR_SPECS[each].memoryGiB} GiB)`;
  throw new ForkError(
    `gpuPools[${name}]: ${cloud} has no machine with ${gpusPerNode} x ${memory(wanted)}; decide with --gpu ${name}=<accelerator>, it has ${others.map(memory).join(", ")} in this number`,
  );
}

const MACHINES: Readonly<Record<GpuCloud, Readonly<Record<string, GpuMachine>>>> = {
  aws: AWS_GPU_MACHINES,
  gcp: GCP_GPU_MACHINES,
};

/** Smallest machine with the same GPUs and at least the vCPUs and memory of another; undefined when there is none. */
function machineLike(cloud: GpuCloud, like: GpuMachine): string | undefined {
  return Object.entries(MACHINES[cloud])
    .filter(
      ([, machine]) =>
        machine.accelerator === like.accelerator &&
        machine.gpus === like.gpus &&
        machine.vcpus >= like.vcpus &&
        machine.memoryGiB >= like.memoryGiB,
    )
    .sort(([, a], [, b]) => a.vcpus - b.vcpus || a.memoryGiB - b.memoryGiB)
    .at(0)?.[0];
}

/** Machine of the fork's cloud that takes the place of the template's. */
function machineOf(
  pool: Pool,
  from: GpuCloud,
  to: GpuCloud,
  accelerator: Accelerator,
): { readonly type: string | undefined; readonly like: string } {
  const like = pool.instanceType ?? instanceFor(from, pool.accelerator, pool.gpusPerNode) ?? "";
  const machine = MACHINES[from][like];
  return { type: machine === undefined ? undefined : machineLike(to, { ...machine, accelerator }), like };
}

/** Rungs of the pool that the fork's cloud sells its machine on; else the surest that needs no reservation. */
function rungsOf(pool: Pool, cloud: GpuCloud, type: string | undefined): Pool["capacity"] {
  const sold = (cloud === "gcp" && type !== undefined ? gkeRungs(type) : CAPACITY_RUNGS).filter(
    (rung) => rung !== "reserved" && (rung !== "flex-start" || cloud === "gcp"),
  );
  const kept = pool.capacity.filter((rung) => sold.includes(rung));
  return kept.length > 0 ? kept : sold.slice(0, 1);
}

function provisionerOf({ provisioner }: Pool, rungs: Pool["capacity"], cloud: GpuCloud): Pool["provisioner"] {
  // GKE keeps the order of several rungs in a ComputeClass only.
  return cloud === "gcp" && rungs.length > 1
    ? "compute-class"
    : (PROVISIONERS[cloud][provisioner] ?? provisioner);
}

/** Zones of the fork that offer the pool's machine, where some do and some do not. */
function zonesOffering(
  type: string | undefined,
  { cloud, zones }: ForkAnswers,
): readonly string[] | undefined {
  const known = cloud === "gcp" && type !== undefined ? availabilityOf(cloud, type) : undefined;
  const offering = zones.filter((zone) => known?.places.includes(zone));
  return offering.length === 0 || offering.length === zones.length ? undefined : offering;
}

function pools(
  document: StackDocument,
  { gpuPools }: PlatformConfig,
  cloud: Cloud,
  answers: ForkAnswers,
): Decision[] {
  return gpuPools.flatMap((pool, index) => {
    const key = (name: string): (string | number)[] => ["gpuPools", index, name];
    const what = (name: string, text: string): Decision => ({
      key: `gpuPools[${pool.name}].${name}`,
      what: text,
    });
    const decisions: Decision[] = [];
    const accelerator = acceleratorOf(pool, answers);
    let chosen = pool.instanceType;
    const moved = cloud.provider !== answers.cloud;
    if (accelerator !== pool.accelerator) document.set(key("accelerator"), accelerator);
    if (moved || accelerator !== pool.accelerator) {
      const { type, like } = machineOf(pool, cloud.provider, answers.cloud, accelerator);
      chosen = type;
      if (type === undefined) document.remove(key("instanceType"));
      else document.set(key("instanceType"), type);
      decisions.push(
        what(
          "instanceType",
          type === undefined
            ? `the smallest with these GPUs: ${answers.cloud} has none as large as ${like}`
            : `${type}: at least the vCPUs and memory of ${like}`,
        ),
      );
    }
    const machine = chosen ?? instanceFor(answers.cloud, accelerator, pool.gpusPerNode);
    const rungs = rungsOf(pool, answers.cloud, machine);
    if (moved) document.set(key("provisioner"), provisionerOf(pool, rungs, answers.cloud));
    if (rungs.join() !== pool.capacity.join()) {
      document.set(key("capacity"), rungs);
      const gone = pool.capacity.filter((rung) => !rungs.includes(rung)).join(", ");
      decisions.push(
        what(
          "capacity",
          `${gone} left out: it is the template's reservation, or ${answers.cloud} has no such offer`,
        ),
      );
    }
    document.remove(key("reservation"));
    if (moved && document.has(key("generations"))) {
      document.remove(key("generations"));
      decisions.push(what("generations", "left out: releases of node images are the other cloud's"));
    }
    if (pool.zones !== undefined && cloud.region !== answers.region) {
      document.remove(key("zones"));
      decisions.push(what("zones", "all zones of the environment; the template's are in another region"));
    }
    const offering =
      cloud.region === answers.region && accelerator === pool.accelerator
        ? undefined
        : zonesOffering(machine, answers);
    if (offering !== undefined) {
      document.set(key("zones"), offering);
      decisions.push(what("zones", `those that offer ${accelerator}: ${offering.join(", ")}`));
    }
    return decisions;
  });
}

/** Figures that were measured on one GPU say nothing about another. */
function measurements(
  document: StackDocument,
  { models, gpuPools }: PlatformConfig,
  answers: ForkAnswers,
): Decision[] {
  return models.flatMap(({ name, gpu, autoscaling }, index) => {
    const pool = gpuPools.find((each) => each.name === gpu.pool);
    if (pool === undefined || acceleratorOf(pool, answers) === pool.accelerator) return [];
    document.remove(["models", index, "autoscaling", "capacity"]);
    return [
      {
        key: `models[${name}].autoscaling`,
        what: `replicas and thresholds were chosen for ${pool.accelerator}${autoscaling.capacity === undefined ? "" : "; its measured capacity is left out"}: \`llmops capacity\` works them out`,
      },
    ];
  });
}

/** Moves the GPU pools to the fork's cloud and takes nothing that is reserved for the template's client. */
export function writeGpuPools(
  document: StackDocument,
  template: PlatformConfig,
  cloud: Cloud,
  answers: ForkAnswers,
): Decision[] {
  const unknown = Object.keys(answers.accelerators).filter(
    (name) => !template.gpuPools.some((pool) => pool.name === name),
  );
  if (unknown.length > 0)
    throw new ForkError(
      `--gpu ${unknown.join(", ")}: the template has no such pool; it has ${template.gpuPools.map(({ name }) => name).join(", ") || "none"}`,
    );
  return [...pools(document, template, cloud, answers), ...measurements(document, template, answers)];
}
