import { AI_ACT_CONTROLS, COST_CONTROLS } from "../catalogue.ts";
import type { Control } from "../controls/control.ts";

/** A set of controls that Pulumi runs together. */
export interface Pack {
  readonly name: "llmops-ai-act" | "llmops-cost";
  readonly title: string;
  readonly controls: readonly Control[];
}

/** The policy packs of the blueprint. */
export const PACKS: readonly Pack[] = [
  { name: "llmops-ai-act", title: "LLMOps: AI Act and GDPR", controls: AI_ACT_CONTROLS },
  { name: "llmops-cost", title: "LLMOps: cost", controls: COST_CONTROLS },
];

/** Name of a control as a Pulumi policy. */
export function policyName(control: string): string {
  return control.toLowerCase();
}
