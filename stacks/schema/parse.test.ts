import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { OPENAI_EU } from "../testing/providers.ts";
import { parsePlatform } from "./parse.ts";
import { ConfigError, CONFIG_KEY, parseStackText, stackFile } from "./stack-file.ts";

const FOLDER = join(import.meta.dirname, "..");
const REMOVE = Symbol("remove");

/** Stack, key path, value put there, and every problem expected: key path, reason, fix. */
type Row = readonly [string, string, unknown, readonly (readonly [string, string, string])[]];

const rows: readonly Row[] = [
  [
    "acme-prod",
    "evaluation.runner",
    {
      kind: "cluster",
      image: `evals@sha256:${"a".repeat(64)}`,
      client: "nobody",
      key: { name: "evaluation", key: "gateway" },
      maxUsd: 50,
    },
    [
      [
        "evaluation.runner.client",
        "the gateway has no client 'nobody'",
        "add one under gateway.clients, with every model it evaluates",
      ],
    ],
  ],
  [
    "acme-prod",
    "evaluation.runner",
    {
      kind: "cluster",
      image: `evals@sha256:${"a".repeat(64)}`,
      client: "claims-portal",
      key: { name: "evaluation", key: "gateway" },
      maxUsd: 50,
      online: { kind: "sampled", judge: "oracle" },
    },
    [["evaluation.runner.client", "the client may not call 'oracle'", "add it to the client's models"]],
  ],
  [
    "acme-prod",
    "gateway.delivery",
    { strategy: "canary", replicas: 3 },
    [
      [
        "gateway.delivery.replicas",
        "gateway.replicas is 3, so none would keep the version that serves now",
        "lower it, raise gateway.replicas, or use strategy: rolling",
      ],
    ],
  ],
  [
    "acme-prod",
    "evaluation.runner",
    {
      kind: "cluster",
      image: `evals@sha256:${"a".repeat(64)}`,
      client: "claims-portal",
      key: { name: "evaluation", key: "gateway" },
      maxUsd: 5,
      online: {
        kind: "sampled",
        judge: "claims-reasoner",
        distance: { kind: "measured", model: "claims-assistant", suites: ["factuality"] },
      },
    },
    [
      [
        "evaluation.runner.online.distance.model",
        "no provider with /v1/embeddings has this model",
        "name one of providers[].models, of kind openai or openai-compatible",
      ],
    ],
  ],
  [
    "acme-prod",
    "evaluation.tracking",
    {
      kind: "mlflow",
      image: "ghcr.io/mlflow/mlflow:v3.12.0-full",
      database: { uri: { name: "d", key: "u" }, cidr: "db" },
    },
    [
      [
        "evaluation.tracking.image",
        "must be pinned by digest: <image>@sha256:<64 hex digits>",
        "change evaluation.tracking.image: it must be pinned by digest: <image>@sha256:<64 hex digits> (ghcr.io/mlflow/mlflow 3.12, the `-full` variant, or a mirror of it)",
      ],
      [
        "evaluation.tracking.database.cidr",
        "must be a network, for example 10.20.0.0/16",
        "change evaluation.tracking.database.cidr: it must be a network, for example 10.20.0.0/16",
      ],
    ],
  ],
  [
    "acme-prod",
    "evaluation.tracking",
    {
      kind: "mlflow",
      image: `mlflow@sha256:${"a".repeat(64)}`,
      database: { uri: { name: "d", key: "u" }, cidr: "0.0.0.0/0" },
    },
    [
      [
        "evaluation.tracking.database.cidr",
        "every address would be reachable",
        "write the network Postgres is in, for example its subnets",
      ],
    ],
  ],
  [
    "acme-prod",
    "budget.onUnknownPrice.usdPerHour.aws/eu-south-2/disk-gib",
    0.5,
    [
      [
        "budget.onUnknownPrice.usdPerHour.aws/eu-south-2/disk-gib",
        "0.5 USD per hour is absurd: at most 0.01 is believed",
        "ask the provider for the list price",
      ],
    ],
  ],
  [
    "acme-prod",
    "budget.onUnknownPrice.usdPerHour.aws/eu-south-2/disk",
    0.0001,
    [
      [
        "budget.onUnknownPrice.usdPerHour.aws/eu-south-2/disk",
        "'aws/eu-south-2/disk' is the key of nothing that is priced per hour",
        "copy the key from the error that asked for the price",
      ],
    ],
  ],
  [
    "acme-prod",
    "budget.onUnknownPrice.usdPerUnit.aws/eu-south-2/disk-gib",
    0.0001,
    [
      [
        "budget.onUnknownPrice.usdPerUnit.aws/eu-south-2/disk-gib",
        "'aws/eu-south-2/disk-gib' is the key of nothing that is priced per unit",
        "copy the key from the error that asked for the price",
      ],
    ],
  ],
  [
    "acme-prod",
    "budget.usage.egressGiB.expected",
    501,
    [
      [
        "budget.usage.egressGiB.expected",
        "more is expected than the most of 500",
        "raise max or lower expected",
      ],
    ],
  ],
  [
    "acme-prod",
    "budget.usage.egressGiB.max",
    -1,
    [
      [
        "budget.usage.egressGiB.max",
        "too small: expected number to be >0",
        "set budget.usage.egressGiB.max to more than 0 (Most the budget allows for)",
      ],
    ],
  ],
  [
    "acme-prod",
    "registryMirror",
    { host: "https://registry.acme.example/" },
    [
      [
        "registryMirror.host",
        "must be a host, with port and path if any, without scheme and final '/'",
        "change registryMirror.host: it must be a host, with port and path if any, without scheme and final '/' (Registry, for example registry.acme.example/mirror)",
      ],
    ],
  ],
  [
    "acme-prod",
    "client",
    "ACME",
    [
      [
        "client",
        "must be 1-20 lower-case letters, digits or '-', starting with a letter and ending with a letter or digit",
        "change client: it must be 1-20 lower-case letters, digits or '-', starting with a letter and ending with a letter or digit (The client this environment belongs to)",
      ],
    ],
  ],
  [
    "acme-prod",
    "client",
    REMOVE,
    [["client", "required, but missing", "set client to text (The client this environment belongs to)"]],
  ],
  [
    "acme-prod",
    "environment",
    "production",
    [
      [
        "environment",
        'invalid option: expected one of "local"|"dev"|"staging"|"prod"',
        "use one of local, dev, staging, prod",
      ],
    ],
  ],
  [
    "acme-prod",
    "environment",
    "local",
    [
      [
        "cloud.provider",
        "environment 'local' cannot run on provider 'aws'",
        "use environment 'local' together with provider 'local', and only together",
      ],
    ],
  ],
  [
    "acme-prod",
    "cloud.provider",
    "azure",
    [
      [
        "cloud.provider",
        "invalid discriminator value. Expected 'aws' | 'gcp' | 'existing' | 'local'",
        "set cloud.provider to one of aws, gcp, existing, local",
      ],
    ],
  ],
  [
    "acme-prod",
    "cloud.accountId",
    "1111",
    [
      [
        "cloud.accountId",
        "must be the 12-digit AWS account id in quotes",
        "change cloud.accountId: it must be the 12-digit AWS account id in quotes (The only account this stack may touch)",
      ],
    ],
  ],
  [
    "acme-prod",
    "cloud.accountId",
    111122223333,
    [
      [
        "cloud.accountId",
        "invalid input: expected string, received number",
        "set cloud.accountId to text (The only account this stack may touch)",
      ],
    ],
  ],
  [
    "acme-prod",
    "cloud.region",
    "us-east-1",
    [
      [
        "cloud.region",
        "region 'us-east-1' is not inside the EU-27, so personal data would leave the Union (GDPR Art. 44)",
        "use one of eu-central-1, eu-north-1, eu-south-1, eu-south-2, eu-west-1, eu-west-3, europe-central2, europe-north1, europe-north2, europe-southwest1, europe-west1, europe-west3, europe-west4, europe-west8, europe-west9, europe-west10, europe-west12",
      ],
      ["cloud.zones[0]", "zone 'eu-south-2a' is not in region 'us-east-1'", "use a zone such as us-east-1a"],
      ["cloud.zones[1]", "zone 'eu-south-2b' is not in region 'us-east-1'", "use a zone such as us-east-1a"],
      ["cloud.zones[2]", "zone 'eu-south-2c' is not in region 'us-east-1'", "use a zone such as us-east-1a"],
    ],
  ],
  [
    "acme-prod",
    "cloud.region",
    "Spain",
    [
      [
        "cloud.region",
        "must be an AWS region, for example eu-south-2",
        "change cloud.region: it must be an AWS region, for example eu-south-2",
      ],
    ],
  ],
  [
    "acme-prod",
    "cloud.zones",
    ["eu-south-2a"],
    [
      [
        "cloud.zones",
        "too small: expected array to have >=2 items",
        "set cloud.zones to at least 2 entries (Availability zones, at least two)",
      ],
    ],
  ],
  [
    "acme-prod",
    "cloud.zones[1]",
    "eu-south-2a",
    [["cloud.zones[1]", "zone 'eu-south-2a' is listed twice", "list each zone once"]],
  ],
  [
    "acme-prod",
    "cloud.zones[2]",
    "eu-west-1c",
    [["cloud.zones[2]", "zone 'eu-west-1c' is not in region 'eu-south-2'", "use a zone such as eu-south-2a"]],
  ],
  [
    "acme-prod",
    "cloud.zones",
    REMOVE,
    [
      [
        "cloud.zones",
        "required, but missing",
        "set cloud.zones to a list (Availability zones, at least two)",
      ],
    ],
  ],
  [
    "acme-prod",
    "cloud.network.cidr",
    "10.20.0.0",
    [
      [
        "cloud.network.cidr",
        "must be an IPv4 network in CIDR notation, for example 10.20.0.0/16",
        "change cloud.network.cidr: it must be an IPv4 network in CIDR notation, for example 10.20.0.0/16 (Address range of the VPC)",
      ],
    ],
  ],
  [
    "acme-prod",
    "cloud.network.cidr",
    "10.0.0.0/8",
    [
      [
        "cloud.network.cidr",
        "a /8 does not fit: AWS takes at most a /16, and the zones need at least a /20",
        "write a network between /16 and /20",
      ],
    ],
  ],
  [
    "acme-prod",
    "cloud.network.cidr",
    "10.0.0.0/24",
    [
      [
        "cloud.network.cidr",
        "a /24 does not fit: AWS takes at most a /16, and the zones need at least a /20",
        "write a network between /16 and /20",
      ],
    ],
  ],
  [
    "acme-prod",
    "cloud.network.nat",
    "two",
    [
      [
        "cloud.network.nat",
        'invalid option: expected one of "per-zone"|"single"|"none"',
        "use one of per-zone, single, none",
      ],
    ],
  ],
  [
    "acme-prod",
    "cloud.network.interfaceEndpoints[0]",
    "ecr",
    [
      [
        "cloud.network.interfaceEndpoints[0]",
        'invalid option: expected one of "ecr.api"|"ecr.dkr"|"sts"|"logs"|"kms"|"ec2"|"eks"|"eks-auth"|"sqs"|"elasticfilesystem"',
        "did you mean 'ec2'? use one of ecr.api, ecr.dkr, sts, logs, kms, ec2, eks, eks-auth, sqs, elasticfilesystem",
      ],
    ],
  ],
  [
    "acme-prod",
    "cloud.network.flowLogRetentionDays",
    100,
    [
      [
        "cloud.network.flowLogRetentionDays",
        "invalid input",
        "set cloud.network.flowLogRetentionDays to 30 or 90 or 180 or 365 or 400 or 731",
      ],
    ],
  ],
  [
    "acme-prod",
    "cloud.cluster.version",
    1.35,
    [
      [
        "cloud.cluster.version",
        "invalid input: expected string, received number",
        "set cloud.cluster.version to text (Kubernetes minor version)",
      ],
    ],
  ],
  [
    "acme-prod",
    "cloud.cluster.version",
    "1.9",
    [
      [
        "cloud.cluster.version",
        'must be a Kubernetes minor version in quotes, for example "1.35"',
        'change cloud.cluster.version: it must be a Kubernetes minor version in quotes, for example "1.35" (Kubernetes minor version)',
      ],
    ],
  ],
  [
    "acme-prod",
    "cloud.cluster.endpoint",
    { access: "public", allowedCidrs: ["0.0.0.0/0"] },
    [
      [
        "cloud.cluster.endpoint.allowedCidrs[0]",
        "0.0.0.0/0 opens the Kubernetes API to the whole internet",
        "list the networks of your offices or CI runners, or set access: private",
      ],
    ],
  ],
  [
    "globex-prod",
    "gpuPools[0]",
    {
      name: "l4",
      accelerator: "H100",
      gpusPerNode: 1,
      provisioner: "compute-class",
      capacity: ["on-demand", "spot"],
      nodes: { expected: 3, max: 8 },
      zones: ["europe-west4-b"],
    },
    [
      [
        "gpuPools[0].capacity[0]",
        "Google does not sell a3-highgpu-1g as on-demand",
        "use flex-start or spot, or another machine",
      ],
    ],
  ],
  [
    "acme-prod",
    "cloud.cluster.endpoint",
    { access: "private", allowedCidrs: ["10.20.0.0/16", "203.0.113.0/24"] },
    [
      [
        "cloud.cluster.endpoint.allowedCidrs[1]",
        "203.0.113.0/24 is not a private network (RFC 1918, RFC 6598), and nobody reaches a private endpoint from the internet",
        "list private networks with a route to it, or set access: public",
      ],
    ],
  ],
  [
    "globex-prod",
    "cloud.cluster.endpoint",
    { access: "private", allowedCidrs: ["0.0.0.0/0"] },
    [
      [
        "cloud.cluster.endpoint.allowedCidrs[0]",
        "0.0.0.0/0 opens the Kubernetes API to the whole internet",
        "list the networks of your VPN or CI runners",
      ],
    ],
  ],
  [
    "acme-prod",
    "cloud.cluster.endpoint",
    { access: "private" },
    [
      [
        "cloud.cluster.endpoint.allowedCidrs",
        "required, but missing",
        "set cloud.cluster.endpoint.allowedCidrs to a list (Private networks that may reach the API, among them the one `pulumi up` runs in)",
      ],
    ],
  ],
  [
    "acme-prod",
    "cloud.cluster.endpoint",
    { access: "public" },
    [
      [
        "cloud.cluster.endpoint.allowedCidrs",
        "required, but missing",
        "set cloud.cluster.endpoint.allowedCidrs to a list (Networks that may reach the API; 0.0.0.0/0 is refused)",
      ],
    ],
  ],
  [
    "acme-prod",
    "cloud.cluster.endpoint",
    { access: "open" },
    [
      [
        "cloud.cluster.endpoint.access",
        "invalid discriminator value. Expected 'private' | 'public'",
        "set cloud.cluster.endpoint.access to one of private, public",
      ],
    ],
  ],
  [
    "acme-prod",
    "cloud.cluster.access",
    [],
    [
      [
        "cloud.cluster.access",
        "too small: expected array to have >=1 items",
        "set cloud.cluster.access to at least 1 entries (Who may use the Kubernetes API (EKS access entries))",
      ],
    ],
  ],
  [
    "acme-prod",
    "cloud.cluster.access[0].principalArn",
    "deploy",
    [
      [
        "cloud.cluster.access[0].principalArn",
        "must be the ARN of an IAM role or user",
        "change cloud.cluster.access[0].principalArn: it must be the ARN of an IAM role or user",
      ],
    ],
  ],
  [
    "acme-prod",
    "cloud.cluster.access[0].principalArn",
    "arn:aws:iam::999999999999:role/x",
    [
      [
        "cloud.cluster.access[0].principalArn",
        "the principal is not in account 111122223333",
        "use a role of the environment's own account, or correct accountId",
      ],
    ],
  ],
  [
    "acme-prod",
    "cloud.cluster.access[0].role",
    "root",
    [
      [
        "cloud.cluster.access[0].role",
        'invalid option: expected one of "admin"|"view"',
        "use one of admin, view",
      ],
    ],
  ],
  [
    "acme-prod",
    "cloud.cluster.systemNodes.min",
    9,
    [
      [
        "cloud.cluster.systemNodes",
        "min <= expected <= max does not hold: 9 <= 3 <= 6",
        "order the three numbers",
      ],
    ],
  ],
  [
    "acme-prod",
    "cloud.cluster.systemNodes.max",
    0,
    [
      [
        "cloud.cluster.systemNodes.max",
        "too small: expected number to be >=1",
        "set cloud.cluster.systemNodes.max to at least 1 (Hard ceiling of nodes)",
      ],
    ],
  ],
  [
    "acme-prod",
    "residency",
    { regions: ["eu-central-1"] },
    [
      [
        "cloud.region",
        "data would leave the allowed regions eu-central-1",
        "use one of them, or have somebody who may widen residency.regions",
      ],
    ],
  ],
  [
    "acme-prod",
    "cloud.cluster.systemNodesVersion",
    "1.36",
    [
      [
        "cloud.cluster.systemNodesVersion",
        "nodes of 1.36 are newer than the control plane of 1.35",
        "upgrade cloud.cluster.version first",
      ],
    ],
  ],
  [
    "acme-prod",
    "cloud.cluster.systemNodesVersion",
    "1.31",
    [
      [
        "cloud.cluster.systemNodesVersion",
        "nodes of 1.31 are 4 minors behind the control plane of 1.35; 3 are allowed",
        "upgrade the nodes before the control plane",
      ],
    ],
  ],
  [
    "acme-staging",
    "gpuPools[0].generations",
    [{ name: "original", state: "serving", release: "1.36.0-20261101" }],
    [
      [
        "gpuPools[0].generations[0].release",
        "nodes of 1.36.0-20261101 are newer than the control plane of 1.35",
        "upgrade cloud.cluster.version first",
      ],
    ],
  ],
  [
    "acme-prod",
    "gpuPools[0].generations",
    [{ name: "original", release: "latest" }],
    [
      [
        "gpuPools[0].generations[0].release",
        "'latest' is no release of a pool with provisioner 'karpenter'",
        "write one such as v20261101",
      ],
    ],
  ],
  [
    "acme-prod",
    "gpuPools[0].generations",
    [
      { name: "original", state: "retiring" },
      { name: "original", state: "standby" },
    ],
    [
      [
        "gpuPools[0].generations[1].name",
        "the name 'original' is used twice",
        "give each entry its own name",
      ],
      [
        "gpuPools[0].generations",
        "no generation serves, so no model could start",
        "set one to state: serving",
      ],
    ],
  ],
  [
    "globex-prod",
    "gpuPools[0].generations",
    [{ name: "original" }, { name: "next" }],
    [
      [
        "gpuPools[0].generations",
        "a pool with provisioner 'compute-class' has its original generation only",
        "let GKE or the owner of the cluster exchange the nodes, or use a provisioner of this stack: docs/upgrade.md",
      ],
    ],
  ],
  [
    "globex-prod",
    "cloud.cluster.deletionProtection",
    "never",
    [
      [
        "cloud.cluster.deletionProtection",
        'invalid option: expected one of "on"|"off"',
        "use one of on, off",
      ],
    ],
  ],
  [
    "acme-prod",
    "cloud.cluster.gpuSoftware",
    "both",
    [
      [
        "cloud.cluster.gpuSoftware",
        'invalid option: expected one of "device-plugin"|"gpu-operator"',
        "use one of device-plugin, gpu-operator",
      ],
    ],
  ],
  [
    "acme-prod",
    "gpuPools[0].accelerator",
    "L40",
    [
      [
        "gpuPools[0].accelerator",
        'invalid option: expected one of "T4"|"L4"|"A10G"|"L40S"|"A100-40GB"|"A100-80GB"|"H100"|"H200"|"B200"',
        "did you mean 'L4'? use one of T4, L4, A10G, L40S, A100-40GB, A100-80GB, H100, H200, B200",
      ],
    ],
  ],
  [
    "acme-prod",
    "gpuPools[0].gpusPerNode",
    3,
    [
      [
        "gpuPools[0].gpusPerNode",
        "invalid input",
        "set gpuPools[0].gpusPerNode to 1 or 2 or 4 or 8 (GPUs in one node)",
      ],
    ],
  ],
  [
    "acme-prod",
    "gpuPools[0].gpusPerNode",
    2,
    [
      [
        "gpuPools[0].gpusPerNode",
        "aws has no machine with 2 x L40S",
        "choose another accelerator or number of GPUs",
      ],
    ],
  ],
  [
    "acme-prod",
    "gpuPools[0].provisioner",
    "compute-class",
    [
      [
        "gpuPools[0].provisioner",
        "provisioner 'compute-class' does not exist on provider 'aws'",
        "use karpenter or node-group",
      ],
    ],
  ],
  [
    "acme-prod",
    "gpuPools[0].capacity",
    [],
    [
      [
        "gpuPools[0].capacity",
        "too small: expected array to have >=1 items",
        "set gpuPools[0].capacity to at least 1 entries (Capacity ladder: what to try first, then second, and so on)",
      ],
    ],
  ],
  [
    "acme-prod",
    "gpuPools[0].capacity",
    ["spot", "spot"],
    [["gpuPools[0].capacity", "a rung of the capacity ladder occurs twice", "list each rung once"]],
  ],
  [
    "acme-prod",
    "gpuPools[0].capacity",
    ["flex-start"],
    [
      [
        "gpuPools[0].capacity",
        "'flex-start' exists on GKE only",
        "remove it; on AWS a Capacity Block is a `reserved` rung with its reservation id",
      ],
    ],
  ],
  [
    "acme-prod",
    "gpuPools[0].capacity",
    ["reserved"],
    [
      [
        "gpuPools[0].reservation",
        "the ladder has a 'reserved' rung but no reservation is named",
        "set both `capacity: [reserved, ...]` and `reservation`, or neither",
      ],
    ],
  ],
  [
    "acme-prod",
    "gpuPools[0].reservation",
    "cr-1",
    [
      [
        "gpuPools[0].reservation",
        "a reservation is named but the ladder has no 'reserved' rung",
        "set both `capacity: [reserved, ...]` and `reservation`, or neither",
      ],
    ],
  ],
  [
    "acme-prod",
    "gpuPools[0].nodes.min",
    1,
    [
      [
        "gpuPools[0].nodes.min",
        "Karpenter keeps no idle nodes",
        "set min: 0 (running replicas keep their nodes), or use provisioner: node-group",
      ],
    ],
  ],
  [
    "acme-prod",
    "gpuPools[0].nodes.expected",
    7,
    [["gpuPools[0].nodes", "min <= expected <= max does not hold: 0 <= 7 <= 6", "order the three numbers"]],
  ],
  [
    "acme-prod",
    "gpuPools[0].nodes.max",
    0,
    [
      [
        "gpuPools[0].nodes.max",
        "too small: expected number to be >=1",
        "set gpuPools[0].nodes.max to at least 1 (Hard ceiling; what the environment can cost at worst follows from it)",
      ],
    ],
  ],
  [
    "acme-prod",
    "gpuPools[0].zones",
    ["eu-south-2d"],
    [
      [
        "gpuPools[0].zones[0]",
        "zone 'eu-south-2d' is not one of the environment's zones",
        "use eu-south-2a, eu-south-2b, eu-south-2c, or add it to cloud.zones",
      ],
    ],
  ],
  [
    "acme-prod",
    "gpuPools[0].instanceType",
    "g6.xlarge",
    [
      [
        "gpuPools[0].instanceType",
        "'g6.xlarge' has 1 x L4, not 1 x L40S",
        "leave instanceType out to get the smallest machine that fits",
      ],
    ],
  ],
  [
    "acme-prod",
    "gpuPools[0].instanceType",
    "x1.large",
    [
      [
        "gpuPools[0].instanceType",
        "'x1.large' is not a known GPU machine of aws",
        "leave instanceType out to get the smallest machine that fits",
      ],
    ],
  ],
  [
    "acme-prod",
    "gpuPools[0].diskGiB",
    10,
    [
      [
        "gpuPools[0].diskGiB",
        "too small: expected number to be >=100",
        "set gpuPools[0].diskGiB to at least 100",
      ],
    ],
  ],
  [
    "acme-prod",
    "gpuPools[0].sharing",
    { kind: "mig", profile: "1g.10gb" },
    [
      [
        "gpuPools[0].sharing",
        "nothing on these nodes would partition the GPU (MIG)",
        "set cloud.cluster.gpuSoftware: gpu-operator and provisioner: karpenter",
      ],
      ["gpuPools[0].sharing", "L40S cannot be partitioned (MIG)", "set sharing: {kind: none}"],
    ],
  ],
  [
    "acme-prod",
    "gpuPools[0].sharing",
    { kind: "mig", profile: "small" },
    [
      [
        "gpuPools[0].sharing.profile",
        "must be a MIG profile, for example 1g.10gb",
        "change gpuPools[0].sharing.profile: it must be a MIG profile, for example 1g.10gb",
      ],
    ],
  ],
  [
    "acme-prod",
    "gpuPools[0].sharing",
    { kind: "time-slicing", replicas: 4 },
    [
      [
        "gpuPools[0].sharing",
        "time-slicing has no memory isolation between pods, so one model can starve another in production",
        "use MIG where the accelerator has it, or sharing: {kind: none}",
      ],
    ],
  ],
  [
    "acme-prod",
    "gpuPools[1].name",
    "l40s",
    [
      ["gpuPools[1].name", "the name 'l40s' is used twice", "give each entry its own name"],
      ["models[1].gpu.pool", "there is no GPU pool 'l40s-x4'", "use one of l40s, l40s"],
    ],
  ],
  [
    "acme-prod",
    "gpuPools[0].nodez",
    {},
    [
      [
        "gpuPools[0].nodez",
        "unknown key 'nodez'",
        "did you mean 'nodes'? Known keys here: name, accelerator, gpusPerNode, provisioner, instanceType, capacity, reservation, nodes, zones, diskGiB, sharing, generations",
      ],
    ],
  ],
  [
    "acme-prod",
    "models[0].gpu.pool",
    "l40",
    [["models[0].gpu.pool", "there is no GPU pool 'l40'", "did you mean 'l40s'?"]],
  ],
  [
    "acme-prod",
    "models[0].gpu.tensorParallel",
    2,
    [
      [
        "models[0].gpu.tensorParallel",
        "tensorParallel 2 > 1 GPUs of a node of pool 'l40s'",
        "use a pool with more GPUs per node, or lower tensorParallel",
      ],
      [
        "gpuPools[0].nodes.max",
        "the models on pool 'l40s' need 12 GPUs at max replicas > 6 nodes x 1 GPUs",
        "set max to at least 12, or lower the models' replicas",
      ],
      [
        "gpuPools[0].nodes.expected",
        "the models on pool 'l40s' need 6 GPUs at expected replicas > 3 nodes x 1 GPUs",
        "set expected to at least 6, or lower the models' replicas",
      ],
      [
        "tenancy.tenants[0].gpus",
        "the models of tenant 'claims' need 24 GPUs at maxReplicas and warmReplicas > its quota of 18",
        "set gpus to at least 24, or lower maxReplicas or warmReplicas",
      ],
    ],
  ],
  [
    "acme-prod",
    "models[0].engine.kind",
    "ollama",
    [
      [
        "models[0].engine.kind",
        "invalid discriminator value. Expected 'vllm' | 'sglang' | 'triton' | 'tgi'",
        "set models[0].engine.kind to one of vllm, sglang, triton, tgi",
      ],
    ],
  ],
  [
    "acme-prod",
    "models[0].engine.image",
    "vllm/vllm-openai:latest",
    [
      [
        "models[0].engine.image",
        "must be pinned by digest: <image>@sha256:<64 hex digits>",
        "change models[0].engine.image: it must be pinned by digest: <image>@sha256:<64 hex digits> (Container image, pinned by digest)",
      ],
    ],
  ],
  [
    "acme-prod",
    "models[0].architecture.parametersBillion",
    70,
    [
      [
        "models[0].gpu",
        "weights 133.0 GiB + activations 2.4 GiB > usable 39.6 GiB (each of 1 x L40S x 0.9)",
        "raise tensorParallel, choose a pool with more memory, or quantise the weights; pool 'l40s-x4' holds it with tensorParallel 4, 11.06 USD/h",
      ],
    ],
  ],
  [
    "acme-prod",
    "models[0].autoscaling.capacity",
    {
      inputTokensPerSecond: 9000,
      outputTokensPerSecond: 900,
      concurrency: 200,
      tokenMs: 40,
      idleTokenMs: 15,
      burstReplicas: 3,
      source: "measured",
      asOf: "2026-11-24",
    },
    [
      [
        "models[0].autoscaling.minReplicas",
        "minReplicas 2 < burstReplicas 3: bursts come faster than a replica starts",
        "set minReplicas to at least 3",
      ],
      [
        "models[0].autoscaling.capacity.concurrency",
        "concurrency 200 > maxNumSeqs 128: a replica could never run as many, so it would never count as full",
        "set it to at most 128, or raise engine.maxNumSeqs",
      ],
    ],
  ],
  [
    "local",
    "budget.allocation",
    "opencost",
    [
      [
        "budget.allocation",
        "nobody knows the prices of this cluster's GPUs, and OpenCost's own would be far off",
        "set it to none",
      ],
    ],
  ],
  [
    "acme-prod",
    "models[0].autoscaling.schedule",
    {
      timezone: "Europe/Madrid",
      windows: [
        { days: ["mon", "tue"], from: "08:00", to: "18:00", replicas: 9 },
        { days: ["tue"], from: "17:00", to: "02:00", replicas: 2 },
        { days: ["mon"], from: "17:30", to: "19:00", replicas: 3 },
      ],
    },
    [
      [
        "models[0].autoscaling.schedule.windows[0].replicas",
        "replicas 9 > maxReplicas 6",
        "lower it, or raise maxReplicas",
      ],
      [
        "models[0].autoscaling.schedule.windows[1].to",
        "the window ends at 02:00, not after its start 17:00",
        "split a window over midnight in two: until 24:00, and from 00:00 of the next day",
      ],
      [
        "models[0].autoscaling.schedule.windows[1].replicas",
        "replicas 2 <= minReplicas 2: the window changes nothing",
        "lower minReplicas, raise replicas, or remove the window",
      ],
      [
        "models[0].autoscaling.schedule.windows[2]",
        "overlaps window 0: nobody can read which floor holds",
        "separate the two windows",
      ],
    ],
  ],
  [
    "acme-prod",
    "models[0].autoscaling.schedule",
    { timezone: "Europe/Atlantis", windows: [{ days: ["mon"], from: "8", to: "25:00", replicas: 3 }] },
    [
      [
        "models[0].autoscaling.schedule.timezone",
        "must be an IANA time zone, for example Europe/Madrid",
        "set models[0].autoscaling.schedule.timezone to text (IANA name; summer time follows it)",
      ],
      [
        "models[0].autoscaling.schedule.windows[0].from",
        'must be a time in quotes, for example "08:30"',
        'change models[0].autoscaling.schedule.windows[0].from: it must be a time in quotes, for example "08:30" (Wall clock, HH:MM; start it a pod start earlier than people)',
      ],
      [
        "models[0].autoscaling.schedule.windows[0].to",
        'must be a time in quotes, for example "08:30"',
        'change models[0].autoscaling.schedule.windows[0].to: it must be a time in quotes, for example "08:30" (Wall clock, HH:MM, at most 24:00)',
      ],
    ],
  ],
  [
    "acme-prod",
    "models[0].source.revision",
    "main",
    [
      [
        "models[0].source.revision",
        "must be a full commit id (40 hex digits), not a branch",
        "change models[0].source.revision: it must be a full commit id (40 hex digits), not a branch",
      ],
    ],
  ],
  [
    "acme-prod",
    "models[0].tenant",
    "claim",
    [["models[0].tenant", "there is no tenant 'claim'", "did you mean 'claims'?"]],
  ],
  [
    "acme-prod",
    "models[0].autoscaling.minReplicas",
    9,
    [
      [
        "models[0].autoscaling",
        "minReplicas <= expectedReplicas <= maxReplicas does not hold: 9 <= 3 <= 6",
        "order the three numbers",
      ],
    ],
  ],
  [
    "acme-prod",
    "models[0].autoscaling.maxReplicas",
    40,
    [
      [
        "gpuPools[0].nodes.max",
        "the models on pool 'l40s' need 40 GPUs at max replicas > 6 nodes x 1 GPUs",
        "set max to at least 40, or lower the models' replicas",
      ],
      [
        "tenancy.tenants[0].gpus",
        "the models of tenant 'claims' need 52 GPUs at maxReplicas and warmReplicas > its quota of 18",
        "set gpus to at least 52, or lower maxReplicas or warmReplicas",
      ],
    ],
  ],
  [
    "acme-prod",
    "models[0].autoscaling.queueDepthThreshold",
    500,
    [
      [
        "models[0].autoscaling.queueDepthThreshold",
        "queueDepthThreshold 500 > maxNumSeqs 128: a replica would scale only after more requests wait than it can run",
        "set it to at most 128; 5 is a common value",
      ],
    ],
  ],
  [
    "acme-prod",
    "models[0].slo.ttftP95Ms",
    0,
    [
      [
        "models[0].slo.ttftP95Ms",
        "too small: expected number to be >=50",
        "set models[0].slo.ttftP95Ms to at least 50 (95th percentile of the time to the first token, ms)",
      ],
    ],
  ],
  [
    "acme-prod",
    "models[0].slo.e2eP99Ms",
    100,
    [
      [
        "models[0].slo.e2eP99Ms",
        "the whole request (100 ms) cannot be faster than its first token (800 ms)",
        "raise e2eP99Ms",
      ],
    ],
  ],
  [
    "acme-prod",
    "models[0].delivery.strategy",
    "yolo",
    [
      [
        "models[0].delivery.strategy",
        "invalid discriminator value. Expected 'rolling' | 'blue-green' | 'canary'",
        "set models[0].delivery.strategy to one of rolling, blue-green, canary",
      ],
    ],
  ],
  [
    "acme-prod",
    "models[1].name",
    "claims-assistant",
    [
      ["models[1].name", "the name 'claims-assistant' is used twice", "give each entry its own name"],
      [
        "gateway.clients[0].models",
        "there is no model 'claims-reasoner'",
        "use claims-assistant, claims-assistant",
      ],
    ],
  ],
  [
    "acme-prod",
    "gateway.image",
    REMOVE,
    [
      [
        "gateway.image",
        "models are served, and no request may reach them past the gateway",
        "build gateway/Dockerfile and write its image with digest",
      ],
    ],
  ],
  [
    "acme-prod",
    "gateway.redisImage",
    REMOVE,
    [
      [
        "gateway.redisImage",
        "3 replicas need Redis: each alone would grant every budget in full",
        "write a Redis image with digest, or set replicas to 1",
      ],
    ],
  ],
  [
    "acme-prod",
    "gateway.clients",
    [],
    [["gateway.clients", "nobody may call the models", "add at least one client"]],
  ],
  [
    "acme-prod",
    "gateway.clients[0].tenant",
    "claim",
    [["gateway.clients[0].tenant", "there is no such tenant", "use claims"]],
  ],
  [
    "acme-prod",
    "gateway.clients[0].keys",
    [],
    [["gateway.clients[0].keys", "nothing identifies this client", "add a key digest or a subject"]],
  ],
  [
    "acme-prod",
    "gateway.clients[0].subjects",
    ["app@acme"],
    [["gateway.clients[0].subjects", "no identity provider is configured", "add gateway.tokens"]],
  ],
  [
    "acme-prod",
    "gateway.admins",
    [],
    [
      [
        "gateway.admins",
        "flagged requests wait for a person, and nobody may decide them",
        'add an administrator with the role "review", or set oversight.review to none',
      ],
      [
        "alerting.throttle",
        "alerts would be refused: no gateway admin has the role 'throttle'",
        "add { id: alertmanager, key: <SHA-256>, roles: [throttle] } to gateway.admins",
      ],
    ],
  ],
  [
    "acme-prod",
    "audit.mode",
    "best-effort",
    [
      [
        "audit.mode",
        "'best-effort' loses records, which risk class 'high' does not allow",
        "set mode: required",
      ],
    ],
  ],
  [
    "acme-prod",
    "audit.retentionDays",
    30,
    [
      [
        "audit.retentionDays",
        "30 days < 184 days: six months of logs (Regulation (EU) 2024/1689 Art. 19(1), 26(6))",
        "set at least 184; 400 is the usual value",
      ],
    ],
  ],
  [
    "acme-prod",
    "audit.objectLock",
    "none",
    [
      [
        "audit.objectLock",
        "'none' can be lifted by an administrator, so a high-risk production log is not tamper-proof",
        "set objectLock: compliance",
      ],
    ],
  ],
  [
    "acme-prod",
    "riskClass.level",
    "unacceptable",
    [
      [
        "riskClass.level",
        'invalid option: expected one of "high"|"limited"|"minimal"',
        "use one of high, limited, minimal",
      ],
    ],
  ],
  [
    "acme-prod",
    "riskClass.annexIII",
    REMOVE,
    [
      [
        "riskClass.level",
        "the answers make it 'limited': people talk to it (Art. 50(1)); it generates text (Art. 50(2))",
        "set level: limited, or correct the answers (annexIII, annexI, exception, interactsWithPeople, generates)",
      ],
    ],
  ],
  [
    "acme-prod",
    "riskClass.annexIII",
    "9",
    [
      [
        "riskClass.annexIII",
        "must be a point of Annex III, for example 5(b)",
        "change riskClass.annexIII: it must be a point of Annex III, for example 5(b)",
      ],
    ],
  ],
  [
    "acme-prod",
    "riskClass.level",
    "limited",
    [
      [
        "riskClass.level",
        "the answers make it 'high': point 5(c) of Annex III (Art. 6(2))",
        "set level: high, or correct the answers (annexIII, annexI, exception, interactsWithPeople, generates)",
      ],
    ],
  ],
  [
    "acme-prod",
    "riskClass.practices",
    ["social-scoring"],
    [
      [
        "riskClass.practices",
        "social-scoring is prohibited (Art. 5(1))",
        "do not build this system; nothing here helps to operate it",
      ],
    ],
  ],
  [
    "acme-prod",
    "attestations[0].expires",
    "2030-01-01",
    [
      [
        "attestations[0].expires",
        "the declaration lasts 1177 days; it must last 1 to 730",
        "choose an earlier date and declare it anew when it runs out",
      ],
    ],
  ],
  [
    "acme-prod",
    "attestations[1].subject",
    "dpia",
    [["attestations[1].subject", "AIA-GOV-04 is declared twice for 'dpia'", "keep the newer declaration"]],
  ],
  [
    "globex-prod",
    "budget.alarm.billingAccount",
    REMOVE,
    [
      [
        "budget.alarm.billingAccount",
        "Google Cloud budgets belong to a billing account",
        "write the billing account of the project",
      ],
    ],
  ],
  [
    "acme-prod",
    "budget.usdPerUnit",
    1.1,
    [["budget.rateAsOf", "1.1 USD per EUR has no date", "write the day the rate was read"]],
  ],
  [
    "acme-prod",
    "documentation.vault.retentionDays",
    365,
    [
      [
        "documentation.vault.retentionDays",
        "too small: expected number to be >=3650",
        "set documentation.vault.retentionDays to at least 3650",
      ],
    ],
  ],
  [
    "acme-prod",
    "riskClass.intendedPurpose",
    "short",
    [
      [
        "riskClass.intendedPurpose",
        "too small: expected string to have >=20 characters",
        "set riskClass.intendedPurpose to at least 20 characters (What the system is for, in a sentence (Annex IV 1(a)))",
      ],
    ],
  ],
  [
    "acme-prod",
    "riskClass.owner",
    "nobody",
    [
      [
        "riskClass.owner",
        "must be an e-mail address",
        "change riskClass.owner: it must be an e-mail address (Accountable person or group)",
      ],
    ],
  ],
  [
    "acme-prod",
    "alerting.receivers",
    [{ kind: "webhook", url: "http://x.example" }],
    [["alerting.receivers[0].url", "must be https", "change alerting.receivers[0].url: it must be https"]],
  ],
  [
    "acme-prod",
    "budget.monthly",
    -1,
    [
      [
        "budget.monthly",
        "too small: expected number to be >0",
        "set budget.monthly to more than 0 (Most the environment may cost in a month at its ceiling)",
      ],
    ],
  ],
  [
    "acme-prod",
    "budget.monthly",
    "40000",
    [
      [
        "budget.monthly",
        "invalid input: expected number, received string",
        "set budget.monthly to a number (Most the environment may cost in a month at its ceiling)",
      ],
    ],
  ],
  [
    "acme-prod",
    "budget.currency",
    "GBP",
    [["budget.currency", 'invalid option: expected one of "USD"|"EUR"', "use one of USD, EUR"]],
  ],
  [
    "acme-prod",
    "budget.owner",
    REMOVE,
    [["budget.owner", "required, but missing", "set budget.owner to text"]],
  ],
  [
    "acme-prod",
    "tenancy.tenants",
    [],
    [
      [
        "tenancy.tenants",
        "too small: expected array to have >=1 items",
        "set tenancy.tenants to at least 1 entries",
      ],
    ],
  ],
  [
    "acme-prod",
    "models[1].gpu.nodes",
    2,
    [
      [
        "models[1].delivery.strategy",
        "Argo Rollouts replaces pods, not groups of them: a replica over several nodes is replaced by LeaderWorkerSet",
        "set delivery.strategy: rolling",
      ],
      [
        "gpuPools[1].nodes.max",
        "the models on pool 'l40s-x4' need 24 GPUs at max replicas > 3 nodes x 4 GPUs",
        "set max to at least 6, or lower the models' replicas",
      ],
      [
        "gpuPools[1].nodes.expected",
        "the models on pool 'l40s-x4' need 16 GPUs at expected replicas > 2 nodes x 4 GPUs",
        "set expected to at least 4, or lower the models' replicas",
      ],
      [
        "tenancy.tenants[0].gpus",
        "the models of tenant 'claims' need 30 GPUs at maxReplicas and warmReplicas > its quota of 18",
        "set gpus to at least 30, or lower maxReplicas or warmReplicas",
      ],
    ],
  ],
  [
    "acme-prod",
    "models[0].autoscaling.warmReplicas",
    9,
    [
      [
        "gpuPools[0].nodes.expected",
        "the models on pool 'l40s' need 6 GPUs at expected replicas > 3 nodes x 1 GPUs",
        "set expected to at least 6, or lower the models' replicas",
      ],
      [
        "tenancy.tenants[0].gpus",
        "the models of tenant 'claims' need 27 GPUs at maxReplicas and warmReplicas > its quota of 18",
        "set gpus to at least 27, or lower maxReplicas or warmReplicas",
      ],
    ],
  ],
  [
    "acme-prod",
    "tenancy.tenants[0].gpus",
    2,
    [
      [
        "tenancy.tenants[0].gpus",
        "the models of tenant 'claims' need 18 GPUs at maxReplicas and warmReplicas > its quota of 2",
        "set gpus to at least 18, or lower maxReplicas or warmReplicas",
      ],
    ],
  ],
  [
    "acme-prod",
    "models",
    {},
    [
      [
        "models",
        "invalid input: expected array, received object",
        "set models to a list (Models served on the platform's own GPUs)",
      ],
    ],
  ],
  [
    "acme-prod",
    "observability.telemetry.platforms",
    [
      {
        kind: "langsmith",
        region: "us",
        project: "p",
        apiKey: { name: "traces", key: "langsmith" },
        dataProcessingAgreement: "DPA-9",
      },
    ],
    [
      [
        "observability.telemetry.platforms[0].region",
        "traces would be processed outside the EU-27 (GDPR Art. 44)",
        "use the platform's EU region, or remove it",
      ],
    ],
  ],
  [
    "acme-prod",
    "models[0].cache",
    { kind: "shared", storageClass: "efs", sizeGiB: 100 },
    [
      ["models[0].cache.storageClass", "on provider 'aws' the stack makes the class itself", "remove it"],
      [
        "budget.usage.sharedFileGiB",
        "the models' shared cache is billed by what is read and written, so without it the cost is not complete",
        "declare budget.usage.sharedFileGiB: { expected: <number>, max: <number> }",
      ],
    ],
  ],
  [
    "globex-prod",
    "models[0].cache",
    { kind: "shared", sizeGiB: 100 },
    [
      [
        "models[0].cache.sizeGiB",
        "sizeGiB 100 < 1024: Filestore has no smaller instance",
        "set it to at least 1024",
      ],
    ],
  ],
  [
    "acme-prod",
    "observability.metrics",
    { kind: "google-managed" },
    [
      [
        "observability.metrics.kind",
        "provider 'aws' has nothing to keep google-managed metrics in",
        "use remote-write with your own server, or local",
      ],
      [
        "budget.usage.metricMillionSamples",
        "google-managed metrics are billed by it, so without it the cost is not complete",
        "declare budget.usage.metricMillionSamples: { expected: <number>, max: <number> }",
      ],
    ],
  ],
  [
    "acme-prod",
    "observability.metrics",
    { kind: "remote-write", url: "http://mimir.example/push", authorization: { kind: "none" } },
    [
      [
        "observability.metrics.url",
        "must be https",
        "change observability.metrics.url: it must be https (Endpoint of remote write)",
      ],
      [
        "observability.metrics.authorization.kind",
        "invalid discriminator value. Expected 'basic' | 'bearer'",
        "set observability.metrics.authorization.kind to one of basic, bearer",
      ],
    ],
  ],
  [
    "globex-prod",
    "observability.metrics",
    { kind: "google-managed", image: "prometheus:v2.53.5" },
    [
      [
        "observability.metrics.image",
        "must be <registry>/<repository>:v<version>@sha256:<64 hex digits>",
        "change observability.metrics.image: it must be <registry>/<repository>:v<version>@sha256:<64 hex digits>",
      ],
    ],
  ],
  [
    "acme-prod",
    "budget.usage.objectStorageGiB",
    undefined,
    [
      [
        "budget.usage.objectStorageGiB",
        "traces and logs are kept in a bucket, so without it the cost is not complete",
        "declare budget.usage.objectStorageGiB: { expected: <number>, max: <number> }",
      ],
    ],
  ],
  [
    "acme-prod",
    "observability",
    { traceSampling: 2 },
    [
      [
        "observability.traceSampling",
        "too big: expected number to be <=1",
        "set observability.traceSampling to at most 1",
      ],
    ],
  ],
  [
    "dev",
    "cloud.projectId",
    "X",
    [
      [
        "cloud.projectId",
        "must be a Google Cloud project id (6-30 characters)",
        "change cloud.projectId: it must be a Google Cloud project id (6-30 characters)",
      ],
    ],
  ],
  [
    "dev",
    "cloud.projectNumber",
    "abc",
    [
      [
        "cloud.projectNumber",
        "must be the numeric project number in quotes",
        "change cloud.projectNumber: it must be the numeric project number in quotes",
      ],
    ],
  ],
  [
    "dev",
    "cloud.zones",
    ["europe-west4-a", "europe-west1-b"],
    [
      [
        "cloud.zones[1]",
        "zone 'europe-west1-b' is not in region 'europe-west4'",
        "use a zone such as europe-west4-a",
      ],
    ],
  ],
  [
    "dev",
    "cloud.network.podsCidr",
    "10.40.8.0/22",
    [
      [
        "cloud.network.podsCidr",
        "podsCidr 10.40.8.0/22 overlaps cidr 10.40.0.0/20",
        "give every range its own addresses",
      ],
    ],
  ],
  [
    "dev",
    "cloud.network.controlPlaneCidr",
    "10.46.0.0/24",
    [
      [
        "cloud.network.controlPlaneCidr",
        "GKE takes exactly a /28 for the control plane, not a /24",
        "write a network that ends in /28",
      ],
    ],
  ],
  [
    "dev",
    "cloud.cluster.releaseChannel",
    "RAPID",
    [
      [
        "cloud.cluster.releaseChannel",
        'invalid option: expected one of "REGULAR"|"STABLE"|"EXTENDED"',
        "use one of REGULAR, STABLE, EXTENDED",
      ],
    ],
  ],
  [
    "dev",
    "gpuPools[0].provisioner",
    "karpenter",
    [
      [
        "gpuPools[0].provisioner",
        "provisioner 'karpenter' does not exist on provider 'gcp'",
        "use node-pool or compute-class",
      ],
    ],
  ],
  [
    "dev",
    "gpuPools[0].capacity",
    ["spot", "on-demand"],
    [
      [
        "gpuPools[0].provisioner",
        "GKE does not keep the order of several rungs without a ComputeClass",
        "use provisioner: compute-class, or a single rung",
      ],
    ],
  ],
  [
    "dev",
    "gpuPools[0].accelerator",
    "A10G",
    [
      [
        "gpuPools[0].instanceType",
        "'g2-standard-8' has 1 x L4, not 1 x A10G",
        "leave instanceType out to get the smallest machine that fits",
      ],
    ],
  ],
  [
    "dev",
    "models[0].autoscaling.minReplicas",
    2,
    [
      [
        "models[0].autoscaling",
        "minReplicas <= expectedReplicas <= maxReplicas does not hold: 2 <= 1 <= 1",
        "order the three numbers",
      ],
    ],
  ],
  [
    "dev",
    "gateway.holdSeconds",
    REMOVE,
    [
      [
        "models[0].autoscaling.minReplicas",
        "zero replicas without a hold queue would turn the first request into an error",
        "set gateway.holdSeconds above the pod start time, or minReplicas to at least 1",
      ],
    ],
  ],
  [
    "local",
    "gpuPools",
    [
      {
        name: "x",
        accelerator: "L4",
        gpusPerNode: 1,
        provisioner: "karpenter",
        capacity: ["spot"],
        nodes: { expected: 1, max: 1 },
      },
    ],
    [
      [
        "gpuPools[0].provisioner",
        "provisioner 'karpenter' does not exist on provider 'local'",
        "remove the pool: a local environment has no nodes",
      ],
    ],
  ],
  [
    "local",
    "cloud.engine",
    "gpt",
    [
      [
        "cloud.engine",
        'invalid option: expected one of "auto"|"embedded"|"stand-in"',
        "use one of auto, embedded, stand-in",
      ],
    ],
  ],
  [
    "local",
    "cloud.port",
    70000,
    [["cloud.port", "too big: expected number to be <=65535", "set cloud.port to at most 65535"]],
  ],
  [
    "acme-prod",
    "models[0].prompts.variants[0].version",
    "7",
    [
      [
        "models[0].prompts.variants[0].version",
        "there is no prompts/claims-assistant/7.prompt; there is assistant/1.prompt, claims-assistant/1.prompt, claims-assistant/2.prompt, judge/1.prompt",
        "name a version that is there, or add its file below prompts/",
      ],
    ],
  ],
  [
    "acme-prod",
    "models[0].prompts.variants[0].variables",
    { language: "fr", tone: "kind" },
    [
      [
        "models[0].prompts.variants[0].variables",
        "the prompt has no variable 'tone'; it has client, language",
        "set the variables of prompts/claims-assistant/2.prompt",
      ],
      [
        "models[0].prompts.variants[0].variables",
        "the variable 'client' is required and has no value",
        "set the variables of prompts/claims-assistant/2.prompt",
      ],
      [
        "models[0].prompts.variants[0].variables",
        "the variable 'language' is 'fr'; use one of es, en",
        "set the variables of prompts/claims-assistant/2.prompt",
      ],
    ],
  ],
];

