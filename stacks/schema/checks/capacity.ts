import { availabilityOf } from "../../../components/gpu/availability.ts";
import { ACCELERATOR_SPECS, instanceFor, instanceGpus } from "../../../components/gpu/accelerators.ts";
import { gkeRungs } from "../../../components/gpu/gke-rungs.ts";
import type { PlatformConfig } from "../platform.ts";
import type { ConfigProblem } from "../problem.ts";
import { duplicates, problem, type Check } from "./check.ts";
import { EU_REGIONS } from "./residency.ts";

type Pool = PlatformConfig["gpuPools"][number];
type Provider = PlatformConfig["cloud"]["provider"];

const PROVISIONERS: Readonly<Record<Provider, readonly Pool["provisioner"][]>> = {
  aws: ["karpenter", "node-group"],
  gcp: ["node-pool", "compute-class"],
  existing: ["unmanaged"],
  local: [],
};

function provisionerFits(pool: Pool, index: number, provider: Provider): ConfigProblem[] {
  const allowed = PROVISIONERS[provider];
  if (allowed.includes(pool.provisioner)) return [];
  return [
    problem(
      ["gpuPools", index, "provisioner"],
      pool.provisioner,
      `provisioner '${pool.provisioner}' does not exist on provider '${provider}'`,
      allowed.length === 0
        ? "remove the pool: a local environment has no nodes"
        : `use ${allowed.join(" or ")}`,
    ),
  ];
}

function ladder(pool: Pool, index: number, provider: Provider): ConfigProblem[] {
  const path = ["gpuPools", index, "capacity"];
  const found: ConfigProblem[] = [];
  if (new Set(pool.capacity).size !== pool.capacity.length)
    found.push(
      problem(path, pool.capacity, "a rung of the capacity ladder occurs twice", "list each rung once"),
    );
  if (provider === "aws" && pool.capacity.includes("flex-start"))
    found.push(
      problem(
        path,
        pool.capacity,
        "'flex-start' exists on GKE only",
        "remove it; on AWS a Capacity Block is a `reserved` rung with its reservation id",
      ),
    );
  if (pool.capacity.includes("reserved") !== (pool.reservation !== undefined))
    found.push(
      problem(
        ["gpuPools", index, "reservation"],
        pool.reservation,
        pool.reservation === undefined
          ? "the ladder has a 'reserved' rung but no reservation is named"
          : "a reservation is named but the ladder has no 'reserved' rung",
        "set both `capacity: [reserved, ...]` and `reservation`, or neither",
      ),
    );
  return found;
}

function nodesOrdered(pool: Pool, index: number): ConfigProblem[] {
  const { min, expected, max } = pool.nodes;
  if (min <= expected && expected <= max) return [];
  return [
    problem(
      ["gpuPools", index, "nodes"],
      pool.nodes,
      `min <= expected <= max does not hold: ${min} <= ${expected} <= ${max}`,
      "order the three numbers",
    ),
  ];
}

function floorFits(pool: Pool, index: number): ConfigProblem[] {
  const found: ConfigProblem[] = [];
  if (pool.provisioner === "karpenter" && pool.nodes.min > 0)
    found.push(
      problem(
        ["gpuPools", index, "nodes", "min"],
        pool.nodes.min,
        "Karpenter keeps no idle nodes",
        "set min: 0 (running replicas keep their nodes), or use provisioner: node-group",
      ),
    );
  if (pool.provisioner === "node-pool" && pool.capacity.length > 1)
    found.push(
      problem(
        ["gpuPools", index, "provisioner"],
        pool.provisioner,
        "GKE does not keep the order of several rungs without a ComputeClass",
        "use provisioner: compute-class, or a single rung",
      ),
    );
  return found;
}

function gpuSoftwareFits(pool: Pool, index: number, cloud: PlatformConfig["cloud"]): ConfigProblem[] {
  if (cloud.provider !== "aws" || pool.sharing.kind !== "mig") return [];
  if (pool.provisioner === "karpenter" && cloud.cluster.gpuSoftware === "gpu-operator") return [];
  return [
    problem(
      ["gpuPools", index, "sharing"],
      pool.sharing,
      "nothing on these nodes would partition the GPU (MIG)",
      "set cloud.cluster.gpuSoftware: gpu-operator and provisioner: karpenter",
    ),
  ];
}

function zonesKnown(pool: Pool, index: number, cloud: PlatformConfig["cloud"]): ConfigProblem[] {
  if (cloud.provider !== "aws" && cloud.provider !== "gcp") return [];
  return (pool.zones ?? []).flatMap((zone, zoneIndex) =>
    cloud.zones.includes(zone)
      ? []
      : [
          problem(
            ["gpuPools", index, "zones", zoneIndex],
            zone,
            `zone '${zone}' is not one of the environment's zones`,
            `use ${cloud.zones.join(", ")}, or add it to cloud.zones`,
          ),
        ],
  );
}

