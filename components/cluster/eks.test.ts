import { describe, expect, it } from "vitest";
import { destroyOrder, ofType, type ResourceGraph, type ResourceNode } from "../../graph/graph.ts";
import { SECRET, UNKNOWN } from "../../graph/values.ts";
import { capture } from "../../plan/capture.ts";
import { typeCounts } from "../../plan/plan.ts";
import { EksCluster, eksKubeconfig, validateEksClusterArgs, type EksClusterArgs } from "./eks.ts";

const INGRESS_RULE = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule";

const admin = { principalArn: "arn:aws:iam::111122223333:role/deploy", role: "admin" } as const;
const viewer = { principalArn: "arn:aws:iam::111122223333:role/oncall", role: "view" } as const;
const args: EksClusterArgs = {
  clusterName: "acme-prod",
  accountId: "111122223333",
  region: "eu-south-2",
  version: "1.35",
  endpoint: { access: "private", allowedCidrs: ["10.8.0.0/24"] },
  access: [admin, viewer],
  systemNodes: { instanceType: "m7i.xlarge", min: 3, max: 6 },
  subnetIds: ["subnet-a", "subnet-b"],
  logRetentionDays: 400,
  nodesDependOn: [],
  tags: { owner: "platform" },
};

function graphOf(changes: Partial<EksClusterArgs> = {}): Promise<ResourceGraph> {
  return capture({ stack: "test", program: () => new EksCluster("eks", { ...args, ...changes }) });
}

