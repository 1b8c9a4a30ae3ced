import { describe, expect, it } from "vitest";
import { destroyOrder, ofType, type ResourceGraph } from "../../graph/graph.ts";
import { SECRET } from "../../graph/values.ts";
import { capture } from "../../plan/capture.ts";
import { typeCounts } from "../../plan/plan.ts";
import { ExistingCluster } from "./existing.ts";
import { GkeCluster, validateGkeClusterArgs, type GkeClusterArgs } from "./gke.ts";

const args: GkeClusterArgs = {
  clusterName: "globex-prod",
  projectId: "globex-llmops-prod",
  projectNumber: "210987654321",
  region: "europe-southwest1",
  zones: ["europe-southwest1-a", "europe-southwest1-b"],
  releaseChannel: "REGULAR",
  endpoint: { access: "private", allowedCidrs: ["10.8.0.0/24"] },
  gatewayApi: "off",
  controlPlaneCidr: "10.69.0.0/28",
  systemNodes: { instanceType: "e2-standard-4", min: 3, max: 6 },
  networkId: "network",
  subnetworkId: "subnetwork",
  labels: { owner: "platform" },
  nodesDependOn: [],
};

function graphOf(changes: Partial<GkeClusterArgs> = {}): Promise<ResourceGraph> {
  return capture({ stack: "test", program: () => new GkeCluster("gke", { ...args, ...changes }) });
}

describe("GkeCluster", () => {
  it("consists of exactly these resources", async () => {
    const { nodes } = await graphOf();
    expect(Object.fromEntries(typeCounts(nodes.filter(({ custom }) => custom)))).toEqual({
      "gcp:container/cluster:Cluster": 1,
      "gcp:container/nodePool:NodePool": 1,
      "gcp:kms/cryptoKey:CryptoKey": 1,
      "gcp:kms/cryptoKeyIAMMember:CryptoKeyIAMMember": 1,
      "gcp:kms/keyRing:KeyRing": 1,
      "gcp:projects/iAMMember:IAMMember": 2,
      "gcp:serviceaccount/account:Account": 1,
      "pulumi:providers:kubernetes": 1,
    });
  });

  it("makes load balancers from Gateways only where it is asked to", async () => {
    const channel = async (gatewayApi: "standard" | "off"): Promise<unknown> =>
      ofType(await graphOf({ gatewayApi }), "gcp:container/cluster:Cluster")[0]?.inputs["gatewayApiConfig"];
    expect(await channel("off")).toBeUndefined();
    expect(await channel("standard")).toEqual({ channel: "CHANNEL_STANDARD" });
  });

  it("starts closed: private nodes and endpoint, own key, identity per workload, all logs", async () => {
    const graph = await graphOf();
    const [cluster] = ofType(graph, "gcp:container/cluster:Cluster");
    expect(cluster?.inputs).toMatchObject({
      name: "globex-prod",
      location: "europe-southwest1",
      datapathProvider: "ADVANCED_DATAPATH",
      deletionProtection: true,
      enableShieldedNodes: true,
      masterAuthorizedNetworksConfig: {
        gcpPublicCidrsAccessEnabled: false,
        cidrBlocks: [{ cidrBlock: "10.8.0.0/24" }],
      },
      privateClusterConfig: {
        enablePrivateNodes: true,
        enablePrivateEndpoint: true,
        masterIpv4CidrBlock: "10.69.0.0/28",
      },
      releaseChannel: { channel: "REGULAR" },
      removeDefaultNodePool: true,
      workloadIdentityConfig: { workloadPool: "globex-llmops-prod.svc.id.goog" },
      databaseEncryption: { state: "ENCRYPTED" },
      loggingConfig: {
        enableComponents: ["SYSTEM_COMPONENTS", "WORKLOADS", "APISERVER", "SCHEDULER", "CONTROLLER_MANAGER"],
      },
    });
    expect(cluster?.propertyDependencies["databaseEncryption"]).toEqual([
      ofType(graph, "gcp:kms/cryptoKey:CryptoKey")[0]?.urn,
    ]);
    expect(ofType(graph, "gcp:kms/cryptoKeyIAMMember:CryptoKeyIAMMember")[0]?.inputs["member"]).toBe(
      "serviceAccount:service-210987654321@container-engine-robot.iam.gserviceaccount.com",
    );
  });

  it("opens the endpoint to the listed networks only", async () => {
    const [cluster] = ofType(
      await graphOf({ endpoint: { access: "public", allowedCidrs: ["203.0.113.0/24"] } }),
      "gcp:container/cluster:Cluster",
    );
    expect(cluster?.inputs).toMatchObject({
      masterAuthorizedNetworksConfig: { cidrBlocks: [{ cidrBlock: "203.0.113.0/24" }] },
      privateClusterConfig: { enablePrivateNodes: true, enablePrivateEndpoint: false },
    });
  });

  it("counts the system pool in total, not per zone, and hardens its nodes", async () => {
    const [pool] = ofType(await graphOf(), "gcp:container/nodePool:NodePool");
    expect(pool?.inputs).toMatchObject({
      autoscaling: { totalMinNodeCount: 3, totalMaxNodeCount: 6 },
      management: { autoRepair: true, autoUpgrade: true },
      nodeConfig: {
        machineType: "e2-standard-4",
        shieldedInstanceConfig: { enableSecureBoot: true, enableIntegrityMonitoring: true },
        workloadMetadataConfig: { mode: "GKE_METADATA" },
      },
    });
  });

  it("is destroyed from the Kubernetes provider over nodes down to the key", async () => {
    const graph = await graphOf();
    const order = destroyOrder(graph);
    const places = [
      "pulumi:providers:kubernetes",
      "gcp:container/nodePool:NodePool",
      "gcp:container/cluster:Cluster",
      "gcp:kms/cryptoKey:CryptoKey",
    ].map((type) => order.indexOf(ofType(graph, type)[0]?.urn ?? "missing"));
    expect(places).not.toContain(-1);
    expect(places).toEqual([...places].sort((a, b) => a - b));
  });

  it.each([
    [{ clusterName: "a".repeat(25) }, "clusterName", `'${"a".repeat(25)}' has more than 24 characters`],
    [
      { endpoint: { access: "private", allowedCidrs: [] } },
      "endpoint.allowedCidrs",
      "nobody could deploy into a cluster that admits no network",
    ],
    [{ controlPlaneCidr: "10.69.0.0/24" }, "controlPlaneCidr", "10.69.0.0/24 is not a /28"],
  ] satisfies [Partial<GkeClusterArgs>, string, string][])("refuses %j", (changes, propertyPath, reason) => {
    expect(() => {
      validateGkeClusterArgs({ ...args, ...changes });
    }).toThrow(expect.objectContaining({ propertyPath, reason }));
  });
});

describe("ExistingCluster", () => {
  it("is a provider with a secret kubeconfig and the chosen context", async () => {
    const graph = await capture({
      stack: "test",
      program: () =>
        new ExistingCluster("own", {
          clusterName: "kind",
          kubeconfig: "token: hunter2",
          context: "kind-dev",
        }),
    });
    expect(graph.nodes.filter(({ custom }) => custom).map(({ inputs }) => inputs)).toEqual([
      { kubeconfig: SECRET, context: "kind-dev", enableServerSideApply: "true" },
    ]);
    expect(JSON.stringify(graph)).not.toContain("hunter2");
  });
});
