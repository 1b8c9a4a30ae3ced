import { byUrn, type ResourceGraph, type ResourceNode } from "../../graph/graph.ts";
import { isSecret, isUnknown, valueAt, type GraphValue } from "../../graph/values.ts";
import type { Observation, Problem } from "./control.ts";

/** Properties by name: the engine hands them on in another order than the program. */
function ordered(_key: string, value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Text of a value for a finding; secrets stay secret. */
export function shown(value: GraphValue | undefined): string {
  if (value === undefined) return "not set";
  if (isSecret(value)) return "a secret";
  if (isUnknown(value)) return "unknown before deployment";
  return JSON.stringify(value, ordered);
}

/** A text as it is; anything else as it is shown. */
export function textOf(value: GraphValue | undefined): string {
  return typeof value === "string" ? value : shown(value);
}

/** Checks one input: unknown and secret values cannot be judged, everything else is put to `holds`. */
export function expectInput(
  node: ResourceNode,
  property: string,
  expected: string,
  holds: (value: GraphValue | undefined) => boolean,
): Problem[] {
  const value = valueAt(node.inputs, property);
  const base = { resource: node.urn, property, observed: shown(value), expected };
  if (isUnknown(value) || isSecret(value)) return [{ ...base, status: "unknown" }];
  return holds(value) ? [] : [{ ...base, status: "fail" }];
}

/** Outcome of checking resources one by one. */
export function checked(
  resources: readonly ResourceNode[],
  check: (node: ResourceNode) => readonly Problem[],
  whenNone: string,
): Observation {
  if (resources.length === 0) return { kind: "not-applicable", reason: whenNone };
  return { kind: "checked", resources: resources.map(({ urn }) => urn), problems: resources.flatMap(check) };
}

/** Something that must be there and is not. */
export function absent(observed: string, expected: string): Observation {
  return {
    kind: "checked",
    resources: [],
    problems: [{ status: "fail", resource: "stack", observed, expected }],
  };
}

/** Whether a resource lies below a component of a type. */
export function isBelow(graph: ResourceGraph, node: ResourceNode, types: readonly string[]): boolean {
  const index = byUrn(graph);
  for (let up = node.parent; up !== undefined; up = index.get(up)?.parent) {
    if (types.includes(index.get(up)?.type ?? "")) return true;
  }
  return false;
}

/** Resources of a type that name another one in an input, which links settings split over several resources. */
export function naming(graph: ResourceGraph, type: string, input: string, urn: string): ResourceNode[] {
  return graph.nodes.filter(
    (node) => node.type === type && (node.propertyDependencies[input] ?? []).includes(urn),
  );
}

/** A list, or nothing where there is none. */
export function listed(value: GraphValue | undefined): readonly GraphValue[] {
  return Array.isArray(value) ? (value as readonly GraphValue[]) : [];
}

/** One finding about one place. */
export function problemAt(
  resource: string,
  property: string | undefined,
  value: GraphValue | undefined,
  expected: string,
): Problem {
  const status = isUnknown(value) || isSecret(value) ? "unknown" : "fail";
  return {
    status,
    resource,
    ...(property === undefined ? {} : { property }),
    observed: shown(value),
    expected,
  };
}