describe("EksCluster", () => {
  it("consists of exactly these resources", async () => {
    const { nodes } = await graphOf();
    expect(Object.fromEntries(typeCounts(nodes.filter(({ custom }) => custom)))).toEqual({
      "aws:cloudwatch/logGroup:LogGroup": 1,
      "aws:ec2/launchTemplate:LaunchTemplate": 1,
      "aws:eks/accessEntry:AccessEntry": 2,
      "aws:eks/accessPolicyAssociation:AccessPolicyAssociation": 2,
      "aws:eks/addon:Addon": 5,
      "aws:eks/cluster:Cluster": 1,
      "aws:eks/nodeGroup:NodeGroup": 1,
      "aws:iam/role:Role": 4,
      "aws:iam/rolePolicyAttachment:RolePolicyAttachment": 5,
      "aws:kms/alias:Alias": 1,
      "aws:kms/key:Key": 1,
      "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": 1,
      "kubernetes:storage.k8s.io/v1:StorageClass": 1,
      "pulumi:providers:kubernetes": 2,
    });
  });

  it("starts closed: private endpoint, own key, all logs, no access for whoever creates it", async () => {
    const graph = await graphOf();
    const [cluster] = ofType(graph, "aws:eks/cluster:Cluster");
    expect(cluster?.inputs).toMatchObject({
      name: "acme-prod",
      version: "1.35",
      accessConfig: { authenticationMode: "API", bootstrapClusterCreatorAdminPermissions: false },
      deletionProtection: true,
      enabledClusterLogTypes: ["api", "audit", "authenticator", "controllerManager", "scheduler"],
      upgradePolicy: { supportType: "STANDARD" },
      vpcConfig: { endpointPrivateAccess: true, endpointPublicAccess: false },
    });
    expect(cluster?.propertyDependencies["encryptionConfig"]).toEqual([
      ofType(graph, "aws:kms/key:Key")[0]?.urn,
    ]);
  });

  it("opens the endpoint to the listed networks only", async () => {
    const [cluster] = ofType(
      await graphOf({ endpoint: { access: "public", allowedCidrs: ["203.0.113.0/24"] } }),
      "aws:eks/cluster:Cluster",
    );
    expect(cluster?.inputs["vpcConfig"]).toMatchObject({
      endpointPublicAccess: true,
      publicAccessCidrs: ["203.0.113.0/24"],
    });
  });

  it("admits the listed networks to a private endpoint, before anything is created inside", async () => {
    const graph = await graphOf({
      endpoint: { access: "private", allowedCidrs: ["10.8.0.0/24", "10.9.0.0/16"] },
    });
    const rules = ofType(graph, INGRESS_RULE);
    expect(rules.map(({ name, inputs }) => ({ name, inputs }))).toEqual(
      [
        { name: "eks-api-from-10-8-0-0-24", cidrIpv4: "10.8.0.0/24" },
        { name: "eks-api-from-10-9-0-0-16", cidrIpv4: "10.9.0.0/16" },
      ].map(({ name, cidrIpv4 }) => ({
        name,
        inputs: {
          securityGroupId: UNKNOWN,
          description: "Kubernetes API",
          ipProtocol: "tcp",
          fromPort: 443,
          toPort: 443,
          cidrIpv4,
          tags: args.tags,
        },
      })),
    );
    const [cluster] = ofType(graph, "aws:eks/cluster:Cluster");
    for (const rule of rules) {
      expect(rule.propertyDependencies["securityGroupId"]).toEqual([cluster?.urn]);
      for (const provider of ofType(graph, "pulumi:providers:kubernetes"))
        expect(provider.dependencies).toContain(rule.urn);
    }
  });

  it("has no such rule where the endpoint is public", async () => {
    const graph = await graphOf({ endpoint: { access: "public", allowedCidrs: ["203.0.113.0/24"] } });
    expect(ofType(graph, INGRESS_RULE)).toEqual([]);
  });

  it("gives a claim without a class an encrypted volume, and has the class before any claim", async () => {
    const graph = await graphOf();
    const [volumes, ...others] = ofType(graph, "kubernetes:storage.k8s.io/v1:StorageClass");
    expect(others).toEqual([]);
    expect(volumes?.inputs).toMatchObject({
      metadata: {
        name: "gp3-encrypted",
        annotations: { "storageclass.kubernetes.io/is-default-class": "true" },
      },
      provisioner: "ebs.csi.aws.com",
      parameters: { type: "gp3", encrypted: "true" },
      volumeBindingMode: "WaitForFirstConsumer",
      allowVolumeExpansion: true,
    });
    const named = (name: string): ResourceNode | undefined => graph.nodes.find((node) => node.name === name);
    expect(volumes?.dependencies).toContain(named("eks-addon-aws-ebs-csi-driver")?.urn);
    expect(named("eks-kubernetes")?.dependencies).toContain(volumes?.urn);
    expect(volumes?.provider).toBe(named("eks-volumes-kubernetes")?.urn);
  });

  it("maps roles to access policies", async () => {
    const associations = ofType(await graphOf(), "aws:eks/accessPolicyAssociation:AccessPolicyAssociation");
    expect(
      associations.map(({ name, inputs }) => [name, inputs["principalArn"], inputs["policyArn"]]),
    ).toEqual([
      [
        "eks-access-deploy-admin",
        admin.principalArn,
        "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy",
      ],
      [
        "eks-access-oncall-view",
        viewer.principalArn,
        "arn:aws:eks::aws:cluster-access-policy/AmazonEKSAdminViewPolicy",
      ],
    ]);
  });

  it("hardens its nodes", async () => {
    const graph = await graphOf();
    expect(ofType(graph, "aws:ec2/launchTemplate:LaunchTemplate")[0]?.inputs).toMatchObject({
      metadataOptions: { httpTokens: "required", httpPutResponseHopLimit: 1 },
      blockDeviceMappings: [{ ebs: { encrypted: "true", volumeType: "gp3", volumeSize: 100 } }],
    });
    expect(ofType(graph, "aws:eks/nodeGroup:NodeGroup")[0]).toMatchObject({
      inputs: {
        amiType: "AL2023_x86_64_STANDARD",
        instanceTypes: ["m7i.xlarge"],
        scalingConfig: { minSize: 3, desiredSize: 3, maxSize: 6 },
        nodeRepairConfig: { enabled: true },
      },
      options: { ignoreChanges: ["scalingConfig.desiredSize"] },
    });
  });

  it("keeps the kubeconfig secret", async () => {
    const providers = ofType(await graphOf(), "pulumi:providers:kubernetes");
    expect(providers.map(({ inputs }) => inputs["kubeconfig"])).toEqual([SECRET, SECRET]);
  });

  it("is destroyed from the Kubernetes provider over nodes and addons down to the key", async () => {
    const graph = await graphOf();
    const order = destroyOrder(graph);
    const place = (type: string, name: string): number =>
      order.indexOf(graph.nodes.find((node) => node.type === type && node.name === name)?.urn ?? "missing");
    const places = [
      place("pulumi:providers:kubernetes", "eks-kubernetes"),
      place("kubernetes:storage.k8s.io/v1:StorageClass", "eks-volumes"),
      place("pulumi:providers:kubernetes", "eks-volumes-kubernetes"),
      place("aws:eks/addon:Addon", "eks-addon-coredns"),
      place("aws:eks/nodeGroup:NodeGroup", "eks-system-nodes"),
      place("aws:eks/addon:Addon", "eks-addon-vpc-cni"),
      place("aws:eks/cluster:Cluster", "eks-cluster"),
      place("aws:cloudwatch/logGroup:LogGroup", "eks-logs"),
      place("aws:kms/key:Key", "eks-secrets-key"),
    ];
    expect(places).not.toContain(-1);
    expect(places).toEqual([...places].sort((a, b) => a - b));
  });

  it.each([
    [{ clusterName: "Acme" }, "clusterName", "'Acme' must be lower-case letters, digits and '-'"],
    [{ clusterName: "a".repeat(41) }, "clusterName", `'${"a".repeat(41)}' has more than 40 characters`],
    [
      { endpoint: { access: "public", allowedCidrs: ["0.0.0.0/0"] } },
      "endpoint.allowedCidrs[0]",
      "0.0.0.0/0 is wider than a /8",
    ],
    [
      { endpoint: { access: "public", allowedCidrs: [] } },
      "endpoint.allowedCidrs",
      "nobody could deploy into a cluster that admits no network",
    ],
    [
      { endpoint: { access: "private", allowedCidrs: [] } },
      "endpoint.allowedCidrs",
      "nobody could deploy into a cluster that admits no network",
    ],
    [
      { endpoint: { access: "private", allowedCidrs: ["10.8.0.0/24", "203.0.113.0/24"] } },
      "endpoint.allowedCidrs[1]",
      "203.0.113.0/24 is not a private network",
    ],
    [
      { endpoint: { access: "private", allowedCidrs: ["0.0.0.0/0"] } },
      "endpoint.allowedCidrs[0]",
      "0.0.0.0/0 is wider than a /8",
    ],
    [
      { systemNodes: { ...args.systemNodes, min: 0 } },
      "systemNodes.min",
      "0 is not a whole number from 1: operators need a node at all times",
    ],
    [{ systemNodes: { ...args.systemNodes, max: 2 } }, "systemNodes.max", "2 is less than min 3"],
    [{ subnetIds: ["subnet-a"] }, "subnetIds", "1 subnets; EKS needs two in different zones"],
    [
      { access: [viewer] },
      "access",
      "no principal has the role admin, so nobody could deploy into the cluster",
    ],
    [
      { access: [admin, admin] },
      "access[1].principalArn",
      "'arn:aws:iam::111122223333:role/deploy' is listed twice",
    ],
  ] satisfies [Partial<EksClusterArgs>, string, string][])("refuses %j", (changes, propertyPath, reason) => {
    expect(() => {
      validateEksClusterArgs({ ...args, ...changes });
    }).toThrow(expect.objectContaining({ propertyPath, reason }));
  });

  it("writes a kubeconfig that asks the aws command for a token", () => {
    expect(JSON.parse(eksKubeconfig("c", "eu-south-2", "https://api", "CA"))).toMatchObject({
      clusters: [{ cluster: { server: "https://api", "certificate-authority-data": "CA" } }],
      users: [
        {
          user: {
            exec: {
              command: "aws",
              args: ["eks", "get-token", "--cluster-name", "c", "--region", "eu-south-2"],
            },
          },
        },
      ],
    });
  });
});
