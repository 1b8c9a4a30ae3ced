import type { PlatformConfig } from "../stacks/schema/platform.ts";

type Model = PlatformConfig["models"][number];

/** A setting that makes the same requests cost less, and how a stack has it. */
export interface LeverState {
  readonly lever: string;
  /** Where it is set. */
  readonly key: string;
  /** Model it is set for; absent where it holds for the whole stack. */
  readonly model?: string;
  readonly state: string;
}

const ENGINE_DEFAULT = "the engine's own";

function batching({ engine }: Model): string {
  const tokens = "maxNumBatchedTokens" in engine ? engine.maxNumBatchedTokens : undefined;
  return `${engine.maxNumSeqs} sequences, ${tokens === undefined ? ENGINE_DEFAULT : tokens} tokens a step`;
}

/** @see https://docs.vllm.ai/en/latest/design/prefix_caching.html and https://docs.sglang.ai/references/hyperparameter_tuning.html: on unless switched off */
function prefixCache({ engine }: Model): string {
  return engine.kind === "vllm" || engine.kind === "sglang"
    ? "on, the engine's default"
    : "not set here: see the engine";
}

function sleeping({ autoscaling }: Model): string {
  const { minReplicas, schedule } = autoscaling;
  if (schedule !== undefined) return `schedule of ${schedule.windows.length}, ${minReplicas} replicas else`;
  return minReplicas === 0 ? "sleeps without calls" : `never below ${minReplicas} replicas`;
}

function ofModel(model: Model, pools: PlatformConfig["gpuPools"]): LeverState[] {
  const { name, architecture, autoscaling, tiers, gpu } = model;
  const pool = pools.find((each) => each.name === gpu.pool);
  const key = `models '${name}'`;
  const states: readonly (readonly [lever: string, key: string, state: string])[] = [
    [
      "autoscaling",
      `${key}.autoscaling`,
      `${autoscaling.minReplicas} to ${autoscaling.maxReplicas} replicas`,
    ],
    ["off-hours", `${key}.autoscaling.schedule`, sleeping(model)],
    ["batching", `${key}.engine`, batching(model)],
    ["prefix cache", `${key}.engine`, prefixCache(model)],
    [
      "routing",
      `${key}.tiers`,
      tiers.length === 0
        ? "off"
        : tiers.map((tier) => `up to ${tier.maxInputTokens} tokens to ${tier.model}`).join(", "),
    ],
    [
      "quantisation",
      `${key}.architecture.bytesPerParameter`,
      architecture.bytesPerParameter < 2
        ? `${architecture.bytesPerParameter} bytes a parameter`
        : "off: 16-bit weights",
    ],
    ["right-sizing", `${key}.gpu`, `${gpu.tensorParallel * gpu.nodes} x ${pool?.accelerator ?? "unknown"}`],
    ["spot", `gpuPools '${gpu.pool}'.capacity`, pool?.capacity.join(", then ") ?? "unknown"],
  ];
  return states.map(([lever, at, state]) => ({ lever, key: at, model: name, state }));
}

/** Every lever the replay bench measures, as a stack has it; for the stack first, then by model. */
export function leversOf({ gateway, models, gpuPools }: PlatformConfig): LeverState[] {
  return [
    {
      lever: "exact cache",
      key: "gateway.cache",
      state: gateway.cache === "exact" ? "on, per client, 10 minutes" : "off",
    },
    ...models.flatMap((model) => ofModel(model, gpuPools)),
  ];
}
