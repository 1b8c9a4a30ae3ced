import { z } from "zod";
import { cloud } from "./cloud.ts";
import {
  attestations,
  audit,
  documentation,
  exemptions,
  oversight,
  riskClass,
  tenancy,
  transparency,
} from "./governance.ts";
import { gpuPools } from "./gpu-pools.ts";
import { loops } from "./loops.ts";
import { models, providers } from "./models.ts";
import { observability } from "./observability.ts";
import { alerting, budget, evaluation, gateway, guardrails } from "./operations.ts";
import { registryMirror } from "./registry-mirror.ts";
import { shortName } from "./primitives.ts";

/** Sections of the configuration, each parsed on its own so that one broken section hides no other. */
export const sections = {
  client: shortName.describe("The client this environment belongs to."),
  environment: z
    .enum(["local", "dev", "staging", "prod"])
    .describe("Stage; production rules apply to `prod`."),
  site: shortName
    .max(8)
    .optional()
    .describe(
      "Tells environments of one client and stage in several regions apart; part of every resource's name.",
    ),
  residency: z
    .strictObject({
      regions: z.array(z.string().min(1)).min(1).describe("Regions data may be in, inside the EU-27."),
    })
    .optional()
    .describe("Where data may be. Default: anywhere in the EU-27."),
  cloud,
  gpuPools,
  models,
  providers,
  gateway,
  guardrails,
  audit,
  riskClass,
  oversight,
  transparency,
  documentation,
  evaluation,
  observability,
  alerting,
  loops,
  budget,
  tenancy,
  exemptions,
  attestations,
  registryMirror,
} as const;

/** The whole configuration of one environment: the value of `llmops:platform` in its stack file. */
export const platform = z.strictObject(sections).describe("One environment of the LLMOps platform.");

/** A valid configuration with every default filled in. */
export type PlatformConfig = z.output<typeof platform>;

/** Name of a top-level section. */
export type SectionName = keyof typeof sections;

/** Keys that this version validates but no component consumes yet; `llmops plan` prints them. */
export const NOT_DEPLOYED: readonly string[] = ["oversight.contact", "models[].slo"];
