import { describe, expect, it } from "vitest";
import { ofType, type ResourceGraph } from "../../graph/graph.ts";
import { capture } from "../../plan/capture.ts";
import { ACCELERATORS, GCP_GPU_MACHINES } from "./accelerators.ts";
import { ladderPriorities } from "./cluster-autoscaler.ts";
import { DevicePlugin, devicePluginConfigs, validateDevicePluginArgs } from "./device-plugin.ts";
import { EksGpuNodeGroups, validateEksGpuNodeGroupsArgs } from "./eks-node-groups.ts";
import { GKE_ACCELERATOR_TYPES } from "./gke-accelerators.ts";
import { GkeGpuPool, validateGkeGpuPoolArgs, type GkeSelection } from "./gke-pool.ts";
import { validateGpuPool, type GpuPool } from "./gpu-pool.ts";
import { KarpenterGpuPool, validateKarpenterGpuPoolArgs } from "./karpenter-pool.ts";
import { karpenterPolicy } from "./karpenter-policy.ts";

const l40s: GpuPool = {
  name: "l40s",
  accelerator: "L40S",
  gpusPerNode: 4,
  instanceType: "g6e.12xlarge",
  capacity: ["spot", "on-demand"],
  nodes: { min: 0, max: 3 },
  zones: ["eu-south-2a", "eu-south-2b"],
  diskGiB: 300,
  sharing: { kind: "none" },
};
const l4: GpuPool = {
  ...l40s,
  name: "l4",
  accelerator: "L4",
  gpusPerNode: 1,
  instanceType: "g2-standard-8",
  zones: ["europe-west4-a"],
};

function refusal(propertyPath: string, reason: string): unknown {
  return expect.objectContaining({ propertyPath, reason });
}

describe("GpuPool", () => {
  it.each([
    [{ instanceType: "g7.xlarge" }, "instanceType", "'g7.xlarge' is not a known GPU machine of aws"],
    [{ gpusPerNode: 1 }, "instanceType", "'g6e.12xlarge' has 4 x L40S, not 1 x L40S"],
    [{ accelerator: "L4" }, "instanceType", "'g6e.12xlarge' has 4 x L40S, not 4 x L4"],
    [{ capacity: [] }, "capacity", "the ladder has no rung"],
    [{ capacity: ["spot", "spot"] }, "capacity", "a rung occurs twice"],
    [{ capacity: ["reserved"] }, "reservation", "a 'reserved' rung and a reservation need each other"],
    [{ reservation: "cr-1" }, "reservation", "a 'reserved' rung and a reservation need each other"],
    [{ nodes: { min: -1, max: 1 } }, "nodes.min", "-1 is not a whole number from 0"],
    [{ nodes: { min: 0, max: 0 } }, "nodes.max", "0 is less than min 0 or 1"],
    [{ nodes: { min: 4, max: 3 } }, "nodes.max", "3 is less than min 4 or 1"],
    [{ zones: [] }, "zones", "the pool has no zone"],
    [{ sharing: { kind: "mig", profile: "1g.10gb" } }, "sharing", "L40S cannot be partitioned"],
  ] satisfies [Partial<GpuPool>, string, string][])("refuses %j", (changes, propertyPath, reason) => {
    expect(() => {
      validateGpuPool({ ...l40s, ...changes }, "aws");
    }).toThrow(refusal(propertyPath, reason));
  });
});

