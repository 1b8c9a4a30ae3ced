import { describe, expect, it } from "vitest";
import type { ResourceGraph, ResourceNode } from "../../graph/graph.ts";
import type { GraphValue } from "../../graph/values.ts";
import { graphOf } from "../../plan/stack-plan.ts";
import { configOf, ENVIRONMENTS, planned } from "../policy/environments.ts";
import { waitsInVain } from "./waits.ts";

async function shipped(environment: (typeof ENVIRONMENTS)[number]): Promise<ResourceGraph> {
  return (await planned(environment)).planned.plan.graph;
}

/** The graph as it is without annotations on the named resources. */
function awaiting({ nodes, ...graph }: ResourceGraph, ...names: readonly string[]): ResourceGraph {
  return {
    ...graph,
    nodes: nodes.map((node) =>
      names.includes(node.name)
        ? {
            ...node,
            inputs: { ...node.inputs, metadata: { ...(node.inputs["metadata"] as object), annotations: {} } },
          }
        : node,
    ),
  };
}

interface Sketch {
  readonly kind: string;
  readonly spec?: Record<string, GraphValue>;
  readonly annotations?: Record<string, string>;
  readonly after?: readonly string[];
}

/** A graph of objects of one namespace, by name. */
function sketch(objects: Readonly<Record<string, Sketch>>): ResourceGraph {
  const urn = (name: string): string => `urn:pulumi:s::p::t::${name}`;
  const nodes = Object.entries(objects).map(
    ([name, { kind, spec = {}, annotations = {}, after = [] }]): ResourceNode => ({
      urn: urn(name),
      type: `kubernetes:${kind}`,
      name,
      custom: true,
      inputs: { metadata: { name, namespace: "n", annotations }, spec },
      dependencies: after.map(urn),
      propertyDependencies: {},
      options: { protect: false, retainOnDelete: false, ignoreChanges: [] },
    }),
  );
  return { project: "p", stack: "s", nodes };
}

const SERVICE = { kind: "core/v1:Service", spec: { selector: { app: "a" } } } as const;

function workload(pod: Record<string, GraphValue> = {}, spec: Record<string, GraphValue> = {}): Sketch {
  return {
    kind: "apps/v1:Deployment",
    spec: { ...spec, template: { metadata: { labels: { app: "a", more: "b" } }, spec: pod } },
  };
}

const ROLLOUT = { kind: "argoproj.io/v1alpha1:Rollout", spec: { workloadRef: { name: "pods" } } } as const;
const READS = { volumes: [{ name: "v", configMap: { name: "map" } }] };
const SLEEPER = (target: string): Sketch => ({
  kind: "keda.sh/v1alpha1:ScaledObject",
  spec: { scaleTargetRef: { name: target }, minReplicaCount: 0 },
});

