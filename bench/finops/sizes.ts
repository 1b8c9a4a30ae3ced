import { memoryBalance } from "../../capacity/memory.ts";
import { MODELS, type ModelCard } from "../../capacity/models.ts";
import type { ReplicaParameters } from "../../capacity/replica-model.ts";
import { fittedSeeds, type Seed } from "../../capacity/seeds.ts";
import { ACCELERATOR_SPECS } from "../../components/gpu/accelerators.ts";

/** A replica: GPUs, speed and memory. */
export interface Size {
  readonly name: string;
  readonly gpus: number;
  readonly parameters: ReplicaParameters;
  /** Tokens of its key-value cache for a size of step. */
  readonly cacheTokens: (batchedTokens: number) => number;
  /** Where the speed comes from. */
  readonly source: string;
}

const H100 = { accelerator: "H100", memoryGiB: ACCELERATOR_SPECS.H100.memoryGiB } as const;

/** Memory bandwidth of an H100 that engines reach, bytes per second: the data sheet's 3,350 GB/s, of which 80 %. */
const BYTES_PER_SECOND = 3350e9 * 0.8;

function cardOf(model: string): ModelCard {
  const card = MODELS[model];
  if (card === undefined) throw new Error(`${model} is not in the model table`);
  return card;
}

function measured(model: string, gpus: number, engine: Seed["engine"], precision: string): Seed {
  const seed = fittedSeeds().find(
    (each) =>
      each.model === model &&
      each.accelerator === H100.accelerator &&
      each.tensorParallel === gpus &&
      each.engine === engine &&
      each.precision === precision,
  );
  if (seed === undefined) throw new Error(`${model} on ${gpus} x H100 with ${engine} was not measured`);
  return seed;
}

function cacheOf(card: ModelCard, gpus: number): Size["cacheTokens"] {
  return (batchedTokens) =>
    memoryBalance(card, { tensorParallel: gpus, gpuMemoryGiB: H100.memoryGiB, batchedTokens }).cacheTokens;
}

function fitted(model: string, gpus: number, engine: Seed["engine"]): Size {
  const { parameters, version, heldOut } = measured(model, gpus, engine, "bf16");
  return {
    name: `${model} bf16, ${gpus} x H100`,
    gpus,
    parameters,
    cacheTokens: cacheOf(cardOf(model), gpus),
    source: `fitted to ${engine} ${version}; throughput ${heldOut.throughput.toFixed(1)} % off on rows left out`,
  };
}

/**
 * The same engine with weights of half the size: only reading them gets faster, and the cache grows. Faster arithmetic is left
 * out, so the result is on the low side.
 */
function halved(model: string, gpus: number, from: number): Size {
  const { parameters, version } = measured(model, from, "vllm", "bf16");
  const card = { ...cardOf(model), bytesPerParameter: 1 };
  const readMs = (bytesPerParameter: number, over: number): number =>
    (1e3 * card.activeBillion * 1e9 * bytesPerParameter) / (BYTES_PER_SECOND * over);
  const share = from / gpus;
  return {
    name: `${model} fp8, ${gpus} x H100`,
    gpus,
    parameters: {
      fixedMs: parameters.fixedMs - readMs(2, from) + readMs(1, gpus),
      contextNs: parameters.contextNs * share,
      prefillUs: parameters.prefillUs * share,
      sequenceUs: parameters.sequenceUs * share,
    },
    cacheTokens: cacheOf(card, gpus),
    source: `derived from vllm ${version} bf16 on ${from} x H100: half the bytes of weights${share === 1 ? "" : `, everything else ${share} times as slow`}`,
  };
}

/** Sizes of the large model as published; the first is what is used without right-sizing. */
export const LARGE: readonly Size[] = [2, 4, 8].map((gpus) => fitted("qwen3-32b", gpus, "vllm"));

/** Sizes of the large model with 8-bit weights, the unchanged size first. */
export const LARGE_QUANTISED: readonly Size[] = [
  halved("qwen3-32b", 2, 2),
  halved("qwen3-32b", 1, 2),
  halved("qwen3-32b", 4, 4),
  halved("qwen3-32b", 8, 8),
];

/** Sizes of the model that simple requests go to. */
export const SMALL: readonly Size[] = [1, 2].map((gpus) => fitted("llama-3.1-8b", gpus, "trtllm"));
