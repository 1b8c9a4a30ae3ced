import type { GraphValue } from "../../graph/values.ts";
import { isRecord } from "../../graph/values.ts";

/** What a bill is allocated by. */
export interface Allocation {
  readonly client: string;
  readonly environment: string;
  readonly costOwner: string;
}

/** Inputs of AWS types that carry tags and may be completed without changing what the resource does. */
const TAGGED = new Set([
  "aws:cloudtrail/trail:Trail",
  "aws:cloudwatch/logGroup:LogGroup",
  "aws:ec2/eip:Eip",
  "aws:ec2/natGateway:NatGateway",
  "aws:ec2/vpcEndpoint:VpcEndpoint",
  "aws:eks/cluster:Cluster",
  "aws:eks/nodeGroup:NodeGroup",
  "aws:kms/key:Key",
  "aws:s3/bucket:Bucket",
  "aws:sqs/queue:Queue",
]);

/**
 * Inputs with the missing tags of COST-08 added; undefined when nothing is missing or nobody can say. The one safe remediation:
 * a tag changes a bill's grouping and nothing else.
 */
export function withAllocationTags(
  type: string,
  inputs: Readonly<Record<string, GraphValue>>,
  { client, environment, costOwner }: Allocation,
): Record<string, GraphValue> | undefined {
  const tags = inputs["tags"] ?? {};
  if (!TAGGED.has(type) || !isRecord(tags)) return undefined;
  const wanted = {
    "llmops:client": client,
    "llmops:environment": environment,
    "llmops:cost-owner": costOwner,
  };
  const missing = Object.entries(wanted).filter(([key]) => tags[key] === undefined);
  if (missing.length === 0) return undefined;
  return { ...inputs, tags: { ...tags, ...Object.fromEntries(missing) } };
}