describe("what `pulumi up` waits for", () => {
  it.each(ENVIRONMENTS)("comes before what depends on it: %s", async (environment) => {
    expect(waitsInVain(await shipped(environment))).toEqual([]);
  });

  it("comes before it too where pods of a model ask for an evaluation nobody has signed", async () => {
    const config = configOf("acme-staging");
    const models = config.models.map((model) => ({
      ...model,
      delivery: { ...model.delivery, strategy: "rolling" as const },
    }));
    const graph = await graphOf("acme-staging", { ...config, models });
    expect(waitsInVain(graph)).toEqual([]);
    const engine = "acme-staging-model-claims-assistant-engine";
    expect(waitsInVain(awaiting(graph, engine)).map(({ name }) => name)).toEqual([engine]);
  });

  it("would not, were the preview Service awaited", async () => {
    const preview = "acme-staging-delivery-claims-assistant-preview";
    expect(waitsInVain(awaiting(await shipped("acme-staging"), preview))).toEqual([
      {
        name: preview,
        why: "it waits for acme-staging-model-claims-assistant-engine, which is created after it",
      },
    ]);
  });

  it("would not, were the gateway awaited whose evaluations nobody has signed", async () => {
    const graph = await shipped("acme-prod");
    const gateway = graph.nodes
      .map(({ name }) => name)
      .filter((name) => /^acme-prod-gateway-(set|gateway|gateway-admin)$/.test(name));
    expect(waitsInVain(awaiting(graph, ...gateway)).map(({ name, why }) => [name, why.slice(0, 44)])).toEqual(
      gateway.map((name) => [name, "its pods need the ConfigMap evaluation-claim"]),
    );
  });

  it.each<[string, Readonly<Record<string, Sketch>>, readonly string[]]>([
    ["a Service in front of pods", { service: SERVICE, pods: workload() }, []],
    [
      "a Service that nothing answers",
      { service: SERVICE },
      ["service: no workload of the stack starts pods that it selects"],
    ],
    [
      "a headless Service that nothing answers",
      { service: { ...SERVICE, spec: { ...SERVICE.spec, clusterIP: "None" } } },
      [],
    ],
    [
      "a Service in front of a Deployment that runs none",
      { service: SERVICE, pods: workload({}, { replicas: 0 }) },
      ["service: no workload of the stack starts pods that it selects"],
    ],
    [
      "a Service in front of a Rollout of such a Deployment",
      { service: SERVICE, pods: workload({}, { replicas: 0 }), rollout: ROLLOUT },
      [],
    ],
    [
      "a Service created before the Deployment of its Rollout",
      {
        service: SERVICE,
        rollout: { ...ROLLOUT, after: ["service"] },
        pods: { ...workload({}, { replicas: 0 }), after: ["service"] },
      },
      ["service: it waits for rollout, which is created after it"],
    ],
    [
      "the same, which nobody awaits",
      {
        service: { ...SERVICE, annotations: { "pulumi.com/skipAwait": "true" } },
        pods: { ...workload(), after: ["service"] },
      },
      [],
    ],
    [
      "a Service of a model that may sleep",
      { service: SERVICE, pods: workload(), scaler: SLEEPER("pods") },
      ["service: pods may sleep without pods"],
    ],
    ["another model that may sleep", { service: SERVICE, pods: workload(), scaler: SLEEPER("others") }, []],
    [
      "pods that read what is created after them",
      { pods: workload(READS), map: { kind: "core/v1:ConfigMap", after: ["pods"] } },
      ["pods: it waits for map, which is created after it"],
    ],
    [
      "pods that read what is not there",
      { pods: workload(READS) },
      ["pods: its pods need the ConfigMap map, which the stack does not have"],
    ],
    [
      "pods that can do without",
      { pods: workload({ volumes: [{ name: "v", configMap: { name: "map", optional: true } }] }) },
      [],
    ],
    [
      "pods that read a Secret somebody else fills",
      {
        pods: workload({
          containers: [{ env: [{ name: "K", valueFrom: { secretKeyRef: { name: "s", key: "k" } } }] }],
        }),
      },
      [],
    ],
    [
      "a circle of two waits",
      {
        service: SERVICE,
        pods: workload(READS),
        map: { kind: "core/v1:ConfigMap", after: ["other"] },
        other: { kind: "core/v1:Service", spec: { selector: { app: "z" } } },
        behind: {
          kind: "apps/v1:StatefulSet",
          spec: { template: { metadata: { labels: { app: "z" } }, spec: {} } },
          after: ["service"],
        },
      },
      [
        "service: it waits for map, which is created after it",
        "other: it waits for behind, which is created after it",
      ],
    ],
    [
      "a kind it knows nothing about",
      { ingress: { kind: "networking.k8s.io/v1:Ingress" } },
      ["ingress: it is not known what this kind waits for"],
    ],
  ])("%s", (_, objects, expected) => {
    expect(waitsInVain(sketch(objects)).map(({ name, why }) => `${name}: ${why}`)).toEqual(expected);
  });
});
