/** Upper edges of the latency histograms, seconds; an objective is exact where its limit is one of them. */
export const LATENCY_EDGES: readonly number[] = [
  0.01, 0.025, 0.05, 0.1, 0.2, 0.4, 0.8, 1.5, 2, 3, 6, 12, 20, 30, 60, 120,
];

/** Upper edges of the histograms of tokens per request. */
export const TOKEN_EDGES: readonly number[] = [
  16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16_384, 32_768,
];

/** Upper edges of the histogram of prompt lengths, bytes of the body. */
export const BYTE_EDGES: readonly number[] = [
  128, 256, 512, 1024, 2048, 4096, 8192, 16_384, 32_768, 65_536, 131_072,
];
