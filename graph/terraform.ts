import { readFileSync } from "node:fs";
import { z } from "zod";
import type { ResourceGraph, ResourceNode } from "./graph.ts";
import { GraphFileError } from "./manifests.ts";
import { isRecord, SECRET, UNKNOWN, valueAt, type GraphValue } from "./values.ts";

/** Resource types of Terraform that controls look at, with the type that stands for them in a graph. */
export const TERRAFORM_TYPES: Readonly<Record<string, string>> = {
  aws_budgets_budget: "aws:budgets/budget:Budget",
  aws_cloudtrail: "aws:cloudtrail/trail:Trail",
  aws_cloudwatch_log_group: "aws:cloudwatch/logGroup:LogGroup",
  aws_eip: "aws:ec2/eip:Eip",
  aws_eks_cluster: "aws:eks/cluster:Cluster",
  aws_eks_node_group: "aws:eks/nodeGroup:NodeGroup",
  aws_iam_access_key: "aws:iam/accessKey:AccessKey",
  aws_iam_role_policy: "aws:iam/rolePolicy:RolePolicy",
  aws_kms_key: "aws:kms/key:Key",
  aws_launch_template: "aws:ec2/launchTemplate:LaunchTemplate",
  aws_nat_gateway: "aws:ec2/natGateway:NatGateway",
  aws_s3_bucket: "aws:s3/bucket:Bucket",
  aws_s3_bucket_lifecycle_configuration: "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
  aws_s3_bucket_object_lock_configuration:
    "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration",
  aws_s3_bucket_policy: "aws:s3/bucketPolicy:BucketPolicy",
  aws_s3_bucket_public_access_block: "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
  aws_s3_bucket_server_side_encryption_configuration:
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
  aws_s3_bucket_versioning: "aws:s3/bucketVersioning:BucketVersioning",
  aws_sqs_queue: "aws:sqs/queue:Queue",
  aws_vpc_endpoint: "aws:ec2/vpcEndpoint:VpcEndpoint",
  google_billing_budget: "gcp:billing/budget:Budget",
  google_container_cluster: "gcp:container/cluster:Cluster",
  google_container_node_pool: "gcp:container/nodePool:NodePool",
  google_kms_crypto_key: "gcp:kms/cryptoKey:CryptoKey",
  google_project_iam_audit_config: "gcp:projects/iAMAuditConfig:IAMAuditConfig",
  google_service_account_key: "gcp:serviceaccount/key:Key",
  google_storage_bucket: "gcp:storage/bucket:Bucket",
  google_storage_bucket_iam_member: "gcp:storage/bucketIAMMember:BucketIAMMember",
};

/** Members that are lists in Pulumi, too; every other block of Terraform is a list of at most one. */
const LISTS: ReadonlySet<string> = new Set([
  "advancedEventSelectors",
  "allocationPolicies",
  "auditLogConfigs",
  "blockDeviceMappings",
  "cidrBlocks",
  "costFilters",
  "fieldSelectors",
  "guestAccelerators",
  "lifecycleRules",
  "notifications",
  "rules",
  "taints",
  "thresholdRules",
]);

/** Names of blocks that Pulumi puts into the plural. */
export const TERRAFORM_PLURALS: Readonly<Record<string, string>> = {
  advancedEventSelector: "advancedEventSelectors",
  auditLogConfig: "auditLogConfigs",
  blockDeviceMapping: "blockDeviceMappings",
  costFilter: "costFilters",
  fieldSelector: "fieldSelectors",
  guestAccelerator: "guestAccelerators",
  lifecycleRule: "lifecycleRules",
  notification: "notifications",
  taint: "taints",
  thresholdRule: "thresholdRules",
};

/** Types whose block `rule` is a list; elsewhere it is one object. */
const RULE_LISTS = new Set([
  "aws_s3_bucket_lifecycle_configuration",
  "aws_s3_bucket_server_side_encryption_configuration",
]);

/** Components whose place a tag or label takes: `llmops:store = audit`. */
const STORES: Readonly<Record<string, readonly [aws: string, gcp: string]>> = {
  audit: ["llmops:audit:AwsAuditStore", "llmops:audit:GcpAuditStore"],
  documents: ["llmops:audit:AwsDocumentVault", "llmops:audit:GcpDocumentVault"],
  "subject-keys": ["llmops:audit:AwsSubjectKeys", "llmops:audit:GcpSubjectKeys"],
};

const references = z.looseObject({ references: z.array(z.string()).optional() });
const planSchema = z.looseObject({
  format_version: z.string(),
  resource_changes: z.array(
    z.looseObject({
      address: z.string(),
      mode: z.string(),
      type: z.string(),
      name: z.string(),
      change: z.looseObject({
        actions: z.array(z.string()),
        after: z.unknown(),
        after_unknown: z.unknown(),
        after_sensitive: z.unknown().optional(),
      }),
    }),
  ),
  configuration: z
    .looseObject({
      root_module: z.looseObject({
        resources: z
          .array(
            z.looseObject({ address: z.string(), expressions: z.record(z.string(), z.unknown()).optional() }),
          )
          .optional(),
      }),
    })
    .optional(),
});

type Change = z.output<typeof planSchema>["resource_changes"][number];

function camel(name: string): string {
  return name.replace(/_([a-z0-9])/g, (_match, letter: string) => letter.toUpperCase());
}

function keyOf(name: string, type: string): string {
  const key = camel(name);
  if (key === "rule" && RULE_LISTS.has(type)) return "rules";
  return TERRAFORM_PLURALS[key] ?? key;
}

