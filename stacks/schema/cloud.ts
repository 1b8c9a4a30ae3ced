import { z } from "zod";
import { EFS_DRIVER, EKS_ADDONS } from "../../components/cluster/eks-addons.ts";
import { cidr, count, countOrZero, dnsName } from "./primitives.ts";

const endpoint = z
  .discriminatedUnion("access", [
    z
      .strictObject({
        access: z.literal("private"),
        allowedCidrs: z
          .array(cidr)
          .min(1)
          .describe("Private networks that may reach the API, among them the one `pulumi up` runs in."),
      })
      .describe("Reachable by private addresses only, from the listed networks."),
    z
      .strictObject({
        access: z.literal("public"),
        allowedCidrs: z.array(cidr).min(1).describe("Networks that may reach the API; 0.0.0.0/0 is refused."),
      })
      .describe("Reachable from the listed networks, and from inside."),
  ])
  .describe("Who can reach the Kubernetes API endpoint.");

const kubernetesVersion = z
  .string()
  .regex(/^1\.\d{2}$/, { error: 'must be a Kubernetes minor version in quotes, for example "1.35"' })
  .describe("Kubernetes minor version.");

const systemNodes = z
  .strictObject({
    instanceType: z.string().min(1).describe("Instance or machine type without GPU."),
    min: count.describe("Nodes at the quietest hour."),
    expected: count.describe("Nodes on an ordinary day; used by the cost report."),
    max: count.describe("Hard ceiling of nodes."),
  })
  .describe("Pool for everything that needs no GPU: operators, gateway, observability.");

const deletionProtection = z
  .enum(["on", "off"])
  .default("on")
  .describe("Whether the cluster can be deleted; `off` is the last change before `pulumi destroy`.");

const aws = z
  .strictObject({
    provider: z.literal("aws"),
    accountId: z
      .string()
      .regex(/^\d{12}$/, { error: "must be the 12-digit AWS account id in quotes" })
      .describe("The only account this stack may touch."),
    region: z
      .string()
      .regex(/^[a-z]{2}(-[a-z]+)+-\d$/, { error: "must be an AWS region, for example eu-south-2" }),
    zones: z.array(z.string().min(1)).min(2).max(6).describe("Availability zones, at least two."),
    network: z.strictObject({
      cidr: cidr.describe("Address range of the VPC."),
      nat: z.enum(["per-zone", "single", "none"]).describe("NAT gateways: per zone for production."),
      interfaceEndpoints: z
        .array(
          z.enum([
            "ecr.api",
            "ecr.dkr",
            "sts",
            "logs",
            "kms",
            "ec2",
            "eks",
            "eks-auth",
            "sqs",
            "elasticfilesystem",
          ]),
        )
        .default([])
        .describe("AWS services reached without leaving the VPC."),
      flowLogRetentionDays: z
        .union([z.literal(30), z.literal(90), z.literal(180), z.literal(365), z.literal(400), z.literal(731)])
        .default(365)
        .describe("Days VPC flow logs are kept; CloudWatch accepts only these values."),
    }),
    cluster: z.strictObject({
      version: kubernetesVersion,
      endpoint,
      access: z
        .array(
          z.strictObject({
            principalArn: z.string().regex(/^arn:aws:iam::\d{12}:(role|user)\/.+$/, {
              error: "must be the ARN of an IAM role or user",
            }),
            role: z.enum(["admin", "view"]),
          }),
        )
        .min(1)
        .describe("Who may use the Kubernetes API (EKS access entries)."),
      systemNodes,
      systemNodesVersion: kubernetesVersion
        .optional()
        .describe("Kubernetes minor of the system nodes. Default: the one they were created with."),
      addonVersions: z
        .partialRecord(
          z.enum([...EKS_ADDONS, EFS_DRIVER]),
          z.string().regex(/^v\d+\.\d+\.\d+-eksbuild\.\d+$/, {
            error: "must be an EKS addon version, for example v1.12.4-eksbuild.1",
          }),
        )
        .default({})
        .describe(
          "Versions of EKS addons. Default: EKS's own for the cluster's version at creation; it never changes them.",
        ),
      deletionProtection,
      gpuSoftware: z
        .enum(["device-plugin", "gpu-operator"])
        .default("device-plugin")
        .describe("What makes GPUs schedulable; `gpu-operator` is needed for MIG."),
    }),
  })
  .describe("Amazon EKS.");

const gcp = z
  .strictObject({
    provider: z.literal("gcp"),
    projectId: z.string().regex(/^[a-z][a-z0-9-]{4,28}[a-z0-9]$/, {
      error: "must be a Google Cloud project id (6-30 characters)",
    }),
    projectNumber: z.string().regex(/^\d{6,}$/, { error: "must be the numeric project number in quotes" }),
    region: z
      .string()
      .regex(/^[a-z]+-[a-z]+\d+$/, { error: "must be a GCP region, for example europe-southwest1" }),
    zones: z.array(z.string().min(1)).min(1).max(4).describe("Zones for nodes."),
    network: z.strictObject({
      cidr: cidr.describe("Address range of the nodes."),
      podsCidr: cidr.describe("Secondary range of the pods."),
      servicesCidr: cidr.describe("Secondary range of the services."),
      controlPlaneCidr: cidr.describe("/28 of the control plane."),
      proxyCidr: cidr
        .optional()
        .describe("Proxies of the entry's load balancer, /26 or wider; required with gateway.entry."),
    }),
    cluster: z.strictObject({
      releaseChannel: z.enum(["REGULAR", "STABLE", "EXTENDED"]).default("REGULAR"),
      endpoint,
      systemNodes,
      deletionProtection,
    }),
  })
  .describe("Google Kubernetes Engine.");

const existing = z
  .strictObject({
    provider: z.literal("existing"),
    clusterName: dnsName,
    region: z.string().min(1).describe("Where the cluster stands; residency is judged on it."),
    kubeconfigPath: z.string().min(1).describe("Path of a kubeconfig file, read at deployment time."),
    context: z.string().min(1).optional().describe("Context in the kubeconfig. Default: the current one."),
    gpuSoftware: z
      .enum(["managed", "device-plugin", "gpu-operator"])
      .default("managed")
      .describe("What makes GPUs schedulable; `managed`: somebody else installed it."),
  })
  .describe(
    "Any cluster that exists already (kind, on-premises, another cloud), with a default StorageClass.",
  );

const local = z
  .strictObject({
    provider: z.literal("local"),
    engine: z
      .enum(["auto", "embedded", "stand-in"])
      .default("auto")
      .describe("`embedded` needs `npm run model:install`; `auto` falls back to the stand-in and says so."),
    port: countOrZero.max(65_535).default(0).describe("Loopback port; 0 picks a free one."),
  })
  .describe("This machine only: no cluster, no cloud.");

/** Where the platform runs. */
export const cloud = z
  .discriminatedUnion("provider", [aws, gcp, existing, local])
  .describe("Where the platform runs.");
