import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import { TargetError } from "../run/target.ts";
import { scriptedEmbedding, vectors, type ScriptedEmbedding } from "../testing/embedding.ts";
import { asked } from "../testing/spans.ts";
import { centreOf, cosineDistance, embed } from "./embedding.ts";
import { onlineMetrics, type OnlineMetrics } from "./metrics.ts";
import { PromptDistances, type PromptDistanceOptions } from "./prompt-distance.ts";

/** Where each text lies; the reference is long in one direction, which its centre must not follow. */
const PLACES: Readonly<Record<string, readonly number[]>> = {
  "the east": [10, 0],
  "the north": [0, 1],
  "a little north": [3, 4],
  across: [1, -1],
  opposite: [-2, -2],
};
const REFERENCE = ["the east", "the north"];

let model: ScriptedEmbedding | undefined;

afterEach(async () => {
  await model?.close();
});

const placed: Parameters<typeof scriptedEmbedding>[0] = ({ input }) =>
  vectors(input.map((text) => PLACES[text] ?? [1, 1]));

interface Measuring {
  readonly distances: PromptDistances;
  readonly metrics: OnlineMetrics;
  readonly warnings: readonly string[];
}

async function measuring(says = placed, change: Partial<PromptDistanceOptions> = {}): Promise<Measuring> {
  model = await scriptedEmbedding(says);
  const metrics = onlineMetrics();
  const warnings: string[] = [];
  const distances = new PromptDistances({
    target: { baseUrl: model.url, apiKey: "k", model: "embedder" },
    reference: REFERENCE,
    share: 1,
    models: ["claims"],
    maxPerDay: 100,
    metrics,
    warn: (text) => warnings.push(text),
    ...change,
  });
  return { distances, metrics, warnings };
}

async function line({ registry }: OnlineMetrics, name: string): Promise<number> {
  const found = (await registry.metrics()).split("\n").find((each) => each.startsWith(`${name} `));
  return Number(found?.split(" ").at(-1) ?? NaN);
}

const left = (metrics: OnlineMetrics, reason: string): Promise<number> =>
  line(metrics, `llmops_eval_unmeasured_prompts_total{reason="${reason}"}`);
const bucket = (metrics: OnlineMetrics, edge: string): Promise<number> =>
  line(metrics, `llmops_eval_embedding_distance_bucket{le="${edge}",model="claims"}`);