describe("EksGpuNodeGroups", () => {
  const args = { clusterName: "acme", pool: l40s, nodeRoleArn: "arn", subnetIds: ["s-1"], tags: {} };

  it("is one node group per rung, the floor on the first only", async () => {
    const graph = await capture({
      stack: "test",
      program: () =>
        new EksGpuNodeGroups("gpu", { ...args, pool: { ...l40s, nodes: { min: 1, max: 3 } } }, {}),
    });
    expect(
      ofType(graph, "aws:eks/nodeGroup:NodeGroup").map(({ inputs }) => [
        inputs["nodeGroupName"],
        inputs["capacityType"],
        inputs["scalingConfig"],
      ]),
    ).toEqual([
      ["gpu-l40s-on-demand", "ON_DEMAND", { minSize: 0, desiredSize: 0, maxSize: 3 }],
      ["gpu-l40s-spot", "SPOT", { minSize: 1, desiredSize: 1, maxSize: 3 }],
    ]);
  });

  it("labels, taints and repairs its nodes", async () => {
    const graph = await capture({ stack: "test", program: () => new EksGpuNodeGroups("gpu", args, {}) });
    expect(ofType(graph, "aws:eks/nodeGroup:NodeGroup")[0]?.inputs).toMatchObject({
      amiType: "AL2023_x86_64_NVIDIA",
      instanceTypes: ["g6e.12xlarge"],
      labels: {
        "llmops.io/gpu-pool": "l40s",
        "llmops.io/accelerator": "L40S",
        "nvidia.com/gpu.present": "true",
      },
      taints: [{ key: "nvidia.com/gpu", value: "present", effect: "NO_SCHEDULE" }],
      nodeRepairConfig: { enabled: true },
    });
  });

  it("binds the reserved rung to its reservation", async () => {
    const pool: GpuPool = { ...l40s, capacity: ["reserved", "on-demand"], reservation: "cr-1" };
    const graph = await capture({
      stack: "test",
      program: () => new EksGpuNodeGroups("gpu", { ...args, pool }, {}),
    });
    expect(
      ofType(graph, "aws:ec2/launchTemplate:LaunchTemplate").map(({ name, inputs }) => [
        name,
        inputs["capacityReservationSpecification"],
      ]),
    ).toEqual([
      ["gpu-on-demand", undefined],
      ["gpu-reserved", { capacityReservationTarget: { capacityReservationId: "cr-1" } }],
    ]);
  });

  it.each([
    [{ capacity: ["flex-start"] }, "pool.capacity", "'flex-start' exists on GKE only"],
    [
      {
        accelerator: "H100",
        gpusPerNode: 8,
        instanceType: "p5.48xlarge",
        sharing: { kind: "mig", profile: "1g.10gb" },
      },
      "pool.sharing",
      "EKS node groups have nothing that partitions a GPU; use Karpenter with the GPU operator, or GKE",
    ],
  ] satisfies [Partial<GpuPool>, string, string][])("refuses %j", (changes, propertyPath, reason) => {
    expect(() => {
      validateEksGpuNodeGroupsArgs({ ...args, pool: { ...l40s, ...changes } });
    }).toThrow(refusal(propertyPath, reason));
  });

  it("tells the autoscaler the ladder's order", () => {
    expect(ladderPriorities([l40s, { name: "a10g", capacity: ["on-demand"] }])).toEqual({
      "100": ["^eks-gpu-l40s-spot-.*", "^eks-gpu-a10g-on-demand-.*"],
      "90": ["^eks-gpu-l40s-on-demand-.*"],
      "1": [".*"],
    });
  });
});

describe("KarpenterGpuPool", () => {
  const args = { clusterName: "acme", pool: l40s, nodeRoleName: "acme-karpenter-node", tags: {} };

  it("is one NodePool with an exact GPU limit when the ladder follows Karpenter's order", async () => {
    const graph = await capture({ stack: "test", program: () => new KarpenterGpuPool("gpu", args, {}) });
    const pools = ofType(graph, "kubernetes:karpenter.sh/v1:NodePool");
    expect(pools.map(({ name }) => name)).toEqual(["gpu-pool"]);
    expect(pools[0]?.inputs).toMatchObject({
      metadata: { name: "gpu-l40s-pool", labels: { "llmops.io/gpu-pool": "l40s" } },
      spec: {
        limits: { "nvidia.com/gpu": 12 },
        disruption: { consolidationPolicy: "WhenEmpty", consolidateAfter: "10m" },
        template: {
          spec: {
            taints: [{ key: "nvidia.com/gpu", value: "present", effect: "NoSchedule" }],
            requirements: [
              { key: "karpenter.sh/capacity-type", operator: "In", values: ["spot", "on-demand"] },
              { key: "node.kubernetes.io/instance-type", operator: "In", values: ["g6e.12xlarge"] },
              {
                key: "topology.kubernetes.io/zone",
                operator: "In",
                values: ["eu-south-2a", "eu-south-2b"],
              },
              { key: "kubernetes.io/arch", operator: "In", values: ["amd64"] },
            ],
          },
        },
      },
    });
    expect(ofType(graph, "kubernetes:karpenter.k8s.aws/v1:EC2NodeClass")[0]?.inputs).toMatchObject({
      spec: {
        role: "acme-karpenter-node",
        metadataOptions: { httpTokens: "required", httpPutResponseHopLimit: 1 },
        blockDeviceMappings: [{ ebs: { volumeSize: "300Gi", encrypted: true } }],
      },
    });
  });

  it("is one weighted NodePool per rung for any other ladder", async () => {
    const pool: GpuPool = { ...l40s, capacity: ["on-demand", "spot"] };
    const graph = await capture({
      stack: "test",
      program: () => new KarpenterGpuPool("gpu", { ...args, pool }, {}),
    });
    expect(
      ofType(graph, "kubernetes:karpenter.sh/v1:NodePool").map(({ name, inputs }) => [
        name,
        (inputs["spec"] as { weight: number }).weight,
      ]),
    ).toEqual([
      ["gpu-on-demand", 100],
      ["gpu-spot", 99],
    ]);
  });

  it.each([
    [{ capacity: ["flex-start"] }, "pool.capacity", "'flex-start' exists on GKE only"],
    [
      { nodes: { min: 1, max: 3 } },
      "pool.nodes.min",
      "Karpenter keeps no idle nodes; use provisioner 'node-group' for a floor of nodes",
    ],
  ] satisfies [Partial<GpuPool>, string, string][])("refuses %j", (changes, propertyPath, reason) => {
    expect(() => {
      validateKarpenterGpuPoolArgs({ ...args, pool: { ...l40s, ...changes } });
    }).toThrow(refusal(propertyPath, reason));
  });

  it("lets the controller change only what carries the cluster's tag", () => {
    const { Statement } = JSON.parse(
      karpenterPolicy({
        clusterName: "acme",
        accountId: "111122223333",
        region: "eu-south-2",
        nodeRoleName: "acme-karpenter-node",
        queueName: "acme-karpenter",
      }),
    ) as { Statement: { Sid: string; Action: string[]; Resource: string[]; Condition?: object }[] };
    const unbound = Statement.filter(
      ({ Condition, Resource }) => Condition === undefined && Resource.includes("*"),
    ).map(({ Sid }) => Sid);
    expect(unbound).toEqual(["ReadPrices"]);
    expect(Statement.find(({ Sid }) => Sid === "DeleteOwn")?.Condition).toEqual({
      StringEquals: { "aws:ResourceTag/kubernetes.io/cluster/acme": "owned" },
      StringLike: { "aws:ResourceTag/karpenter.sh/nodepool": "*" },
    });
    expect(Statement.find(({ Sid }) => Sid === "PassNodeRole")?.Resource).toEqual([
      "arn:aws:iam::111122223333:role/acme-karpenter-node",
    ]);
  });
});

