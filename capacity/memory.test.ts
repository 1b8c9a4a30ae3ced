import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { memoryBalance } from "./memory.ts";
import { MODELS } from "./models.ts";

const llama = MODELS["llama-3.1-8b"];
const deepseek = MODELS["deepseek-r1"];
if (llama === undefined || deepseek === undefined) throw new Error("the model table lost a model");

describe("memoryBalance", () => {
  it("counts weights, activations and cache of Llama 3.1 8B on one L4", () => {
    const balance = memoryBalance(llama, { tensorParallel: 1, gpuMemoryGiB: 22 });
    expect(balance.bytesPerToken).toBe(2 * 32 * 8 * 128 * 2);
    expect(balance.usableGiB).toBeCloseTo(19.8, 6);
    expect(balance.weightsGiB).toBeCloseTo(15.256, 3);
    expect(balance.cacheTokens).toBe(Math.floor((balance.cacheGiB * 2 ** 30) / 131_072));
  });

  it("keeps one latent vector per token for MLA on every GPU", () => {
    const one = memoryBalance(deepseek, { tensorParallel: 1, gpuMemoryGiB: 141 });
    const eight = memoryBalance(deepseek, { tensorParallel: 8, gpuMemoryGiB: 141 });
    expect(one.bytesPerToken).toBe(61 * 576 * 2);
    expect(eight.bytesPerToken).toBe(one.bytesPerToken);
  });

  it("leaves nothing rather than a negative number of tokens", () => {
    const balance = memoryBalance(deepseek, { tensorParallel: 1, gpuMemoryGiB: 80 });
    expect(balance.cacheGiB).toBeLessThan(0);
    expect(balance.cacheTokens).toBe(0);
  });

  it("never holds fewer tokens on more GPUs or with more memory", () => {
    const gpus = fc.constantFrom(1, 2, 4);
    fc.assert(
      fc.property(
        fc.constantFrom(...Object.values(MODELS)),
        gpus,
        fc.integer({ min: 15, max: 180 }),
        (model, tensorParallel, gpuMemoryGiB) => {
          const tokens = (tp: number, gib: number): number =>
            memoryBalance(model, { tensorParallel: tp, gpuMemoryGiB: gib }).cacheTokens;
          expect(tokens(2 * tensorParallel, gpuMemoryGiB)).toBeGreaterThanOrEqual(
            tokens(tensorParallel, gpuMemoryGiB),
          );
          expect(tokens(tensorParallel, gpuMemoryGiB + 1)).toBeGreaterThanOrEqual(
            tokens(tensorParallel, gpuMemoryGiB),
          );
        },
      ),
    );
  });
});

describe("the model table", () => {
  it("names for every model its config.json, a day and a licence, once", () => {
    const cards = Object.values(MODELS);
    expect(new Set(cards.map(({ repository }) => repository)).size).toBe(cards.length);
    expect(
      cards.filter(
        ({ source, asOf, licence, euNotes }) =>
          !/^https:\/\/huggingface\.co\/.+\/config\.json$/.test(source) ||
          !/^\d{4}-\d{2}-\d{2}$/.test(asOf) ||
          licence === "" ||
          euNotes === "",
      ),
    ).toEqual([]);
  });
});