function machine(pool: Pool, index: number, provider: Provider): ConfigProblem[] {
  if (provider !== "aws" && provider !== "gcp") return [];
  if (pool.instanceType === undefined) {
    return instanceFor(provider, pool.accelerator, pool.gpusPerNode) === undefined
      ? [
          problem(
            ["gpuPools", index, "gpusPerNode"],
            pool.gpusPerNode,
            `${provider} has no machine with ${pool.gpusPerNode} x ${pool.accelerator}`,
            "choose another accelerator or number of GPUs",
          ),
        ]
      : [];
  }
  const known = instanceGpus(provider, pool.instanceType);
  if (known?.accelerator === pool.accelerator && known.gpus === pool.gpusPerNode) return [];
  return [
    problem(
      ["gpuPools", index, "instanceType"],
      pool.instanceType,
      known === undefined
        ? `'${pool.instanceType}' is not a known GPU machine of ${provider}`
        : `'${pool.instanceType}' has ${known.gpus} x ${known.accelerator}, not ${pool.gpusPerNode} x ${pool.accelerator}`,
      "leave instanceType out to get the smallest machine that fits",
    ),
  ];
}

/** A rung the machine is not sold on would be found out only when the node pool is made. */
function sold(pool: Pool, index: number, provider: Provider): ConfigProblem[] {
  const type =
    provider === "gcp"
      ? (pool.instanceType ?? instanceFor("gcp", pool.accelerator, pool.gpusPerNode))
      : undefined;
  if (type === undefined) return [];
  const rungs = gkeRungs(type);
  return pool.capacity.flatMap((rung, at) =>
    rungs.includes(rung)
      ? []
      : [
          problem(
            ["gpuPools", index, "capacity", at],
            rung,
            `Google does not sell ${type} as ${rung}`,
            `use ${rungs.join(" or ")}, or another machine`,
          ),
        ],
  );
}

/** A machine the cloud does not offer there would be found out only when the first replica waits for it. */
function offered(pool: Pool, index: number, cloud: PlatformConfig["cloud"]): ConfigProblem[] {
  if ((cloud.provider !== "aws" && cloud.provider !== "gcp") || !EU_REGIONS.has(cloud.region)) return [];
  const type = pool.instanceType ?? instanceFor(cloud.provider, pool.accelerator, pool.gpusPerNode);
  const known = type === undefined ? undefined : availabilityOf(cloud.provider, type);
  if (type === undefined || known === undefined) return [];
  const wanted = cloud.provider === "aws" ? [cloud.region] : (pool.zones ?? cloud.zones);
  const missing = wanted.filter((place) => !known.places.includes(place));
  if (missing.length === 0) return [];
  const near = known.places.filter((place) => place.startsWith(cloud.region));
  return [
    problem(
      ["gpuPools", index, pool.instanceType === undefined ? "accelerator" : "instanceType"],
      type,
      `${type} is not offered in ${missing.join(", ")} (${known.source}, ${known.asOf})`,
      near.length > 0
        ? `set gpuPools[${index}].zones to ${near.join(", ")}`
        : `${known.places.length === 0 ? "choose another accelerator" : `use ${known.places.join(", ")}, or another accelerator`}; if the cloud offers it there by now, say so in components/gpu/availability.ts`,
    ),
  ];
}

function sharing(pool: Pool, index: number, environment: PlatformConfig["environment"]): ConfigProblem[] {
  const path = ["gpuPools", index, "sharing"];
  if (pool.sharing.kind === "mig" && ACCELERATOR_SPECS[pool.accelerator].mig === "none")
    return [
      problem(
        path,
        pool.sharing,
        `${pool.accelerator} cannot be partitioned (MIG)`,
        "set sharing: {kind: none}",
      ),
    ];
  if (pool.sharing.kind === "time-slicing" && environment === "prod")
    return [
      problem(
        path,
        pool.sharing,
        "time-slicing has no memory isolation between pods, so one model can starve another in production",
        "use MIG where the accelerator has it, or sharing: {kind: none}",
      ),
    ];
  return [];
}

/** Rules about GPU pools. */
export const capacityChecks: readonly Check[] = [
  {
    needs: ["gpuPools"],
    run: ({ gpuPools }) => [
      ...duplicates(
        ["gpuPools"],
        gpuPools.map((pool) => pool.name),
      ),
      ...gpuPools.flatMap(nodesOrdered),
    ],
  },
  {
    needs: ["gpuPools", "cloud", "environment"],
    run: ({ gpuPools, cloud, environment }) =>
      gpuPools.flatMap((pool, index) => [
        ...provisionerFits(pool, index, cloud.provider),
        ...ladder(pool, index, cloud.provider),
        ...floorFits(pool, index),
        ...gpuSoftwareFits(pool, index, cloud),
        ...zonesKnown(pool, index, cloud),
        ...machine(pool, index, cloud.provider),
        ...sold(pool, index, cloud.provider),
        ...offered(pool, index, cloud),
        ...sharing(pool, index, environment),
      ]),
  },
];
