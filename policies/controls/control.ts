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
export type Profile = "high-prod" | "high-staging" | "other" | "dev";

/** How hard a control is in each profile; `off` means it is not evaluated there. */
export type Levels = Readonly<Record<Profile, EnforcementLevel | "off">>;

/** What a control may know besides the graph. */
export interface ControlContext {
  readonly environment: "local" | "dev" | "staging" | "prod";
  readonly riskClass: "high" | "limited" | "minimal";
  readonly intendedPurpose: string;
  readonly owner: string;
  /** Region of the cloud; absent where nobody but the cluster knows. */
  readonly region?: string;
  /** Regions data may be in. */
  readonly allowedRegions: ReadonlySet<string>;
  /** Models served on own GPUs. */
  readonly models: readonly string[];
  /** GPUs each tenant may request. */
  readonly tenantGpus: Readonly<Record<string, number>>;
  /** Ceiling and budget in USD per month; absent where nothing is rented. */
  readonly cost?: { readonly ceilingUsd: number; readonly budgetUsd: number };
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

/** What a control saw. */
export type Observation =
  | { readonly kind: "checked"; readonly resources: readonly string[]; readonly problems: readonly Problem[] }
  | { readonly kind: "not-applicable"; readonly reason: string };

/** A rule over the resource graph, with everything a reader, an auditor and a SARIF file need to know about it. */
export interface Control {
  /** Never reused, for example `AIA-LOG-02`. */
  readonly id: string;
  readonly title: string;
  readonly legal: readonly LegalAnchor[];
  readonly levels: Levels;
  /** Why the rule exists, in one sentence. */
  readonly rationale: string;
  readonly remediation: string;
  /** What the rule cannot see. */
  readonly blindSpots: string;
  readonly evaluate: (graph: ResourceGraph, context: ControlContext) => Observation;
}

/** A high-risk obligation under Annex III. @see Regulation (EU) 2024/1689 Art. 113 as amended by (EU) 2026/1744 */
export const ANNEX_III_FROM = "2027-12-02";
/** General application. @see Regulation (EU) 2024/1689 Art. 113 */
export const GENERAL_FROM = "2026-08-02";
/** The GDPR applies. @see Regulation (EU) 2016/679 Art. 99(2) */
export const GDPR_FROM = "2018-05-25";

/** Mandatory everywhere that matters, a hint in development. */
export const STRICT: Levels = {
  "high-prod": "mandatory",
  "high-staging": "mandatory",
  other: "mandatory",
  dev: "advisory",
};

/** Mandatory for high risk, a hint elsewhere. */
export const HIGH_RISK: Levels = {
  "high-prod": "mandatory",
  "high-staging": "mandatory",
  other: "advisory",
  dev: "off",
};

/** Mandatory in every environment. */
export const ALWAYS: Levels = {
  "high-prod": "mandatory",
  "high-staging": "mandatory",
  other: "mandatory",
  dev: "mandatory",
};

/** Profile of an environment. */
export function profileOf({
  riskClass,
  environment,
}: Pick<ControlContext, "riskClass" | "environment">): Profile {
  if (environment === "dev" || environment === "local") return "dev";
  if (riskClass !== "high") return "other";
  return environment === "prod" ? "high-prod" : "high-staging";
}