function shipped(stack: string): Record<string, unknown> {
  const file = parse(readFileSync(stackFile(FOLDER, stack), "utf8")) as {
    config: Record<string, Record<string, unknown>>;
  };
  return file.config[CONFIG_KEY] ?? {};
}

function changed(stack: string, path: string, value: unknown): Record<string, unknown> {
  const root = shipped(stack);
  const keys = [...path.matchAll(/[^.[\]]+/g)].map(([key]) => key);
  const last = keys.pop() ?? "";
  let target = root;
  for (const key of keys) {
    target[key] ??= {};
    target = target[key] as Record<string, unknown>;
  }
  if (value === REMOVE) Reflect.deleteProperty(target, last);
  else target[last] = value;
  return root;
}

/** Key path and reason of every problem at or below a key. */
function problemsBelow(root: unknown, key: string): (readonly [string, string])[] {
  const result = parsePlatform(root);
  if (result.kind === "valid") return [];
  return result.problems.flatMap(({ path, reason }) =>
    path.startsWith(key) ? [[path, reason] as const] : [],
  );
}

describe("a bad configuration", () => {
  it("refuses a high-risk system without human oversight", () => {
    const result = parsePlatform(changed("acme-prod", "oversight.review", "none"));
    expect(result.kind === "invalid" ? result.problems.map(({ path, fix }) => [path, fix]) : []).toEqual([
      ["oversight.review", "set review: flagged, and name the reviewers in oversight.contact"],
    ]);
  });

  it.each(rows)("%s with %s = %j is refused with every problem", (stack, path, value, expected) => {
    const result = parsePlatform(changed(stack, path, value));
    expect(
      result.kind === "invalid" ? result.problems.map(({ path: at, reason, fix }) => [at, reason, fix]) : [],
    ).toEqual(expected);
  });

  it.each([
    ["globex-prod", "models[0].delivery.surge.replicas", 3, "gpuPools[0].nodes.max"],
    ["globex-prod", "models[0].delivery.surge.replicas", 1, "models[0].delivery.surge.replicas"],
    ["acme-prod", "models[1].delivery.surge", { kind: "spare-gpus", replicas: 1 }, "gpuPools[1].nodes.max"],
    [
      "acme-prod",
      "models[1].delivery.steps",
      [{ weight: 50, minutes: 6 }],
      "models[1].delivery.steps[0].minutes",
    ],
    ["globex-prod", "models[0].delivery.evaluation", undefined, "models[0].delivery.evaluation"],
    [
      "globex-prod",
      "models[0].delivery",
      { strategy: "rolling", surge: { kind: "in-place" } },
      "models[0].delivery.evaluation",
    ],
    [
      "globex-prod",
      "models[0].engine.adapters",
      [{ name: "tone", image: "registry.example/tone", digest: `sha256:${"a".repeat(64)}`, rank: 16 }],
      "models[0].engine.adapters[0].evaluation",
    ],
    ["globex-prod", "evaluation.signer", undefined, "evaluation.signer"],
    ["globex-prod", "loops.image", undefined, "loops.image"],
  ])("%s with %s = %j is refused at %s: a delivery has room and a gate", (stack, path, value, at) => {
    const result = parsePlatform(changed(stack, path, value));
    expect(result.kind === "invalid" ? result.problems.map((each) => each.path) : []).toContain(at);
  });

  it("asks for a class where the cluster is somebody else's, and takes the named one", () => {
    const root = changed("globex-prod", "models[0].cache", { kind: "shared", sizeGiB: 100 });
    root["cloud"] = {
      provider: "existing",
      clusterName: "kind",
      region: "europe-west4",
      kubeconfigPath: "kubeconfig",
    };
    const storageProblems = (): (string | undefined)[][] => {
      const result = parsePlatform(root);
      return result.kind === "invalid"
        ? result.problems
            .filter(({ path }) => path.startsWith("models[0].cache"))
            .map(({ path, reason, fix }) => [path, reason, fix])
        : [];
    };
    expect(storageProblems()).toEqual([
      [
        "models[0].cache.storageClass",
        "provider 'existing' gives no shared files",
        "name a class of the cluster whose volumes many nodes can write to",
      ],
    ]);
    const [model] = root["models"] as { cache: Record<string, unknown> }[];
    if (model !== undefined) model.cache["storageClass"] = "standard-rwx";
    expect(storageProblems()).toEqual([]);
  });

  it("refuses a shared cache in a network without a way to EFS", () => {
    const root = changed("acme-prod", "models[0].cache", { kind: "shared", sizeGiB: 100 });
    const { cloud } = root as { cloud: { network: Record<string, unknown> } };
    cloud.network["nat"] = "none";
    const paths = (): string[] => {
      const result = parsePlatform(root);
      return result.kind === "invalid" ? result.problems.map(({ path }) => path) : [];
    };
    expect(paths()).toContain("cloud.network.interfaceEndpoints");
    cloud.network["interfaceEndpoints"] = ["elasticfilesystem"];
    expect(paths()).not.toContain("cloud.network.interfaceEndpoints");
  });

  it("asks for no gate where evaluations are advice", () => {
    const root = changed("globex-prod", "evaluation", { gate: "advisory" });
    expect(parsePlatform(root).kind).toBe("valid");
  });

  it("refuses Triton where nothing could scale it or hold its repository", () => {
    const root = changed("acme-prod", "models[0].engine.kind", "triton");
    const [model] = root["models"] as { engine: Record<string, unknown> }[];
    if (model !== undefined) {
      model.engine["backend"] = "vllm";
      model.engine["tokenizer"] = { image: "registry.example/tokenizer", digest: `sha256:${"d".repeat(64)}` };
    }
    const result = parsePlatform(root);
    expect(result.kind === "invalid" ? result.problems.map(({ path }) => path) : []).toEqual([
      "models[0].engine.backend",
      "models[0].source.kind",
    ]);
  });

  it.each([
    ["acme-staging", "s3://models/mistral"],
    ["globex-prod", "gs://models/mistral"],
  ] as const)("%s takes weights from %s", (stack, uri) => {
    const source = { kind: uri.slice(0, 2), uri, digest: `sha256:${"d".repeat(64)}` };
    expect(problemsBelow(changed(stack, "models[0].source", source), "models[0].source")).toEqual([]);
  });

  it.each([
    [
      "acme-staging",
      { kind: "gs", uri: "gs://models/mistral" },
      "models[0].source.kind",
      "pods on provider 'aws' have no identity that a bucket of kind 'gs' knows",
    ],
    [
      "globex-prod",
      { kind: "s3", uri: "s3://models/mistral" },
      "models[0].source.kind",
      "pods on provider 'gcp' have no identity that a bucket of kind 's3' knows",
    ],
    ...["s3://models/*", "s3://models/a?", "s3://models/${aws:userid}", "s3://m/a", "s3://models/a b"].map(
      (uri) =>
        [
          "acme-staging",
          { kind: "s3", uri },
          "models[0].source.uri",
          "must be s3://<bucket>/<folder>, the folder of letters, digits and _ . = + @ -",
        ] as const,
    ),
  ] as const)("on %s refuses the weights %j", (stack, from, path, reason) => {
    const source = { ...from, digest: `sha256:${"d".repeat(64)}` };
    expect(problemsBelow(changed(stack, "models[0].source", source), "models[0].source")).toEqual([
      [path, reason],
    ]);
  });

  it.each([
    [{ name: "hugging-face", key: "token" }, []],
    ["hf_written-in-the-file", ["models[0].source.token"]],
    [{ name: "hugging-face" }, ["models[0].source.token.key"]],
  ])("takes the token of a gated repository as a reference only: %j", (token, expected) => {
    const found = problemsBelow(changed("acme-staging", "models[0].source.token", token), "models[0].source");
    expect(found.map(([path]) => path)).toEqual(expected);
  });

  it.each([
    [
      { kind: "image", image: "registry.example/kernels", digest: "sha256:1" },
      [["models[0].cache.digest", "must be 'sha256:' and 64 lower-case hexadecimal digits"]],
    ],
    [{ kind: "shared", sizeGiB: 0 }, [["models[0].cache.sizeGiB", "too small: expected number to be >=1"]]],
    [
      { kind: "image", image: "registry.example/kernels", digest: `sha256:${"d".repeat(64)}` },
      [["models[0].cache.kind", "tgi has no compiled kernels that an image could hold"]],
    ],
  ])("refuses the cache %j", (cache, expected) => {
    const root = changed("acme-staging", "models[0].cache", cache);
    const [model] = root["models"] as { engine: Record<string, unknown> }[];
    if (model !== undefined && expected[0]?.[0] === "models[0].cache.kind") model.engine["kind"] = "tgi";
    const result = parsePlatform(root);
    expect(
      result.kind === "invalid" ? result.problems.map(({ path, reason }) => [path, reason]) : [],
    ).toEqual(expected);
  });

  it.each([
    [
      "globex-prod",
      { region: "europe-southwest1", zones: ["europe-southwest1-a"] },
      [
        "gpuPools[0].instanceType",
        "g2-standard-8 is not offered in europe-southwest1-a (https://github.com/skypilot-org/skypilot-catalog/blob/006059e/catalogs/v8/gcp/vms.csv, 2026-08-20)",
        "use europe-west1-b, europe-west1-c, europe-west3-a, europe-west3-b, europe-west4-a, europe-west4-b, europe-west4-c, or another accelerator; if the cloud offers it there by now, say so in components/gpu/availability.ts",
      ],
    ],
    [
      "globex-prod",
      { region: "europe-west1", zones: ["europe-west1-b", "europe-west1-d"] },
      [
        "gpuPools[0].instanceType",
        "g2-standard-8 is not offered in europe-west1-d (https://github.com/skypilot-org/skypilot-catalog/blob/006059e/catalogs/v8/gcp/vms.csv, 2026-08-20)",
        "set gpuPools[0].zones to europe-west1-b, europe-west1-c",
      ],
    ],
    [
      "acme-staging",
      { region: "eu-west-1", zones: ["eu-west-1a", "eu-west-1b"] },
      [
        "gpuPools[0].accelerator",
        "g6e.xlarge is not offered in eu-west-1 (https://github.com/skypilot-org/skypilot-catalog/blob/00148f2/catalogs/v8/aws/vms.csv, 2026-07-20)",
        "use eu-central-1, eu-north-1, eu-south-2, or another accelerator; if the cloud offers it there by now, say so in components/gpu/availability.ts",
      ],
    ],
  ])("refuses %s with %j, where the GPUs are not", (stack, place, expected) => {
    const root = shipped(stack);
    root["cloud"] = { ...(root["cloud"] as object), ...place };
    const result = parsePlatform(root);
    expect(
      result.kind === "invalid"
        ? result.problems
            .filter(({ path }) => path.startsWith("gpuPools"))
            .map(({ path, reason, fix }) => [path, reason, fix])
        : [],
    ).toEqual([expected]);
  });

  it.each([
    [
      { maxInputTokens: 256, model: "claims-assistant" },
      [["models[0].tiers[0].model", "'claims-assistant' is no other model of tenant 'claims'"]],
    ],
    [
      { maxInputTokens: 256, model: "nobody" },
      [["models[0].tiers[0].model", "'nobody' is no other model of tenant 'claims'"]],
    ],
    [
      { maxInputTokens: 1_000_000, model: "claims-reasoner" },
      [
        [
          "models[0].tiers[0].maxInputTokens",
          expect.stringMatching(/^maxInputTokens 1000000 >= maxModelLen \d+ of 'claims-reasoner'/) as string,
        ],
      ],
    ],
    [{ maxInputTokens: 256, model: "claims-reasoner" }, []],
  ])("judges the tier %j", (tier, expected) => {
    const result = parsePlatform(changed("acme-prod", "models[0].tiers", [tier]));
    expect(
      result.kind === "invalid" ? result.problems.map(({ path, reason }) => [path, reason]) : [],
    ).toEqual(expected);
  });

  it("refuses images as volumes where Kubernetes does not mount them", () => {
    const root = changed("acme-staging", "cloud.cluster.version", "1.34");
    const image = { image: "registry.example/kernels", digest: `sha256:${"d".repeat(64)}` };
    const [model] = root["models"] as Record<string, unknown>[];
    const paths = (): string[] => {
      const result = parsePlatform(root);
      return result.kind === "invalid" ? result.problems.map(({ path }) => path) : [];
    };
    expect(paths()).toEqual([]);
    if (model !== undefined) {
      model["cache"] = { kind: "image", ...image };
      model["source"] = { kind: "oci", ...image };
    }
    expect(paths()).toEqual(["models[0].source.kind", "models[0].cache.kind"]);
    (root["cloud"] as { cluster: { version: string } }).cluster.version = "1.35";
    expect(paths()).toEqual([]);
  });

  it("refuses cached input that costs more than input", () => {
    const root = changed("acme-prod", "providers", [
      {
        ...OPENAI_EU,
        models: OPENAI_EU.models.map((model) => ({ ...model, cachedInputUsdPerMillion: "3" })),
      },
    ]);
    const result = parsePlatform(root);
    expect(
      result.kind === "invalid" ? result.problems.map(({ path, reason }) => [path, reason]) : [],
    ).toEqual([
      [
        "providers[0].models[0].cachedInputUsdPerMillion",
        "cached input of 3 USD costs more than input of 2.5 USD",
      ],
    ]);
  });

  it("reports problems of independent sections together", () => {
    const root = changed("acme-prod", "budget.monthly", -1);
    root["client"] = "ACME";
    root["guardrailz"] = {};
    const result = parsePlatform(root);
    expect(result.kind === "invalid" ? result.problems.map(({ path }) => path).sort() : []).toEqual([
      "budget.monthly",
      "client",
      "guardrailz",
    ]);
  });

  it.each([
    ["config: [", 1, "(not YAML)", "correct the YAML syntax"],
    ["name: x", 1, "(missing)", "start it with 'config:' and 'llmops:platform:' below it"],
  ])("%j is refused with its line", (text, line, value, fix) => {
    let problems: unknown = "accepted";
    try {
      parseStackText(text, "Pulumi.x.yaml");
    } catch (error) {
      problems = error instanceof ConfigError ? error.problems[0] : error;
    }
    expect(problems).toMatchObject({ file: "Pulumi.x.yaml", line, value, fix });
  });

  it("is located by line and column in its file", () => {
    const text = readFileSync(stackFile(FOLDER, "acme-prod"), "utf8").replace(
      "currency: EUR",
      "currency: GBP",
    );
    const line = text.split("\n").findIndex((content) => content.includes("GBP")) + 1;
    const column = (text.split("\n")[line - 1] ?? "").indexOf("currency") + 1;
    let located: unknown = "accepted";
    try {
      parseStackText(text, "Pulumi.acme-prod.yaml");
    } catch (error) {
      located =
        error instanceof ConfigError ? error.problems.map((found) => [found.line, found.column]) : error;
    }
    expect(located).toEqual([[line, column]]);
  });

  it("never throws, whatever JSON stands where a section should", () => {
    const sections = Object.keys(shipped("acme-prod"));
    fc.assert(
      fc.property(fc.constantFrom(...sections), fc.jsonValue({ maxDepth: 3 }), (section, value) => {
        const result = parsePlatform({ ...shipped("acme-prod"), [section]: value });
        return (
          result.kind === "valid" || result.problems.every(({ fix, reason }) => fix !== "" && reason !== "")
        );
      }),
    );
  });
});
