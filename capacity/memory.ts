/** What decides how much memory a model takes. */
export interface Architecture {
  readonly parametersBillion: number;
  readonly bytesPerParameter: number;
  readonly layers: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly kvBytesPerElement: number;
}

/** How a replica is spread over GPUs. */
export interface Placement {
  /** GPUs a layer is divided over. */
  readonly tensorParallel: number;
  /** Groups of layers. @default 1 */
  readonly pipelineParallel?: number;
  /** Memory of one GPU, GiB. */
  readonly gpuMemoryGiB: number;
  /** Most tokens in one step. @default 8192 */
  readonly batchedTokens?: number;
}

/** Memory of one GPU of a replica, GiB. */
export interface MemoryBalance {
  /** What the engine may take. */
  readonly usableGiB: number;
  readonly weightsGiB: number;
  /** Peak of activations, and what CUDA and its graphs hold. */
  readonly activationGiB: number;
  /** What is left for the key-value cache; below 0 nothing runs. */
  readonly cacheGiB: number;
  /** Key-value cache of one token, bytes. */
  readonly bytesPerToken: number;
  /** Tokens the cache of the replica holds, 0 when nothing is left. */
  readonly cacheTokens: number;
}

const GIB = 2 ** 30;

/** Share of a GPU's memory an engine may use: vLLM's `--gpu-memory-utilization` as we set it. */
export const USABLE_SHARE = 0.9;

/**
 * Room for padding and buffers on top of the weights.
 * @see https://github.com/kaito-project/kaito (its estimator adds 2 %)
 */
const WEIGHT_OVERHEAD = 1.02;

/** CUDA context, NCCL buffers and captured graphs of one GPU, GiB: an assumption, the engine prints its own at start. */
const RUNTIME_GIB = 1;

/** Width of a feed-forward layer as a multiple of the hidden size, gate and up projection together; Llama 3 has 7. */
const FEED_FORWARD_WIDTH = 7;

/** Default of vLLM's scheduler on data-centre GPUs. @see https://docs.vllm.ai/en/latest/configuration/optimization.html */
export const DEFAULT_BATCHED_TOKENS = 8192;

/**
 * Hidden size of a dense transformer from its parameters (12 x layers x hidden^2); for a mixture of experts it is an upper
 * bound, so the estimate stays on the safe side up to the point where it is capped.
 */
function hiddenSize({ parametersBillion, layers }: Architecture): number {
  return Math.min(8192, Math.sqrt((parametersBillion * 1e9) / (12 * layers)));
}

/** Memory of each GPU of a replica: weights, activations, and what is left for the key-value cache. */
export function memoryBalance(model: Architecture, placement: Placement): MemoryBalance {
  const {
    tensorParallel,
    pipelineParallel = 1,
    gpuMemoryGiB,
    batchedTokens = DEFAULT_BATCHED_TOKENS,
  } = placement;
  const usableGiB = gpuMemoryGiB * USABLE_SHARE;
  const weightsGiB =
    (model.parametersBillion * 1e9 * model.bytesPerParameter * WEIGHT_OVERHEAD) /
    (GIB * tensorParallel * pipelineParallel);
  const width = hiddenSize(model) * (FEED_FORWARD_WIDTH / tensorParallel + 4);
  const activationGiB = RUNTIME_GIB + (batchedTokens * width * 2) / GIB;
  // Fewer heads than GPUs: every GPU keeps a whole one.
  const heads = Math.ceil(model.kvHeads / tensorParallel);
  const bytesPerToken =
    2 * Math.ceil(model.layers / pipelineParallel) * heads * model.headDim * model.kvBytesPerElement;
  const cacheGiB = usableGiB - weightsGiB - activationGiB;
  return {
    usableGiB,
    weightsGiB,
    activationGiB,
    cacheGiB,
    bytesPerToken,
    cacheTokens: Math.max(0, Math.floor((cacheGiB * GIB) / bytesPerToken)),
  };
}
