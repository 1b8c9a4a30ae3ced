/** What a generation of nodes is there for: pods, to be looked at before any pod comes, or to be left. */
export type GenerationState = "serving" | "standby" | "retiring";

/** One of the sets of machines a pool consists of while its nodes are exchanged. */
export interface PoolGeneration {
  /** `original` for the machines a pool was created with; they keep the pool's own name. */
  readonly name: string;
  readonly state: GenerationState;
  /** Release of the node image, in the provider's own form. @default the provider's newest when a node starts */
  readonly release?: string;
}

/** Name of the generation a pool is created with. */
export const ORIGINAL_GENERATION = "original";

/** Key of the taint that keeps new pods from machines that do not serve. */
export const GENERATION_TAINT_KEY = "llmops.io/generation";
