import { join } from "node:path";
import type { EngineEvent, PolicyEvent } from "@pulumi/pulumi/automation/index.js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CATALOGUE } from "../../policies/catalogue.ts";
import { CONFIG_KEY } from "../../stacks/schema/stack-file.ts";
import {
  NOW,
  planAll,
  SHIPPED,
  type Circumstances,
  type Environment,
  type Planned,
} from "../policy/environments.ts";
import { brokenBatches, sorted, type Stopping } from "./broken-batches.ts";
import { startEngine, type Engine } from "./engine.ts";
import { registerChanged } from "./mutated-program.ts";

const POLICIES = join(import.meta.dirname, "..", "..", "policies");
const PACK_FOLDERS = [join(POLICIES, "ai-act"), join(POLICIES, "cost")];

const plans: ReadonlyMap<Environment, Planned> = await planAll();
let engine: Engine;

beforeAll(async () => {
  engine = await startEngine();
});

afterAll(async () => {
  await engine.close();
});

interface Seen {
  /** Mandatory violations, sorted. */
  readonly stopping: readonly Stopping[];
  readonly outcome: "previewed" | "refused";
}

/** The finding a violation shows in the engine's words; all of them when it is none of those expected. */
function shown({ policyName, message }: PolicyEvent, expected: readonly Stopping[]): Stopping {
  const control = policyName.toUpperCase();
  const found = expected.find((each) => each.control === control && message.includes(each.message));
  return found ?? { control, message };
}

async function preview(
  environment: Environment,
  { change, configure, asOf = NOW }: Circumstances = {},
  expected: readonly Stopping[] = [],
): Promise<Seen> {
  const found = plans.get(environment);
  if (found === undefined) throw new Error(`${environment} is not planned`);
  const { graph } = found.planned.plan;
  const stack = await engine.stack(graph.stack, {
    config: () => found.config,
    before: () => {
      if (change !== undefined) registerChanged(graph, change(graph));
    },
    settings: { [CONFIG_KEY]: JSON.stringify(configure?.(found.config) ?? found.config) },
    asOf,
  });
  const violations: PolicyEvent[] = [];
  const onEvent = ({ policyEvent }: EngineEvent): void => {
    if (policyEvent?.enforcementLevel === "mandatory") violations.push(policyEvent);
  };
  const outcome = await stack
    .preview({ policyPacks: PACK_FOLDERS, onEvent, suppressProgress: true, suppressOutputs: true })
    .then(
      () => "previewed" as const,
      (error: unknown) => {
        if (violations.length === 0) throw error;
        return "refused" as const;
      },
    );
  return { stopping: sorted(violations.map((event) => shown(event, expected))), outcome };
}

describe("the real engine with both policy packs", () => {
  const batches = brokenBatches(plans);

  it.each(SHIPPED)("previews %s without a violation that stops it", async (environment) => {
    expect(await preview(environment)).toEqual({ stopping: [], outcome: "previewed" });
  });

  it("is asked about at least 60 broken settings, and about every control", () => {
    const broken = batches.flatMap((batch) => batch.broken);
    expect(broken.length).toBeGreaterThanOrEqual(60);
    const controls = new Set(broken.flatMap((each) => each.controls));
    expect(CATALOGUE.map(({ id }) => id).filter((id) => !controls.has(id))).toEqual([]);
  });

  it.each(
    batches.map(
      (batch) => [batch.environment, batch.broken.map(({ what }) => what).join(", "), batch] as const,
    ),
  )("refuses %s with %s, and for nothing else", async (environment, _whats, batch) => {
    const { broken, circumstances, stopping } = batch;
    // What each of them must be refused for is written down, and not only what both judgements agree on.
    expect(new Set(stopping.map(({ control }) => control))).toEqual(
      new Set(broken.flatMap(({ controls }) => controls)),
    );
    expect(await preview(environment, circumstances, stopping)).toEqual({ stopping, outcome: "refused" });
  });
});
