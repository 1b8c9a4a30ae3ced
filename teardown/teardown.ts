import type { ResourceGraph, ResourceNode } from "../graph/graph.ts";
import { statefulKindOf } from "../graph/stateful.ts";
import type { CostReport } from "../plan/cost.ts";
import { dayOf, type Day } from "./calendar.ts";
import { fateOf, type Fate } from "./fate.ts";
import { obstaclesOf, type Obstacle } from "./obstacles.ts";
import type { Goner, Kept, Named } from "./outcome.ts";
import { stepsOf, type Step, type TeardownFacts } from "./steps.ts";
import { upkeepOf, type Upkeep } from "./upkeep.ts";
import { wavesOf } from "./waves.ts";

/** Resources that go at the same time. */
export interface TeardownWave {
  /** Counted from 1. */
  readonly number: number;
  readonly resources: readonly Goner[];
}

/** What happens when a stack is destroyed on a day. */
export interface Teardown {
  readonly stack: string;
  readonly asOf: Day;
  readonly waves: readonly TeardownWave[];
  readonly kept: readonly Kept[];
  readonly scheduled: readonly Named<"scheduled">[];
  readonly lost: readonly Named<"lost">[];
  readonly forgotten: readonly Named<"forgotten">[];
  /** URNs the engine refuses to delete. */
  readonly guarded: readonly string[];
  /** Undefined where nothing is rented. */
  readonly upkeep: Upkeep | undefined;
  readonly obstacles: readonly Obstacle[];
  readonly steps: readonly Step[];
}

function placeOf({ type, inputs }: ResourceNode): string {
  const name = inputs["bucket"] ?? inputs["name"];
  return `${type.startsWith("aws:") ? "s3" : "gs"}://${typeof name === "string" ? name : "<bucket>"}`;
}

function withFate<K extends Fate["kind"]>(resources: readonly Goner[], kind: K): Named<K>[] {
  return resources.filter((resource): resource is Named<K> => resource.fate.kind === kind);
}

/** Kept things, each with the settings that are kept beside it: those of the same parent or below it. */
function keptThings(resources: readonly Goner[], graph: ResourceGraph): Kept[] {
  const kept = withFate(resources, "kept");
  const parents = new Map(graph.nodes.map(({ urn, parent }) => [urn, parent]));
  const settings = kept.filter(({ type }) => statefulKindOf(type) === undefined);
  return kept
    .filter(({ type }) => statefulKindOf(type) !== undefined)
    .map(({ urn, name, type, fate: { until, why } }) => ({
      name,
      type,
      until,
      why,
      urns: [
        urn,
        ...settings.filter((each) => parents.get(each.urn) === parents.get(urn)).map((each) => each.urn),
      ],
    }));
}

/**
 * What happens when the stack of a graph is destroyed: worked out from its plan, not from what is deployed.
 * @param cost cost of the same graph; undefined where nothing is rented
 * @param asOf ISO time of the teardown
 */
export function teardownOf(graph: ResourceGraph, cost: CostReport | undefined, asOf: string): Teardown {
  const today = dayOf(asOf);
  const waves = wavesOf(graph).map(({ number, resources }) => ({
    number,
    resources: resources.map((node) => ({
      urn: node.urn,
      type: node.type,
      name: node.name,
      fate: fateOf(node, { graph, today }),
    })),
  }));
  const all = waves.flatMap(({ resources }) => resources);
  const kept = keptThings(all, graph);
  const buckets = graph.nodes.filter(({ type }) => statefulKindOf(type) === "bucket");
  const obstacles = obstaclesOf(graph, today);
  const blocked = new Set(obstacles.map(({ resource }) => resource));
  const facts: TeardownFacts = {
    stack: graph.stack,
    obstacles,
    kept,
    lost: withFate(all, "lost"),
    forgotten: withFate(all, "forgotten"),
    guarded: graph.nodes.filter(({ custom, options }) => custom && options.protect).map(({ urn }) => urn),
    buckets: {
      audit: buckets.filter(({ name }) => name.endsWith("-audit-bucket")).map(placeOf),
      filled: buckets.filter(({ urn }) => blocked.has(urn)).map(placeOf),
    },
  };
  return {
    stack: graph.stack,
    asOf: today,
    waves,
    kept,
    scheduled: withFate(all, "scheduled"),
    lost: facts.lost,
    forgotten: facts.forgotten,
    guarded: facts.guarded,
    upkeep:
      cost === undefined
        ? undefined
        : upkeepOf(cost, {
            urns: new Set(kept.flatMap(({ urns }) => urns)),
            waitingKeys: withFate(all, "scheduled")
              .filter(({ type }) => type.startsWith("gcp:"))
              .map(({ name }) => name),
            buckets: kept.filter(({ type }) => statefulKindOf(type) === "bucket").map(({ name }) => name),
          }),
    obstacles,
    steps: stepsOf(facts),
  };
}
