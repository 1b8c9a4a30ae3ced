import type { ResourceGraph } from "../../graph/graph.ts";
import type { EnforcementLevel } from "../report.ts";

/** Article a control serves, with the day it applies from after Regulation (EU) 2026/1744. */
export interface LegalAnchor {
  /** For example `AI Act Art. 12(1)`. */
  readonly reference: string;
  /** ISO date. */
  readonly appliesFrom: string;
}

/** Kind of environment, from risk class and stage; an unclassified one would count as `high-prod`. */
export type Profile = "high-prod" | "high-staging" | "other-prod" | "other-staging" | "dev";

/** How hard a control is in each profile; `off` means it is not evaluated there. */
export type Levels = Readonly<Record<Profile, EnforcementLevel | "off">>;

/** How bad it is when the control fails, whatever the profile. */
export type Severity = "critical" | "high" | "medium" | "low";

/** Where a control looks; `configuration` is the stack file itself, `prices` the priced whole. */
export type Platform = "aws" | "gcp" | "kubernetes" | "configuration" | "prices";

/** What an environment costs, as far as the caller could find out. */
export type KnownCost =
  | {
      readonly kind: "figures";
      readonly ceilingUsd: number;
      readonly budgetUsd: number;
      /** Prices the figures rest on. */
      readonly prices: readonly PriceUsed[];
    }
  | { readonly kind: "nothing-rented" }
  | { readonly kind: "not-computed"; readonly reason: string };

/** One price the ceiling rests on. */
export interface PriceUsed {
  readonly sku: string;
  readonly source: string;
  /** ISO date; anything else counts as unknown. */
  readonly asOf: string;
}

/** What a control may know besides the graph. */
export interface ControlContext {
  readonly environment: "local" | "dev" | "staging" | "prod";
  /** ISO time of the evaluation. */
  readonly asOf: string;
  readonly riskClass: "high" | "limited" | "minimal";
  readonly intendedPurpose: string;
  readonly owner: string;
  /** Point of Annex III of a high-risk system. */
  readonly annexIII?: string;
  readonly publicService: "yes" | "no";
  readonly interactsWithPeople: "yes" | "no";
  readonly generates: "text" | "media" | "nothing";
  readonly decisions: "none" | "assists" | "decides";
  readonly biometricIdentification: "none" | "remote";
  /** Region of the cloud; absent where nobody but the cluster knows. */
  readonly region?: string;
  /** Regions data may be in. */
  readonly allowedRegions: ReadonlySet<string>;
  /** Models served on own GPUs. */
  readonly models: readonly ServedModel[];
  /** External model providers. */
  readonly providers: readonly ExternalProvider[];
  /** Oldest evaluation that still counts, days. */
  readonly evaluationMaxAgeDays: number;
  /** GPUs each tenant may request. */
  readonly tenantGpus: Readonly<Record<string, number>>;
  readonly budget: DeclaredBudget;
  readonly cost: KnownCost;
}

/** A model and the exact content that is served. */
export interface ServedModel {
  readonly name: string;
  /** `<name>@<revision or digest>`: a declaration about another revision does not count. */
  readonly subject: string;
  /** Names it answers under, its own and those of its adapters, with what an evaluation calls the weights behind each. */
  readonly answers: readonly { readonly name: string; readonly weights: string }[];
}

/** An external model provider as declared. */
export interface ExternalProvider {
  readonly name: string;
  readonly region: string;
  readonly agreement: string;
  readonly trainingUse: "excluded" | "allowed";
}

/** Budget as declared. */
export interface DeclaredBudget {
  readonly owner: string;
  readonly currency: string;
  /** USD of one unit. */
  readonly usdPerUnit: number;
  /** ISO date of the rate. */
  readonly rateAsOf?: string;
  readonly maxPriceAgeDays: number;
}

/** One thing that is wrong or cannot be determined. */
export interface Problem {
  readonly status: "fail" | "unknown";
  /** URN, or `stack` for what is absent. */
  readonly resource: string;
  readonly property?: string;
  readonly observed: string;
  readonly expected: string;
}

/** A declaration that a control needs because infrastructure proves nothing about it. */
export interface Demand {
  /** Subject of the attestation. */
  readonly subject: string;
  /** What must be declared. */
  readonly what: string;
  /** Oldest declaration that counts, days. */
  readonly maxAgeDays: number;
}

/** What a control saw. */
export type Observation =
  | {
      readonly kind: "checked";
      readonly resources: readonly string[];
      readonly problems: readonly Problem[];
      /** What a person must have declared besides. */
      readonly demands?: readonly Demand[];
    }
  | { readonly kind: "not-applicable"; readonly reason: string };

/** A rule over the resource graph, with everything a reader, an auditor and a SARIF file need to know about it. */
export interface Control {
  /** Never reused, for example `AIA-LOG-02`. */
  readonly id: string;
  readonly title: string;
  readonly severity: Severity;
  readonly platforms: readonly Platform[];
  readonly legal: readonly LegalAnchor[];
  readonly levels: Levels;
  /** Why the rule exists, in one sentence. */
  readonly rationale: string;
  readonly remediation: string;
  /** What the rule cannot see. */
  readonly blindSpots: string;
  /** Where facts behind the rule come from. */
  readonly sources?: readonly string[];
  readonly evaluate: (graph: ResourceGraph, context: ControlContext) => Observation;
}

/** A high-risk obligation under Annex III. @see Regulation (EU) 2024/1689 Art. 113 as amended by (EU) 2026/1744 */
export const ANNEX_III_FROM = "2027-12-02";
/** General application. @see Regulation (EU) 2024/1689 Art. 113 */
export const GENERAL_FROM = "2026-08-02";
/** Marking by generative systems that were on the market before. @see Regulation (EU) 2026/1744, new Art. 111(4) */
export const LEGACY_MARKING_FROM = "2026-12-02";
/** The GDPR applies. @see Regulation (EU) 2016/679 Art. 99(2) */
export const GDPR_FROM = "2018-05-25";

const CODES = { M: "mandatory", A: "advisory", "-": "off" } as const;
type Code = keyof typeof CODES;

/** Levels of a control of the AI Act or the GDPR: high-risk production and staging, every other system, development. */
export function byRisk(production: Code, staging: Code, other: Code, development: Code): Levels {
  return {
    "high-prod": CODES[production],
    "high-staging": CODES[staging],
    "other-prod": CODES[other],
    "other-staging": CODES[other],
    dev: CODES[development],
  };
}

/** Levels of a control of cost, which does not depend on the risk class. */
export function byStage(production: Code, staging: Code, development: Code): Levels {
  return {
    "high-prod": CODES[production],
    "other-prod": CODES[production],
    "high-staging": CODES[staging],
    "other-staging": CODES[staging],
    dev: CODES[development],
  };
}

/** Mandatory everywhere that matters, a hint in development. */
export const STRICT: Levels = byRisk("M", "M", "M", "A");

/** Mandatory for high risk, a hint elsewhere. */
export const HIGH_RISK: Levels = byRisk("M", "M", "A", "-");

/** Mandatory in every environment. */
export const ALWAYS: Levels = byRisk("M", "M", "M", "M");

/** Profile of an environment. */
export function profileOf({
  riskClass,
  environment,
}: Pick<ControlContext, "riskClass" | "environment">): Profile {
  if (environment === "dev" || environment === "local") return "dev";
  return `${riskClass === "high" ? "high" : "other"}-${environment}`;
}
