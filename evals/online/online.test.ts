import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import { scriptedJudge, type ScriptedJudge, type Shown } from "../testing/judging.ts";
import { answeredSpan as span, message, TRACE } from "../testing/spans.ts";
import { OnlineEvaluator } from "./evaluator.ts";
import { onlineMetrics, type OnlineMetrics } from "./metrics.ts";
import { isSampled, takePrompt, takeSpan, type ReadSpan, type Taken } from "./sample.ts";
import { onlineServer } from "./server.ts";

const take = (of: ReadSpan, share = 1): Taken => takeSpan(of, { share, models: ["claims"] });

describe("the sample of traces", () => {
  const hex = fc.stringMatching(/^[0-9a-f]{32}$/);
  const share = fc.double({ min: 0, max: 1, noNaN: true });

  it("is the same on every machine, and a larger share holds a smaller one", () => {
    fc.assert(
      fc.property(hex, share, share, (traceId, a, b) => {
        expect(isSampled(traceId, a)).toBe(isSampled(traceId.toUpperCase(), a));
        if (isSampled(traceId, Math.min(a, b))) expect(isSampled(traceId, Math.max(a, b))).toBe(true);
      }),
    );
  });

  it.each([
    ["0".repeat(32), 0, false],
    ["0".repeat(32), 0.001, true],
    ["f".repeat(32), 0.999, false],
    // The first half is often not random: only the last 56 bits count.
    [`${"f".repeat(18)}${"0".repeat(14)}`, 0.001, true],
    [`${"0".repeat(18)}80${"0".repeat(12)}`, 0.5, false],
    [`${"0".repeat(18)}7f${"f".repeat(12)}`, 0.5, true],
  ])("%s is in a share of %d: %s", (traceId, part, expected) => {
    expect(isSampled(traceId, part)).toBe(expected);
  });

  it("holds about the share it should", () => {
    const ids = Array.from({ length: 4_000 }, (_, index) =>
      ((BigInt(index) * 0x9e3779b97f4a7c15n) & ((1n << 64n) - 1n)).toString(16).padStart(32, "0"),
    );
    const found = ids.filter((id) => isSampled(id, 0.1)).length / ids.length;
    expect(found).toBeGreaterThan(0.09);
    expect(found).toBeLessThan(0.11);
  });
});

describe("a span", () => {
  it("is taken with the last question, its context and the answer, without personal data", () => {
    expect(take(span())).toEqual({
      kind: "taken",
      answer: {
        traceId: TRACE,
        model: "claims",
        question: "When do you open? My IBAN is [iban].",
        context: "Opening hours: nine to five. Ask [email].",
        answer: "At nine.",
      },
    });
  });

  it.each<[string, Readonly<Record<string, string | undefined>>, string]>([
    ["no consent", { "llmops.evaluation.consent": undefined }, "consent"],
    ["another word than granted", { "llmops.evaluation.consent": "true" }, "consent"],
    ["consent refused", { "llmops.evaluation.consent": "denied" }, "consent"],
    [
      "no consent, and content nobody can read",
      { "llmops.evaluation.consent": "", "gen_ai.input.messages": "{" },
      "consent",
    ],
    ["a model nobody configured", { "gen_ai.request.model": "x" }, "model"],
    ["no model", { "gen_ai.request.model": undefined }, "model"],
    ["no context", { "llmops.evaluation.context": undefined }, "content"],
    ["no answer", { "gen_ai.output.messages": "[]" }, "content"],
    ["messages that are no JSON", { "gen_ai.input.messages": "hello" }, "content"],
  ])("is left with %s", (_what, change, why) => {
    expect(take(span(change))).toEqual({ kind: "left", why });
  });

  it("gives its last question alone for a distance, with neither context nor answer", () => {
    const sample = { share: 1, models: ["claims"] };
    const bare = span({ "llmops.evaluation.context": undefined, "gen_ai.output.messages": undefined });
    expect(takePrompt(bare, sample)).toEqual({
      kind: "taken",
      prompt: { model: "claims", question: "When do you open? My IBAN is [iban]." },
    });
    for (const [change, why] of [
      [{ "llmops.evaluation.consent": "denied", "gen_ai.input.messages": "{" }, "consent"],
      [{ "gen_ai.request.model": "x" }, "model"],
      [{ "gen_ai.input.messages": "[]" }, "content"],
    ] as const)
      expect(takePrompt(span(change), sample)).toEqual({ kind: "left", why });
    expect(takePrompt(span(), { ...sample, share: 0 })).toEqual({ kind: "left", why: "unsampled" });
  });

  it("is left outside of the share, whatever is in it", () => {
    expect(take(span(), 0)).toEqual({ kind: "left", why: "unsampled" });
  });
});

