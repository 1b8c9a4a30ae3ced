import { describe, expect, it } from "vitest";
import { ofType } from "../../graph/graph.ts";
import { capture } from "../../plan/capture.ts";
import { GcpNetwork, validateGcpNetworkArgs, type GcpNetworkArgs } from "./gcp.ts";

const args: GcpNetworkArgs = {
  clusterName: "globex-prod",
  projectId: "globex-llmops-prod",
  region: "europe-southwest1",
  cidr: "10.60.0.0/20",
  podsCidr: "10.64.0.0/14",
  servicesCidr: "10.68.0.0/20",
};

describe("GcpNetwork", () => {
  it("is one private subnet with pod and service ranges behind a logging NAT", async () => {
    const graph = await capture({ stack: "test", program: () => new GcpNetwork("net", args) });
    expect(graph.nodes.filter(({ custom }) => custom).map(({ type }) => type)).toEqual([
      "gcp:compute/firewall:Firewall",
      "gcp:compute/network:Network",
      "gcp:compute/router:Router",
      "gcp:compute/routerNat:RouterNat",
      "gcp:compute/subnetwork:Subnetwork",
    ]);
    expect(ofType(graph, "gcp:compute/network:Network")[0]?.inputs["autoCreateSubnetworks"]).toBe(false);
    expect(ofType(graph, "gcp:compute/subnetwork:Subnetwork")[0]?.inputs).toMatchObject({
      name: "globex-prod-nodes",
      ipCidrRange: "10.60.0.0/20",
      privateIpGoogleAccess: true,
      secondaryIpRanges: [
        { rangeName: "pods", ipCidrRange: "10.64.0.0/14" },
        { rangeName: "services", ipCidrRange: "10.68.0.0/20" },
      ],
      logConfig: { flowSampling: 0.5 },
    });
    expect(ofType(graph, "gcp:compute/routerNat:RouterNat")[0]?.inputs["logConfig"]).toEqual({
      enable: true,
      filter: "ERRORS_ONLY",
    });
    expect(ofType(graph, "gcp:compute/firewall:Firewall")[0]?.inputs).toMatchObject({
      direction: "INGRESS",
      denies: [{ protocol: "all" }],
      sourceRanges: ["0.0.0.0/0"],
    });
  });

  it("has a subnet for the proxies of load balancers where one is asked for", async () => {
    const graph = await capture({
      stack: "test",
      program: () => new GcpNetwork("net", { ...args, proxyCidr: "10.69.1.0/26" }),
    });
    const [, proxies] = ofType(graph, "gcp:compute/subnetwork:Subnetwork");
    expect(proxies?.inputs).toMatchObject({
      name: "globex-prod-proxies",
      ipCidrRange: "10.69.1.0/26",
      purpose: "REGIONAL_MANAGED_PROXY",
      role: "ACTIVE",
    });
  });

  it.each([
    [{ podsCidr: "10.60.8.0/22" }, "podsCidr", "10.60.8.0/22 overlaps cidr 10.60.0.0/20"],
    [{ servicesCidr: "10.65.0.0/20" }, "servicesCidr", "10.65.0.0/20 overlaps podsCidr 10.64.0.0/14"],
    [{ proxyCidr: "10.68.0.0/26" }, "proxyCidr", "10.68.0.0/26 overlaps servicesCidr 10.68.0.0/20"],
  ])("refuses %j", (changes, propertyPath, reason) => {
    expect(() => {
      validateGcpNetworkArgs({ ...args, ...changes });
    }).toThrow(expect.objectContaining({ propertyPath, reason }));
  });
});