describe("GkeGpuPool", () => {
  function graphOf(pool: GpuPool, selection: GkeSelection): Promise<ResourceGraph> {
    return capture({
      stack: "test",
      program: () =>
        new GkeGpuPool(
          "gpu",
          {
            clusterName: "globex",
            projectId: "globex-llmops",
            region: "europe-west4",
            pool,
            selection,
            serviceAccount: "nodes@globex",
            labels: {},
          },
          {},
        ),
    });
  }

  it("walks the ladder through a ComputeClass over one node pool per rung", async () => {
    const graph = await graphOf(
      { ...l4, capacity: ["reserved", "flex-start", "spot"], reservation: "res-1" },
      "compute-class",
    );
    const pools = ofType(graph, "gcp:container/nodePool:NodePool").map(
      ({ inputs }) => inputs as { name: string; autoscaling: object; nodeConfig: Record<string, unknown> },
    );
    expect(
      pools.map(
        ({ name, autoscaling, nodeConfig: { spot, flexStart, maxRunDuration, reservationAffinity } }) => ({
          name,
          autoscaling,
          spot,
          flexStart,
          maxRunDuration,
          reservationAffinity,
        }),
      ),
    ).toEqual([
      {
        name: "l4-flex-start",
        autoscaling: { totalMinNodeCount: 0, totalMaxNodeCount: 3, locationPolicy: "ANY" },
        flexStart: true,
        maxRunDuration: "604800s",
        reservationAffinity: { consumeReservationType: "NO_RESERVATION" },
      },
      {
        name: "l4-reserved",
        autoscaling: { totalMinNodeCount: 0, totalMaxNodeCount: 3, locationPolicy: "ANY" },
        reservationAffinity: {
          consumeReservationType: "SPECIFIC_RESERVATION",
          key: "compute.googleapis.com/reservation-name",
          values: ["res-1"],
        },
      },
      {
        name: "l4-spot",
        autoscaling: { totalMinNodeCount: 0, totalMaxNodeCount: 3, locationPolicy: "ANY" },
        spot: true,
      },
    ]);
    expect(ofType(graph, "kubernetes:cloud.google.com/v1:ComputeClass")[0]?.inputs["spec"]).toEqual({
      priorities: [
        { nodepools: ["l4-reserved"] },
        { nodepools: ["l4-flex-start"] },
        { nodepools: ["l4-spot"] },
      ],
      activeMigration: { optimizeRulePriority: false },
      whenUnsatisfiable: "DoNotScaleUp",
    });
  });

  it.each([
    [{ kind: "none" }, {}],
    [
      { kind: "time-slicing", replicas: 4 },
      { gpuSharingConfig: { gpuSharingStrategy: "TIME_SHARING", maxSharedClientsPerGpu: 4 } },
    ],
  ] satisfies [GpuPool["sharing"], object][])(
    "asks GKE for driver and sharing %j",
    async (sharing, extra) => {
      const [pool] = ofType(
        await graphOf({ ...l4, capacity: ["spot"], sharing }, "node-pool"),
        "gcp:container/nodePool:NodePool",
      );
      expect((pool?.inputs["nodeConfig"] as { guestAccelerators: unknown }).guestAccelerators).toEqual([
        {
          type: "nvidia-l4",
          count: 1,
          gpuDriverInstallationConfig: { gpuDriverVersion: "LATEST" },
          ...extra,
        },
      ]);
    },
  );

  it("repairs nodes on every rung but flex-start, where GKE refuses to", async () => {
    const graph = await graphOf({ ...l4, capacity: ["on-demand", "flex-start", "spot"] }, "compute-class");
    const repaired = ofType(graph, "gcp:container/nodePool:NodePool").map(({ inputs }) => [
      inputs["name"],
      inputs["management"],
    ]);
    expect(repaired).toEqual([
      ["l4-flex-start", { autoRepair: false, autoUpgrade: true }],
      ["l4-on-demand", { autoRepair: true, autoUpgrade: true }],
      ["l4-spot", { autoRepair: true, autoUpgrade: true }],
    ]);
  });

  it("boots every machine from a disk it takes", async () => {
    const disks: Record<string, unknown> = {};
    for (const [instanceType, { accelerator, gpus }] of Object.entries(GCP_GPU_MACHINES)) {
      const machine = { ...l4, instanceType, accelerator, gpusPerNode: gpus, capacity: ["spot"] } as const;
      const [pool] = ofType(await graphOf(machine, "node-pool"), "gcp:container/nodePool:NodePool");
      disks[instanceType] = (pool?.inputs["nodeConfig"] as { diskType: unknown }).diskType;
    }
    const hyperdisk = Object.keys(disks).filter((type) => disks[type] === "hyperdisk-balanced");
    expect(hyperdisk).toEqual(["a3-ultragpu-8g", "a4-highgpu-8g"]);
    expect(new Set(Object.values(disks))).toEqual(new Set(["pd-balanced", "hyperdisk-balanced"]));
  });

  it.each([
    [
      { accelerator: "H100", instanceType: "a3-highgpu-1g", capacity: ["on-demand"] },
      "pool.capacity",
      "Google does not sell 'a3-highgpu-1g' as on-demand; use flex-start or spot",
    ],
    [
      { name: "a".repeat(36), capacity: ["spot"] },
      "pool.name",
      `'${"a".repeat(36)}-spot' has more than 40 characters`,
    ],
    [
      { capacity: ["on-demand", "spot"] },
      "pool.capacity",
      "without a ComputeClass GKE does not keep the order of several rungs; use 'compute-class'",
    ],
  ] satisfies [Partial<GpuPool>, string, string][])("refuses %j", (changes, propertyPath, reason) => {
    expect(() => {
      validateGkeGpuPoolArgs({
        clusterName: "globex",
        projectId: "globex-llmops",
        region: "europe-west4",
        pool: { ...l4, ...changes },
        selection: "node-pool",
        serviceAccount: "nodes@globex",
        labels: {},
      });
    }).toThrow(refusal(propertyPath, reason));
  });

  it("has a GKE name for every accelerator a machine of the table carries", () => {
    const offered = new Set(Object.values(GCP_GPU_MACHINES).map((machine) => machine.accelerator as string));
    const unnamed = ACCELERATORS.filter(
      (accelerator) => offered.has(accelerator) && GKE_ACCELERATOR_TYPES[accelerator] === undefined,
    );
    expect(unnamed).toEqual([]);
  });
});

