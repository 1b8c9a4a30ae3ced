import { z } from "zod";
import { post, guardOf, TargetError, type Target } from "../run/target.ts";

/** A model that turns texts into vectors, behind an OpenAI-compatible address. */
export type EmbeddingTarget = Pick<Target, "baseUrl" | "apiKey" | "model">;

/** What became of texts. */
export type Embedded =
  | {
      readonly kind: "embedded";
      readonly vectors: readonly (readonly number[])[];
      readonly inputTokens: number;
    }
  /** A guard stopped it. */
  | { readonly kind: "refused"; readonly reason: string };

const reply = z.object({
  data: z.array(z.object({ index: z.int().min(0), embedding: z.array(z.number()).min(1) })).min(1),
  usage: z.object({ prompt_tokens: z.int().min(0) }),
});

/** The vector with length 1; undefined where it has no direction. */
function unit(vector: readonly number[]): number[] | undefined {
  const length = Math.hypot(...vector);
  // What rounding leaves of nothing has no direction either.
  return length < 1e-9 ? undefined : vector.map((value) => value / length);
}

/**
 * Turns texts into vectors of length 1, in the order of the texts.
 * @throws TargetError when the target cannot be reached, or answers with anything but one vector of one size for each text
 */
export async function embed(
  target: EmbeddingTarget,
  texts: readonly string[],
  signal: AbortSignal,
): Promise<Embedded> {
  const { baseUrl, model } = target;
  const request = { model, input: texts, encoding_format: "float" };
  const response = await post(target, "/v1/embeddings", request, signal);
  const body: unknown = await response.json().catch(() => null);
  if (!response.ok) return { kind: "refused", reason: guardOf(target, response.status, body) };
  const { data: parsed } = reply.safeParse(body);
  const vectors = (parsed?.data ?? [])
    .toSorted((a, b) => a.index - b.index)
    .flatMap(({ index, embedding }, at) => {
      const direction = unit(embedding);
      return index === at && direction !== undefined ? [direction] : [];
    });
  const size = vectors[0]?.length;
  if (
    parsed === undefined ||
    vectors.length !== texts.length ||
    vectors.some(({ length }) => length !== size)
  )
    throw new TargetError(`${baseUrl}: '${model}' did not answer one vector of one size for each text`);
  return { kind: "embedded", vectors, inputTokens: parsed.usage.prompt_tokens };
}

/** Pairs of the components of two vectors. */
function pairs(a: readonly number[], b: readonly number[]): [number, number][] {
  if (a.length !== b.length) throw new TargetError(`vectors have ${a.length} and ${b.length} dimensions`);
  return a.map((value, at) => [value, b[at] ?? NaN]);
}

/**
 * The direction of the mean of vectors.
 * @throws TargetError where they are of several sizes, or cancel each other out
 */
export function centreOf(vectors: readonly (readonly number[])[]): number[] {
  const [first = [], ...others] = vectors;
  const sum = others.reduce<readonly number[]>(
    (total, each) => pairs(total, each).map(([a, b]) => a + b),
    first,
  );
  const centre = unit(sum);
  if (centre === undefined) throw new TargetError("the vectors cancel each other out");
  return centre;
}

/**
 * Cosine distance of two vectors of length 1: from 0 (same direction) over 1 to 2 (opposite).
 * @throws TargetError where they are of two sizes
 */
export function cosineDistance(a: readonly number[], b: readonly number[]): number {
  return 1 - pairs(a, b).reduce((sum, [x, y]) => sum + x * y, 0);
}
