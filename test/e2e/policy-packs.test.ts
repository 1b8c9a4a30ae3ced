import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import type { EngineEvent, PolicyEvent, Stack } from "@pulumi/pulumi/automation/index.js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CONFIG_KEY } from "../../stacks/schema/stack-file.ts";
import { CATALOGUE } from "../../policies/catalogue.ts";
import type { PlatformConfig } from "../../stacks/schema/platform.ts";
import { blocking } from "../../policies/report.ts";
import {
  ENVIRONMENTS,
  judged,
  NOW,
  planAll,
  type Circumstances,
  type Environment,
  type Planned,
} from "../policy/environments.ts";
import { MUTATIONS, type Mutation } from "../policy/mutations.ts";
import { startEngine, type Engine } from "./engine.ts";
import { registerChanged } from "./mutated-program.ts";

const POLICIES = join(import.meta.dirname, "..", "..", "policies");
const PACK_FOLDERS = [join(POLICIES, "ai-act"), join(POLICIES, "cost")];

/** Broken settings in one preview; each names a control none of the others does, so that none can hide behind another. */
interface Batch extends Circumstances {
  readonly environment: Environment;
  readonly whats: readonly string[];
  /** Controls that must stop it, sorted. */
  readonly stopping: readonly string[];
}

const BATCH_SIZE = 12;

const plans: ReadonlyMap<Environment, Planned> = await planAll();
let engine: Engine;

beforeAll(async () => {
  engine = await startEngine();
});

afterAll(async () => {
  await engine.close();
});

interface Seen {
  /** Controls with a mandatory violation. */
  readonly stopped: readonly string[];
  readonly events: readonly PolicyEvent[];
  readonly outcome: "previewed" | "refused";
}

function planned(environment: Environment): Planned {
  const found = plans.get(environment);
  if (found === undefined) throw new Error(`${environment} is not planned`);
  return found;
}

function then<T>(
  first: ((value: T) => T) | undefined,
  second: ((value: T) => T) | undefined,
): (value: T) => T {
  return (value) => {
    const between = first?.(value) ?? value;
    return second?.(between) ?? between;
  };
}

/** A batch with one more broken setting, or undefined when they disturb each other or one could hide behind another. */
function joined(batch: Batch, mutation: Mutation): Batch | undefined {
  const { environment, whats, stopping, asOf = NOW } = batch;
  if (whats.length === BATCH_SIZE || environment !== mutation.environment || asOf !== (mutation.asOf ?? NOW))
    return undefined;
  if (mutation.controls.some((control) => stopping.includes(control))) return undefined;
  const wider: Batch = {
    environment,
    asOf,
    whats: [...whats, mutation.what],
    stopping: [...stopping, ...mutation.controls].sort(),
    change: then(batch.change, mutation.change),
    configure: then(batch.configure, mutation.configure),
  };
  const found = new Set(blocking(judged(planned(environment), wider)).map(({ control }) => control));
  return isDeepStrictEqual([...found].sort(), wider.stopping) ? wider : undefined;
}

function alone({ environment, what, controls, change, configure, asOf = NOW }: Mutation): Batch {
  return {
    environment,
    asOf,
    whats: [what],
    stopping: [...controls].sort(),
    change: then(undefined, change),
    configure: then(undefined, configure),
  };
}

/** The broken settings in few previews of seconds each, as far as the same judgement in this process can tell them apart. */
function batched(mutations: readonly Mutation[]): Batch[] {
  const batches: Batch[] = [];
  for (const mutation of mutations) {
    let [place, batch] = [batches.length, alone(mutation)];
    for (const [at, each] of batches.entries()) {
      const wider = joined(each, mutation);
      if (wider === undefined) continue;
      [place, batch] = [at, wider];
      break;
    }
    batches[place] = batch;
  }
  return batches;
}

async function preview(environment: Environment, mutation: Circumstances = {}): Promise<Seen> {
  const found = planned(environment);
  const { graph } = found.planned.plan;
  const config: PlatformConfig = mutation.configure?.(found.config) ?? found.config;
  const stack: Stack = await engine.stack(
    graph.stack,
    () => found.config,
    () => {
      if (mutation.change !== undefined) registerChanged(graph, mutation.change(graph));
    },
    mutation.asOf ?? NOW,
  );
  await stack.setConfig(CONFIG_KEY, { value: JSON.stringify(config) });
  const events: PolicyEvent[] = [];
  const onEvent = ({ policyEvent }: EngineEvent): void => {
    if (policyEvent !== undefined) events.push(policyEvent);
  };
  let outcome: Seen["outcome"] = "previewed";
  let complaint = "";
  try {
    await stack.preview({
      policyPacks: PACK_FOLDERS,
      onEvent,
    });
  } catch (error) {
    outcome = "refused";
    complaint = String(error);
  }
  if (outcome === "refused" && events.length === 0) throw new Error(complaint);
  const stopped = events
    .filter(({ enforcementLevel }) => enforcementLevel === "mandatory")
    .map(({ policyName }) => policyName.toUpperCase());
  return { stopped: [...new Set(stopped)].sort(), events, outcome };
}

describe("the real engine with both policy packs", () => {
  it.each(ENVIRONMENTS)("previews %s without a violation that stops it", async (environment) => {
    const { stopped, outcome } = await preview(environment);
    expect([stopped, outcome]).toEqual([[], "previewed"]);
  });

  // `retainOnDelete` is not part of what the engine tells a pack; `llmops plan` sees it.
  const visible = MUTATIONS.filter(({ what }) => what !== "not retained");
  // One wrong setting for each control and platform, and one unknown for each platform: together where they can be told apart.
  // test/policy/mutations.test.ts puts all of them to the same functions.
  const chosen = [
    ...new Set([
      ...CATALOGUE.flatMap(({ id, platforms }) =>
        platforms.flatMap((platform) =>
          visible
            .filter(
              (each) => each.kind === "fail" && each.platform === platform && each.controls.includes(id),
            )
            .slice(0, 1),
        ),
      ),
      ...(["aws", "gcp", "kubernetes", "configuration"] as const).flatMap((platform) =>
        visible.filter((each) => each.kind === "unknown" && each.platform === platform).slice(0, 2),
      ),
    ]),
  ];

  it("is asked about at least 60 broken settings, and about every control", () => {
    expect(chosen.length).toBeGreaterThanOrEqual(60);
    const broken = new Set(chosen.flatMap(({ controls }) => controls));
    expect(CATALOGUE.map(({ id }) => id).filter((id) => !broken.has(id))).toEqual([]);
  });

  it.each(batched(chosen).map((batch) => [batch.environment, batch.whats.join(", "), batch] as const))(
    "refuses %s with %s",
    async (_environment, _whats, batch) => {
      const { stopped, outcome } = await preview(batch.environment, batch);
      expect([stopped, outcome]).toEqual([batch.stopping, "refused"]);
    },
  );
});