describe("DevicePlugin", () => {
  it.each([
    ["device-plugin", ["dcgm-exporter", "nvidia-device-plugin"]],
    ["gpu-operator", ["gpu-operator"]],
  ] as const)("%s installs %j and never both plugins", async (software, charts) => {
    const graph = await capture({
      stack: "test",
      program: () => new DevicePlugin("gpu", { software, sharing: [] }, {}),
    });
    const releases = ofType(graph, "kubernetes:helm.sh/v3:Release").map(({ inputs }) => inputs["name"]);
    expect(releases.sort()).toEqual(charts);
    expect(ofType(graph, "kubernetes:core/v1:Namespace")).toHaveLength(1);
  });

  it("writes one configuration per number of time slices", () => {
    expect(
      Object.keys(
        devicePluginConfigs([
          { kind: "none" },
          { kind: "time-slicing", replicas: 4 },
          { kind: "time-slicing", replicas: 4 },
          { kind: "time-slicing", replicas: 2 },
        ]),
      ).sort(),
    ).toEqual(["default", "time-slicing-2", "time-slicing-4"]);
  });

  it("refuses MIG without the operator", () => {
    expect(() => {
      validateDevicePluginArgs({ software: "device-plugin", sharing: [{ kind: "mig", profile: "1g.10gb" }] });
    }).toThrow(
      refusal(
        "software",
        "partitioning a GPU (MIG) needs 'gpu-operator': the plugin alone does not create partitions",
      ),
    );
  });
});
