import { writeFileSync } from "node:fs";
import { availableParallelism, cpus } from "node:os";
import { join } from "node:path";
import { CATALOGUE } from "../policies/catalogue.ts";
import type { ResourceGraph, ResourceNode } from "../graph/graph.ts";
import { policyOf } from "../plan/policy.ts";
import { NOW, planAll } from "../test/policy/environments.ts";

/**
 * Time to judge large graphs: copies of acme-prod in one graph, all controls.
 *
 *   npm run bench:policy
 */

const RUNS = 5;
const SIZES = [230, 1_000, 5_000, 20_000];

function copyOf(node: ResourceNode, suffix: string): ResourceNode {
  const renamed = (urn: string): string => `${urn}${suffix}`;
  return {
    ...node,
    urn: renamed(node.urn),
    name: renamed(node.name),
    ...(node.parent === undefined ? {} : { parent: renamed(node.parent) }),
    dependencies: node.dependencies.map(renamed),
    propertyDependencies: Object.fromEntries(
      Object.entries(node.propertyDependencies).map(([key, urns]) => [key, urns.map(renamed)]),
    ),
  };
}

function enlarged(graph: ResourceGraph, size: number): ResourceGraph {
  const nodes: ResourceNode[] = [];
  for (let copy = 0; nodes.length < size; copy += 1)
    nodes.push(
      ...graph.nodes.slice(0, size - nodes.length).map((node) => copyOf(node, copy === 0 ? "" : `-${copy}`)),
    );
  return { ...graph, nodes };
}

const planned = (await planAll()).get("acme-prod");
if (planned === undefined) throw new Error("not planned");
const { config, planned: plan } = planned;
const samples = SIZES.map((size) => {
  const times = Array.from({ length: RUNS }, () => {
    // A new object each time, so that no index of an earlier run is reused.
    const graph = enlarged(plan.plan.graph, size);
    const started = performance.now();
    const { results } = policyOf({ graph, config, asOf: NOW });
    if (results.length !== CATALOGUE.length) throw new Error("not every control ran");
    return performance.now() - started;
  });
  const sample = {
    resources: size,
    bestMs: Math.round(Math.min(...times)),
    worstMs: Math.round(Math.max(...times)),
  };
  console.log(`${sample.resources} resources: ${sample.bestMs} to ${sample.worstMs} ms`);
  return sample;
});
const [, , large] = samples;
writeFileSync(
  join(import.meta.dirname, "results", "policy.json"),
  `${JSON.stringify(
    {
      command: "npm run bench:policy",
      what: `${CATALOGUE.length} controls and the cost of the graph, copies of acme-prod in one graph, ${RUNS} runs`,
      machine: { cpu: cpus()[0]?.model ?? "unknown", cores: availableParallelism() },
      goal: "5,000 resources in under 2,000 ms",
      met: large !== undefined && large.worstMs < 2_000 ? "yes" : "no",
      samples,
    },
    null,
    2,
  )}\n`,
);
