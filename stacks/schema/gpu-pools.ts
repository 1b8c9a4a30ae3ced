import { z } from "zod";
import { ACCELERATORS } from "../../components/gpu/accelerators.ts";
import { CAPACITY_RUNGS } from "../../components/gpu/ladder.ts";
import { count, countOrZero, dnsName } from "./primitives.ts";

const sharing = z
  .discriminatedUnion("kind", [
    z.strictObject({ kind: z.literal("none") }),
    z.strictObject({
      kind: z.literal("mig"),
      profile: z.string().regex(/^\d+g\.\d+gb$/, { error: "must be a MIG profile, for example 1g.10gb" }),
    }),
    z.strictObject({ kind: z.literal("time-slicing"), replicas: z.int().min(2).max(16) }),
  ])
  .default({ kind: "none" })
  .describe("How one GPU is shared; time-slicing has no memory isolation and is refused in production.");

const generation = z.strictObject({
  name: dnsName.describe(
    "`original` for the machines the pool was created with; they keep the pool's own name.",
  ),
  state: z
    .enum(["serving", "standby", "retiring"])
    .default("serving")
    .describe("`standby` and `retiring` machines take no new pod and keep no idle node."),
  release: z
    .string()
    .min(1)
    .optional()
    .describe(
      "Release of the node image and its driver, in the provider's own form. Default: the newest when a node starts.",
    ),
});

const pool = z.strictObject({
  name: dnsName.describe("Pool name; models refer to it."),
  accelerator: z.enum(ACCELERATORS).describe("GPU model."),
  gpusPerNode: z
    .union([z.literal(1), z.literal(2), z.literal(4), z.literal(8)])
    .describe("GPUs in one node."),
  provisioner: z
    .enum(["karpenter", "node-group", "node-pool", "compute-class", "unmanaged"])
    .describe("AWS: karpenter, node-group. GCP: node-pool, compute-class. Existing cluster: unmanaged."),
  instanceType: z.string().min(1).optional().describe("Default: the smallest type with these GPUs."),
  capacity: z
    .array(z.enum(CAPACITY_RUNGS))
    .min(1)
    .describe("Capacity ladder: what to try first, then second, and so on."),
  reservation: z.string().min(1).optional().describe("Id of the reservation behind the `reserved` rung."),
  nodes: z.strictObject({
    min: countOrZero.default(0),
    expected: countOrZero.describe("Nodes on an ordinary day; used by the cost report."),
    max: count.describe("Hard ceiling; what the environment can cost at worst follows from it."),
  }),
  zones: z.array(z.string().min(1)).min(1).optional().describe("Default: all zones of the environment."),
  diskGiB: z.int().min(100).max(4096).default(200).describe("Boot disk, GiB."),
  sharing,
  generations: z
    .array(generation)
    .min(1)
    .max(2)
    .default([{ name: "original", state: "serving" }])
    .describe("Machines side by side while nodes are exchanged: docs/upgrade.md."),
});

/** GPU node pools. */
export const gpuPools = z.array(pool).describe("GPU node pools.");
