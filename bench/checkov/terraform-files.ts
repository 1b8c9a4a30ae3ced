import type { ResourceGraph, ResourceNode } from "../../graph/graph.ts";
import { TERRAFORM_PLURALS, TERRAFORM_TYPES } from "../../graph/terraform.ts";
import { isRecord, isSecret, isUnknown, type GraphValue } from "../../graph/values.ts";

const TERRAFORM_TYPE = new Map(
  Object.entries(TERRAFORM_TYPES).map(([terraform, pulumi]) => [pulumi, terraform]),
);
const SINGULAR = new Map(Object.entries(TERRAFORM_PLURALS).map(([one, many]) => [many, one]));

function snake(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function label(name: string): string {
  return name.replace(/[^a-zA-Z0-9_-]/g, "_");
}

/** Terraform's name of a resource, when there is one. */
function addressOf(node: ResourceNode): string | undefined {
  const type = TERRAFORM_TYPE.get(node.type);
  return type === undefined ? undefined : `${type}.${label(node.name)}`;
}

function keyOf(key: string): string {
  return key === "rules" ? "rule" : snake(SINGULAR.get(key) ?? key);
}

/** A value in Terraform's JSON form; what is unknown becomes the reference it came from, or is left out. */
function convert(value: GraphValue, reference: string | undefined): unknown {
  if (isUnknown(value) || isSecret(value)) return reference;
  if (Array.isArray(value))
    return (value as readonly GraphValue[])
      .map((item) => convert(item, reference))
      .filter((item) => item !== undefined);
  if (!isRecord(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .map(([key, item]) => [
        key === "tags" || key === "labels" ? key : keyOf(key),
        key === "tags" || key === "labels" ? item : convert(item, reference),
      ])
      .filter(([, item]) => item !== undefined && item !== null),
  );
}

/** The AWS and Google Cloud resources of a graph as one Terraform file in JSON; types Terraform has no name for are left out. */
export function terraformOf(graph: ResourceGraph): object {
  const byUrn = new Map(graph.nodes.map((node) => [node.urn, node]));
  const resource: Record<string, Record<string, unknown>> = {};
  for (const node of graph.nodes) {
    const type = TERRAFORM_TYPE.get(node.type);
    if (type === undefined) continue;
    const body = Object.entries(node.inputs).map(([key, value]) => {
      const target = (node.propertyDependencies[key] ?? [])
        .map((urn) => byUrn.get(urn))
        .find((each) => each !== undefined && addressOf(each) !== undefined);
      const address = target === undefined ? undefined : addressOf(target);
      const attribute = /arn|key/i.test(key) || key === "rules" || key === "encryptionConfig" ? "arn" : "id";
      const reference = address === undefined ? undefined : `\${${address}.${attribute}}`;
      return [key === "tags" || key === "labels" ? key : keyOf(key), convert(value, reference)] as const;
    });
    (resource[type] ??= {})[label(node.name)] = Object.fromEntries(
      body.filter(([, value]) => value !== undefined && value !== null),
    );
  }
  return { resource };
}