describe("the evaluation of live answers", () => {
  let judge: ScriptedJudge | undefined;
  let server: Server | undefined;

  afterEach(async () => {
    await judge?.close();
    await new Promise((resolve) => {
      if (server === undefined) resolve(undefined);
      else server.close(resolve);
    });
    server = undefined;
  });

  async function evaluator(
    says: (shown: Shown) => string | number,
    maxPerDay = 100,
    now?: () => number,
  ): Promise<{ online: OnlineEvaluator; metrics: OnlineMetrics }> {
    judge = await scriptedJudge(says);
    const metrics = onlineMetrics();
    const online = new OnlineEvaluator({
      share: 1,
      models: ["claims"],
      judge: { target: { baseUrl: judge.url, apiKey: "k", model: "judge", maxTokens: 200 }, prompt: "1" },
      maxPerDay,
      metrics,
      ...(now === undefined ? {} : { now }),
    });
    return { online, metrics };
  }

  const value = async ({ registry }: OnlineMetrics, line: string): Promise<number> => {
    const text = await registry.metrics();
    const found = text.split("\n").find((each) => each.startsWith(`${line} `));
    return Number(found?.split(" ").at(-1) ?? NaN);
  };
  const said = (verdict: string): string => JSON.stringify({ reason: "", verdict });

  it("counts supported and hallucinated answers, and shows the judge what they had to rest on", async () => {
    const { online, metrics } = await evaluator(({ answer }) => said(answer === "At nine." ? "good" : "bad"));
    const wrong = span({ "gen_ai.output.messages": JSON.stringify([message("assistant", "At ten.")]) });
    online.take([span(), wrong, span({ "llmops.evaluation.consent": "denied" })]);
    await online.settled();
    expect(await value(metrics, 'llmops_eval_judged_answers_total{model="claims",verdict="supported"}')).toBe(
      1,
    );
    expect(
      await value(metrics, 'llmops_eval_judged_answers_total{model="claims",verdict="hallucinated"}'),
    ).toBe(1);
    expect(await value(metrics, 'llmops_eval_score_sum{model="claims"}')).toBe(1);
    expect(await value(metrics, 'llmops_eval_score_count{model="claims"}')).toBe(2);
    expect(await value(metrics, 'llmops_eval_left_total{reason="consent"}')).toBe(1);
    expect(await value(metrics, 'llmops_eval_judge_tokens_total{kind="input"}')).toBe(400);
    expect(JSON.parse(judge?.shown[0]?.question ?? "")).toEqual({
      context: "Opening hours: nine to five. Ask [email].",
      question: "When do you open? My IBAN is [iban].",
    });
  });

  it("counts no verdict where the judge has none", async () => {
    const { online, metrics } = await evaluator(({ system }) =>
      said(/"verdict": "(\w+)"/.exec(system)?.[1] ?? ""),
    );
    online.take([span()]);
    await online.settled();
    expect(
      await value(metrics, 'llmops_eval_judged_answers_total{model="claims",verdict="supported"}'),
    ).toBeNaN();
    expect(await value(metrics, 'llmops_eval_left_total{reason="undecided"}')).toBe(1);
    expect(await value(metrics, 'llmops_eval_score_sum{model="claims"}')).toBe(0.5);
  });

  it("spends no more in a day than it may, and again the next day", async () => {
    let now = 0;
    const { online, metrics } = await evaluator(
      () => said("good"),
      2,
      () => now,
    );
    online.take([span(), span(), span()]);
    await online.settled();
    expect(judge?.shown).toHaveLength(4);
    expect(await value(metrics, 'llmops_eval_left_total{reason="budget"}')).toBe(1);
    now = 86_400_001;
    online.take([span()]);
    await online.settled();
    expect(judge?.shown).toHaveLength(6);
  });

  it("holds no more than a hundred answers, and lives on when the judge does not", async () => {
    const { online, metrics } = await evaluator(() => said("good"));
    await judge?.close();
    online.take(Array.from({ length: 130 }, () => span()));
    await online.settled();
    expect(await value(metrics, 'llmops_eval_left_total{reason="queue"}')).toBe(30);
    expect(await value(metrics, 'llmops_eval_left_total{reason="failed"}')).toBe(100);
  });

  it.each([
    [
      "/v1/traces",
      "application/json",
      JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans: [span()] }] }] }),
      200,
    ],
    ["/v1/traces", "application/x-protobuf", "x", 415],
    ["/v1/traces", "application/json", "{", 400],
    [
      "/v1/traces",
      "application/json",
      '{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"x"}]}]}]}',
      400,
    ],
    ["/v1/traces", "application/json", JSON.stringify("x".repeat(5 * 2 ** 20)), 413],
    ["/v1/logs", "application/json", "{}", 404],
  ])("answers a POST to %s of %s", async (path, type, body, status) => {
    const { online, metrics } = await evaluator(() => said("good"));
    server = onlineServer([online], metrics);
    await new Promise<void>((resolve) => server?.listen(0, "127.0.0.1", resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const response = await fetch(`${url}${path}`, {
      method: "POST",
      headers: { "content-type": type, connection: "close" },
      body,
    });
    expect(response.status).toBe(status);
    await online.settled();
    const page = await fetch(`${url}/metrics`, { headers: { connection: "close" } });
    const count = await value(
      metrics,
      'llmops_eval_judged_answers_total{model="claims",verdict="supported"}',
    );
    expect([page.status, count]).toEqual([200, status === 200 ? 1 : NaN]);
  });
});