describe("the distance of live prompts", () => {
  it("is the cosine distance to the centre of the reference, worked out by hand", async () => {
    const { distances, metrics } = await measuring();
    distances.take([asked("a little north"), asked("across"), asked("opposite")]);
    await distances.settled();
    // The centre is (1, 1) / sqrt 2. (0.6, 0.8) is 1 - 1.4 / sqrt 2 = 0.010051 from it, (1, -1) is 1, and (-1, -1) is 2.
    expect(await line(metrics, 'llmops_eval_embedding_distance_sum{model="claims"}')).toBeCloseTo(
      3.010_050_5,
      6,
    );
    expect([
      await bucket(metrics, "0.05"),
      await bucket(metrics, "0.8"),
      await bucket(metrics, "1"),
      await bucket(metrics, "1.5"),
      await bucket(metrics, "+Inf"),
    ]).toEqual([1, 1, 2, 2, 3]);
    expect(await line(metrics, "llmops_eval_embedding_tokens_total")).toBe(5);
    expect(
      model?.requests.map(({ path, authorization, model: name }) => [path, authorization, name]),
    ).toEqual(Array.from({ length: 4 }, () => ["/v1/embeddings", "Bearer k", "embedder"]));
  });

  it("asks nothing for whom did not agree, and shows the model no personal data of who did", async () => {
    const { distances, metrics } = await measuring();
    distances.take([asked("a secret", { "llmops.evaluation.consent": "denied" })]);
    await distances.settled();
    expect(model?.requests).toEqual([]);
    expect(await left(metrics, "consent")).toBe(1);
    distances.take([asked("Write to ana@example.com about ES9121000418450200051332.")]);
    await distances.settled();
    expect(model?.requests.at(-1)?.input).toEqual(["Write to [email] about [iban]."]);
  });

  it("asks for the reference once, a few texts at a time", async () => {
    const reference = Array.from({ length: 70 }, (_, index) => `text ${index}`);
    const { distances } = await measuring(placed, { reference });
    distances.take([asked("across"), asked("across")]);
    await distances.settled();
    expect(model?.requests.map(({ input }) => input.length)).toEqual([32, 32, 6, 1, 1]);
    expect(model?.requests.slice(0, 3).flatMap(({ input }) => input)).toEqual(reference);
  });

  it("measures nothing without a centre, says why, and asks again after a minute", async () => {
    let now = 0;
    let isUp = false;
    const { distances, metrics, warnings } = await measuring(
      (request) => (isUp ? placed(request) : { status: 503, code: "overloaded" }),
      { now: () => now },
    );
    distances.take([asked("across"), asked("across")]);
    await distances.settled();
    isUp = true;
    now = 59_999;
    distances.take([asked("across")]);
    await distances.settled();
    expect([await left(metrics, "reference"), model?.requests.length]).toEqual([3, 1]);
    expect(await bucket(metrics, "+Inf")).toBeNaN();
    expect(warnings).toEqual([
      `no distance is measured, the reference has no centre: ${model?.url ?? ""} answered 503: overloaded`,
    ]);
    now = 60_000;
    distances.take([asked("across")]);
    await distances.settled();
    expect(await bucket(metrics, "1")).toBe(1);
  });

  it.each<[string, Parameters<typeof scriptedEmbedding>[0], string]>([
    [
      "a guard stops a text of it",
      () => ({ status: 403, code: "guardrail_blocked" }),
      "a guard stopped one of its texts (guardrail_blocked)",
    ],
    [
      "its vectors cancel each other out",
      () =>
        vectors([
          [1, 0],
          [-1, 0],
        ]),
      "cancel each other out",
    ],
    [
      "a vector has no direction",
      () =>
        vectors([
          [1, 0],
          [0, 0],
        ]),
      "one vector of one size for each text",
    ],
    ["a vector is missing", () => vectors([[1, 0]]), "one vector of one size for each text"],
    ["vectors are of two sizes", () => vectors([[1, 0], [1]]), "one vector of one size for each text"],
    ["the answer is another", () => ({ data: [] }), "one vector of one size for each text"],
  ])("has no centre where %s", async (_what, says, reason) => {
    const { distances, metrics, warnings } = await measuring(says);
    distances.take([asked("across")]);
    await distances.settled();
    expect(warnings.join()).toContain(reason);
    expect([await left(metrics, "reference"), await bucket(metrics, "+Inf")]).toEqual([1, NaN]);
  });

  it.each<[string, Parameters<typeof scriptedEmbedding>[0], string]>([
    ["a guard stops it", () => ({ status: 403, code: "guardrail_blocked" }), "refused"],
    ["the model fails", () => ({ status: 500, code: "" }), "failed"],
    ["its vector is of another size than the centre", () => vectors([[1, 0, 0]]), "failed"],
  ])("counts a prompt without a distance where %s", async (_what, says, reason) => {
    const { distances, metrics } = await measuring((request) =>
      request.input.length === REFERENCE.length ? placed(request) : says(request),
    );
    distances.take([asked("across")]);
    await distances.settled();
    expect([await left(metrics, reason), await bucket(metrics, "+Inf")]).toEqual([1, NaN]);
  });

  it("embeds no more in a day than it may, and again the next day", async () => {
    let now = 0;
    const { distances, metrics } = await measuring(placed, { maxPerDay: 2, now: () => now });
    distances.take([asked("across"), asked("across"), asked("across")]);
    await distances.settled();
    expect([await bucket(metrics, "+Inf"), await left(metrics, "budget")]).toEqual([2, 1]);
    now = 86_400_001;
    distances.take([asked("across")]);
    await distances.settled();
    expect(await bucket(metrics, "+Inf")).toBe(3);
  });

  it("holds no more than a thousand prompts, and lets go of them when it closes", async () => {
    const { distances, metrics } = await measuring();
    distances.take(Array.from({ length: 1_003 }, () => asked("across")));
    distances.close();
    await distances.settled();
    expect([await left(metrics, "queue"), await bucket(metrics, "+Inf")]).toEqual([3, NaN]);
  });
});

describe("vectors", () => {
  const component = fc.double({ min: -10, max: 10, noNaN: true });
  const vector = fc
    .array(component, { minLength: 4, maxLength: 4 })
    .filter((each) => Math.hypot(...each) > 1e-3);

  it("come in the order of the texts, with length 1", async () => {
    model = await scriptedEmbedding(() => ({
      data: [
        { index: 1, embedding: [0, 2] },
        { index: 0, embedding: [3, 4] },
      ],
      usage: { prompt_tokens: 7 },
    }));
    const target = { baseUrl: model.url, apiKey: "k", model: "embedder" };
    expect(await embed(target, ["a", "b"], new AbortController().signal)).toEqual({
      kind: "embedded",
      vectors: [
        [0.6, 0.8],
        [0, 1],
      ],
      inputTokens: 7,
    });
  });

  it("are between 0 and 2 apart, whichever is asked first, and 0 from the centre of themselves", () => {
    const unit = (of: readonly number[]): number[] => centreOf([of]);
    fc.assert(
      fc.property(vector, vector, fc.double({ min: 0.1, max: 10, noNaN: true }), (a, b, factor) => {
        const distance = cosineDistance(unit(a), unit(b));
        expect(distance).toBeGreaterThanOrEqual(-1e-12);
        expect(distance).toBeLessThanOrEqual(2 + 1e-12);
        expect(cosineDistance(unit(b), unit(a))).toBeCloseTo(distance, 12);
        expect(cosineDistance(unit(a.map((each) => each * factor)), unit(b))).toBeCloseTo(distance, 9);
        expect(cosineDistance(unit(a), centreOf([unit(a), unit(a)]))).toBeCloseTo(0, 12);
      }),
    );
  });

  it("of two sizes have no distance", () => {
    expect(() => cosineDistance([1], [0.6, 0.8])).toThrow(TargetError);
    expect(() => centreOf([[1, 0], [1]])).toThrow(TargetError);
    expect(() => centreOf([])).toThrow(TargetError);
  });
});
