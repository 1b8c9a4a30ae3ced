import type { GpuCloud } from "../../components/gpu/accelerators.ts";
import type { PlatformConfig } from "../../stacks/schema/platform.ts";
import type { ForkAnswers } from "../answers.ts";
import type { Decision } from "../decision.ts";
import { ForkError } from "../fork-error.ts";
import type { StackDocument } from "../stack-document.ts";

type Cloud = Extract<PlatformConfig["cloud"], { provider: GpuCloud }>;

/**
 * Machine types of the same size: vCPUs and memory. Sources, read 2026-11-24:
 * https://docs.aws.amazon.com/ec2/latest/instancetypes/gp.html, https://cloud.google.com/compute/docs/general-purpose-machines
 */
const SAME_SIZE: readonly Readonly<Record<GpuCloud, string>>[] = [
  { aws: "m7i.large", gcp: "e2-standard-2" },
  { aws: "m7i.xlarge", gcp: "e2-standard-4" },
  { aws: "m7i.2xlarge", gcp: "e2-standard-8" },
  { aws: "m7i.4xlarge", gcp: "e2-standard-16" },
];

/** Lengths of the four ranges of an environment on Google Cloud, bits: nodes, pods, services, control plane. */
export const GCP_PREFIXES = [20, 14, 20, 28] as const;

/** Length of the range of an environment on AWS, bits. */
export const AWS_PREFIX = 16;

/** Minor version of Kubernetes a fork that comes from Google Cloud starts with; the one the shipped stacks use. */
const KUBERNETES = "1.35";

function sameSize(type: string, from: GpuCloud, to: GpuCloud): string {
  const pair = SAME_SIZE.find((each) => each[from] === type);
  if (pair === undefined)
    throw new ForkError(
      `cloud.cluster.systemNodes.instanceType '${type}' has no known equivalent on ${to}; give --system-nodes <type>`,
    );
  return pair[to];
}

function accountKeys(document: StackDocument, answers: ForkAnswers): void {
  if (answers.cloud === "aws") {
    document.set(["cloud", "accountId"], answers.accountId);
    document.set(["cloud", "network", "cidr"], answers.network);
    for (const index of document.indexes(["cloud", "cluster", "access"])) {
      const key = ["cloud", "cluster", "access", index, "principalArn"];
      const arn = document.text(key) ?? "";
      document.set(key, arn.replace(/^arn:aws:iam::\d{12}:/, `arn:aws:iam::${answers.accountId}:`));
    }
    return;
  }
  document.set(["cloud", "projectId"], answers.projectId);
  document.set(["cloud", "projectNumber"], answers.projectNumber);
  for (const [key, network] of Object.entries(answers.network))
    document.set(["cloud", "network", key], network);
}

/** Range the environment's own machines are in. */
function ownNetwork(answers: ForkAnswers): string {
  return answers.cloud === "aws" ? answers.network : answers.network.cidr;
}

/** The template's networks are its client's; what is certainly the new client's is the environment's own. */
function endpointOf(answers: ForkAnswers): Cloud["cluster"]["endpoint"] {
  return { access: "private", allowedCidrs: [ownNetwork(answers)] };
}

function sameCloud(document: StackDocument, template: Cloud, answers: ForkAnswers): void {
  document.set(["cloud", "region"], answers.region);
  if (answers.zones.join() !== template.zones.join()) document.set(["cloud", "zones"], answers.zones);
  accountKeys(document, answers);
  if (answers.systemNodes !== undefined)
    document.set(["cloud", "cluster", "systemNodes", "instanceType"], answers.systemNodes);
  document.set(["cloud", "cluster", "endpoint"], endpointOf(answers));
}

function otherCloud(document: StackDocument, template: Cloud, answers: ForkAnswers): Decision[] {
  const { instanceType, ...counts } = template.cluster.systemNodes;
  const systemNodes = {
    instanceType: answers.systemNodes ?? sameSize(instanceType, template.provider, answers.cloud),
    ...counts,
  };
  const { region, zones } = answers;
  if (answers.cloud === "gcp") {
    document.set(["cloud"], {
      provider: "gcp",
      projectId: answers.projectId,
      projectNumber: answers.projectNumber,
      region,
      zones,
      network: answers.network,
      cluster: { releaseChannel: "REGULAR", endpoint: endpointOf(answers), systemNodes },
    });
    return [
      {
        key: "cloud.cluster.releaseChannel",
        what: "REGULAR: GKE chooses the version; EKS access entries have no equivalent, grant roles in IAM",
      },
    ];
  }
  document.set(["cloud"], {
    provider: "aws",
    accountId: answers.accountId,
    region,
    zones,
    network: {
      cidr: answers.network,
      nat: answers.environment === "prod" ? "per-zone" : "single",
      interfaceEndpoints: ["ecr.api", "ecr.dkr", "sts"],
    },
    cluster: {
      version: KUBERNETES,
      endpoint: endpointOf(answers),
      access: [{ principalArn: `arn:aws:iam::${answers.accountId}:role/platform-deploy`, role: "admin" }],
      systemNodes,
    },
  });
  return [
    { key: "cloud.cluster.version", what: `${KUBERNETES}: GKE chose it by channel, EKS wants it named` },
    {
      key: "cloud.network.interfaceEndpoints",
      what: "the least that pulls images without leaving the network; others save NAT traffic",
    },
  ];
}

/** Puts the new client's account, region, zones and networks in place; a section of the other cloud is written anew. */
export function writeCloud(document: StackDocument, template: Cloud, answers: ForkAnswers): Decision[] {
  const moved = template.provider !== answers.cloud;
  if (!moved) sameCloud(document, template, answers);
  return [
    ...(moved ? otherCloud(document, template, answers) : []),
    {
      key: "cloud.cluster.endpoint",
      what: `private, from ${ownNetwork(answers)} only: \`pulumi up\` runs inside; the template's networks are its client's, add those of the new client's VPN or runners`,
    },
    ...(answers.cloud === "aws"
      ? [
          {
            key: "cloud.cluster.access",
            what: `the roles must exist in account ${answers.accountId}; nobody else gets in`,
          },
        ]
      : []),
    ...(answers.region === template.region
      ? []
      : [{ key: "cloud.zones", what: `whether ${answers.zones.join(", ")} have the GPUs of every pool` }]),
  ];
}
