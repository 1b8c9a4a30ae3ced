/** What the platform needs to know about an open model. */
export interface ModelCard {
  /** Repository on the hub. */
  readonly repository: string;
  /** All parameters, 10^9; of a mixture of experts all of them are held in memory. */
  readonly parametersBillion: number;
  /** Parameters one token passes through, 10^9. */
  readonly activeBillion: number;
  /** Bytes per parameter of the published weights. */
  readonly bytesPerParameter: number;
  readonly layers: number;
  /** Key-value heads; multi-head latent attention (MLA) keeps one latent vector: 1 head whose key and value are half of it. */
  readonly kvHeads: number;
  /** Dimension of a head. */
  readonly headDim: number;
  /** Bytes per element of the key-value cache. */
  readonly kvBytesPerElement: number;
  /** Longest context of the published configuration, tokens. */
  readonly contextTokens: number;
  readonly licence: string;
  /** What a European operator should know; Regulation (EU) 2024/1689 where an article is named. */
  readonly euNotes: string;
  /** Whether prompts are formatted by a template inside the tokenizer's files. */
  readonly chatTemplate: "in tokenizer_config.json" | "in chat_template.jinja" | "none (base model)";
  readonly source: string;
  /** Day the figures were taken down. */
  readonly asOf: string;
}

const AS_OF = "2026-11-24";
const bf16 = { bytesPerParameter: 2, kvBytesPerElement: 2 } as const;
const OPEN = "Open licence; the provider's training-data summary (Art. 53(1)(d)) is to be asked for.";
const LLAMA =
  "Community licence, not open source by the Act's recital 102; a deployer keeps the licence's notice and its use policy.";

function card(
  row: Omit<ModelCard, "source" | "asOf" | "kvBytesPerElement" | "bytesPerParameter" | "activeBillion"> &
    Partial<Pick<ModelCard, "kvBytesPerElement" | "bytesPerParameter" | "activeBillion">>,
): ModelCard {
  return {
    ...bf16,
    activeBillion: row.parametersBillion,
    ...row,
    source: `https://huggingface.co/${row.repository}/blob/main/config.json`,
    asOf: AS_OF,
  };
}

/** Open models with a known architecture, by the name `llmops capacity` takes. */
export const MODELS: Readonly<Record<string, ModelCard>> = {
  "llama-3.1-8b": card({
    repository: "meta-llama/Llama-3.1-8B-Instruct",
    parametersBillion: 8.03,
    layers: 32,
    kvHeads: 8,
    headDim: 128,
    contextTokens: 131_072,
    licence: "Llama 3.1 Community License",
    euNotes: LLAMA,
    chatTemplate: "in tokenizer_config.json",
  }),
  "llama-3.1-70b": card({
    repository: "meta-llama/Llama-3.1-70B-Instruct",
    parametersBillion: 70.6,
    layers: 80,
    kvHeads: 8,
    headDim: 128,
    contextTokens: 131_072,
    licence: "Llama 3.1 Community License",
    euNotes: LLAMA,
    chatTemplate: "in tokenizer_config.json",
  }),
  "llama-3.3-70b": card({
    repository: "meta-llama/Llama-3.3-70B-Instruct",
    parametersBillion: 70.6,
    layers: 80,
    kvHeads: 8,
    headDim: 128,
    contextTokens: 131_072,
    licence: "Llama 3.3 Community License",
    euNotes: LLAMA,
    chatTemplate: "in tokenizer_config.json",
  }),
  "mistral-7b": card({
    repository: "mistralai/Mistral-7B-Instruct-v0.3",
    parametersBillion: 7.25,
    layers: 32,
    kvHeads: 8,
    headDim: 128,
    contextTokens: 32_768,
    licence: "Apache-2.0",
    euNotes: OPEN,
    chatTemplate: "in tokenizer_config.json",
  }),
  "mistral-small-24b": card({
    repository: "mistralai/Mistral-Small-24B-Instruct-2501",
    parametersBillion: 23.6,
    layers: 40,
    kvHeads: 8,
    headDim: 128,
    contextTokens: 32_768,
    licence: "Apache-2.0",
    euNotes: OPEN,
    chatTemplate: "in tokenizer_config.json",
  }),
  "qwen3-8b": card({
    repository: "Qwen/Qwen3-8B",
    parametersBillion: 8.19,
    layers: 36,
    kvHeads: 8,
    headDim: 128,
    contextTokens: 40_960,
    licence: "Apache-2.0",
    euNotes: OPEN,
    chatTemplate: "in tokenizer_config.json",
  }),
  "qwen3-32b": card({
    repository: "Qwen/Qwen3-32B",
    parametersBillion: 32.8,
    layers: 64,
    kvHeads: 8,
    headDim: 128,
    contextTokens: 40_960,
    licence: "Apache-2.0",
    euNotes: OPEN,
    chatTemplate: "in tokenizer_config.json",
  }),
  "qwen3-235b-a22b-fp8": card({
    repository: "Qwen/Qwen3-235B-A22B-FP8",
    parametersBillion: 235,
    activeBillion: 22,
    bytesPerParameter: 1,
    layers: 94,
    kvHeads: 4,
    headDim: 128,
    contextTokens: 40_960,
    licence: "Apache-2.0",
    euNotes: OPEN,
    chatTemplate: "in tokenizer_config.json",
  }),
  "gemma-3-12b": card({
    repository: "google/gemma-3-12b-it",
    parametersBillion: 12.2,
    layers: 48,
    kvHeads: 8,
    headDim: 256,
    contextTokens: 131_072,
    licence: "Gemma Terms of Use",
    euNotes:
      "Terms of use with a prohibited-use policy that a deployer hands on; every layer is counted in full, although most attend to a window only.",
    chatTemplate: "in tokenizer_config.json",
  }),
  "gemma-3-27b": card({
    repository: "google/gemma-3-27b-it",
    parametersBillion: 27.4,
    layers: 62,
    kvHeads: 16,
    headDim: 128,
    contextTokens: 131_072,
    licence: "Gemma Terms of Use",
    euNotes:
      "Terms of use with a prohibited-use policy that a deployer hands on; every layer is counted in full, although most attend to a window only.",
    chatTemplate: "in tokenizer_config.json",
  }),
  "gpt-oss-120b": card({
    repository: "openai/gpt-oss-120b",
    parametersBillion: 117,
    activeBillion: 5.1,
    bytesPerParameter: 0.53,
    layers: 36,
    kvHeads: 8,
    headDim: 64,
    contextTokens: 131_072,
    licence: "Apache-2.0",
    euNotes: OPEN,
    chatTemplate: "in chat_template.jinja",
  }),
  "deepseek-r1": card({
    repository: "deepseek-ai/DeepSeek-R1",
    parametersBillion: 671,
    activeBillion: 37,
    bytesPerParameter: 1,
    layers: 61,
    // Latent of 512 plus 64 rotary dimensions, kept once: 1 x 288 x 2.
    kvHeads: 1,
    headDim: 288,
    contextTokens: 163_840,
    licence: "MIT",
    euNotes:
      "Open licence; provider outside the Union: residency holds for own GPUs only, not for the provider's API.",
    chatTemplate: "in tokenizer_config.json",
  }),
};

/** A model of the table by the repository of its weights, with its name; undefined when it is none of them. */
export function cardOfRepository(repository: string): readonly [name: string, card: ModelCard] | undefined {
  return Object.entries(MODELS).find(([, card]) => card.repository === repository);
}