/** Values of a Terraform resource in Pulumi's form, with what is unknown or sensitive marked. */
function convert(
  value: GraphValue,
  unknown: GraphValue | undefined,
  sensitive: GraphValue | undefined,
  type: string,
): GraphValue {
  if (unknown === true) return UNKNOWN;
  if (sensitive === true) return SECRET;
  if (Array.isArray(value))
    return (value as readonly GraphValue[]).map((item, at) =>
      convert(
        item,
        Array.isArray(unknown) ? (unknown as readonly GraphValue[])[at] : undefined,
        Array.isArray(sensitive) ? (sensitive as readonly GraphValue[])[at] : undefined,
        type,
      ),
    );
  if (!isRecord(value)) return value;
  const names = new Set([...Object.keys(value), ...(isRecord(unknown) ? Object.keys(unknown) : [])]);
  return Object.fromEntries(
    [...names].map((name) => {
      const inner = convert(
        value[name] ?? null,
        isRecord(unknown) ? unknown[name] : undefined,
        isRecord(sensitive) ? sensitive[name] : undefined,
        type,
      );
      const isFreeForm = name === "tags" || name === "labels" || name === "resource_labels";
      if (isFreeForm) return [camel(name), value[name] ?? inner];
      const key = keyOf(name, type);
      const single = Array.isArray(inner) && !LISTS.has(key) && inner.length <= 1;
      const [first] = single ? (inner as readonly GraphValue[]) : [];
      return [key, single && (first === undefined || isRecord(first)) ? (first ?? null) : inner];
    }),
  );
}

function storeOf(inputs: GraphValue): string | undefined {
  const tags = valueAt(inputs, "tags") ?? valueAt(inputs, "labels");
  const store = isRecord(tags) ? (tags["llmops:store"] ?? tags["llmops-store"]) : undefined;
  return typeof store === "string" && STORES[store] !== undefined ? store : undefined;
}

function nodeOf(change: Change, dependencies: Readonly<Record<string, readonly string[]>>): ResourceNode {
  const { address, type, name } = change;
  const { after, after_unknown: unknown, after_sensitive: sensitive } = change.change;
  const inputs = convert(
    (after ?? {}) as GraphValue,
    unknown as GraphValue,
    sensitive as GraphValue | undefined,
    type,
  );
  const store = storeOf(inputs);
  return {
    urn: address,
    type: TERRAFORM_TYPES[type] ?? `terraform:${type}`,
    name,
    ...(store === undefined ? {} : { parent: `terraform:store/${store}` }),
    custom: true,
    inputs: isRecord(inputs) ? inputs : {},
    dependencies: [...new Set(Object.values(dependencies).flat())].sort(),
    propertyDependencies: Object.fromEntries(
      Object.entries(dependencies).map(([property, addresses]) => [keyOf(property, type), [...addresses]]),
    ),
    // `prevent_destroy` is in the configuration but not in the plan's JSON.
    options: { protect: false, retainOnDelete: "not-visible", ignoreChanges: [] },
  };
}

/** References below an expression: `aws_s3_bucket.audit.id` and `aws_s3_bucket.audit` name the same resource. */
function addressesIn(expression: unknown, known: ReadonlySet<string>): string[] {
  if (Array.isArray(expression)) return expression.flatMap((each) => addressesIn(each, known));
  if (typeof expression !== "object" || expression === null) return [];
  const own = references.safeParse(expression);
  const named = own.success ? (own.data.references ?? []) : [];
  const found = named.filter((each) => known.has(each));
  const nested = Object.entries(expression)
    .filter(([key]) => key !== "references")
    .flatMap(([, each]) => addressesIn(each, known));
  return [...new Set([...found, ...nested])].sort();
}

/**
 * A Terraform plan in JSON (`terraform show -json plan.out`) as a graph. Resources of types no control looks at are kept under
 * their own name, so that nothing is lost unseen.
 * @throws GraphFileError when the file is no such plan
 */
export function graphOfTerraformPlan(file: string, project: string, stack: string): ResourceGraph {
  let parsed: unknown;
  try {
    parsed = JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    throw new GraphFileError(`${file}: ${error instanceof Error ? error.message : String(error)}`);
  }
  const plan = planSchema.safeParse(parsed);
  if (!plan.success)
    throw new GraphFileError(`${file}: no Terraform plan; write it with 'terraform show -json <plan file>'`);
  const changes = plan.data.resource_changes.filter(
    ({ mode, change }) =>
      mode === "managed" && !(change.actions.length === 1 && change.actions[0] === "delete"),
  );
  const known = new Set(changes.map(({ address }) => address));
  const expressions = new Map(
    (plan.data.configuration?.root_module.resources ?? []).map((each) => [
      each.address,
      each.expressions ?? {},
    ]),
  );
  const nodes = changes.map((change) => {
    const own = Object.entries(expressions.get(change.address) ?? {})
      .map(([property, expression]) => [property, addressesIn(expression, known)] as const)
      .filter(([, addresses]) => addresses.length > 0);
    return nodeOf(change, Object.fromEntries(own));
  });
  const stores = [...new Set(nodes.flatMap(({ parent }) => parent ?? []))].map((urn): ResourceNode => {
    const name = urn.split("/")[1] ?? "";
    const isAws = nodes.some((node) => node.parent === urn && node.type.startsWith("aws:"));
    return {
      urn,
      type: STORES[name]?.[isAws ? 0 : 1] ?? "",
      name,
      custom: false,
      inputs: {},
      dependencies: [],
      propertyDependencies: {},
      options: { protect: false, retainOnDelete: "not-visible", ignoreChanges: [] },
    };
  });
  return { project, stack, nodes: [...stores, ...nodes] };
}
