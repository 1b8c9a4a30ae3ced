import { join } from "node:path";
import type { EngineEvent, PolicyEvent, Stack } from "@pulumi/pulumi/automation/index.js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CONFIG_KEY } from "../../stacks/schema/stack-file.ts";
import { CATALOGUE } from "../../policies/catalogue.ts";
import type { PlatformConfig } from "../../stacks/schema/platform.ts";
import { ENVIRONMENTS, NOW, planAll, type Environment, type Planned } from "../policy/environments.ts";
import { MUTATIONS, type Mutation } from "../policy/mutations.ts";
import { startEngine, type Engine } from "./engine.ts";
import { registerChanged } from "./mutated-program.ts";

const POLICIES = join(import.meta.dirname, "..", "..", "policies");
const PACK_FOLDERS = [join(POLICIES, "ai-act"), join(POLICIES, "cost")];

let engine: Engine;
let plans: ReadonlyMap<Environment, Planned>;

beforeAll(async () => {
  plans = await planAll();
  engine = await startEngine();
});

afterAll(() => {
  engine.close();
});

interface Seen {
  /** Controls with a mandatory violation. */
  readonly stopped: readonly string[];
  readonly events: readonly PolicyEvent[];
  readonly outcome: "previewed" | "refused";
}

async function preview(
  environment: Environment,
  mutation: Partial<Pick<Mutation, "change" | "configure" | "asOf">> = {},
  packConfigs: string[] = [],
): Promise<Seen> {
  const found = plans.get(environment);
  if (found === undefined) throw new Error(`${environment} is not planned`);
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
      ...(packConfigs.length === 0 ? {} : { policyPackConfigs: packConfigs }),
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
  // One wrong setting for each control and platform, and one unknown for each platform: each preview takes five seconds.
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

  it.each(chosen.map((mutation) => [mutation.environment, mutation.what, mutation] as const))(
    "refuses %s with %s",
    async (_environment, _what, mutation) => {
      const { stopped, outcome } = await preview(mutation.environment, mutation);
      expect([stopped, outcome]).toEqual([[...mutation.controls].sort(), "refused"]);
    },
  );
});
