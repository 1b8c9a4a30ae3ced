import { describe, expect, it } from "vitest";
import { PEER_DEFAULTS } from "../../simulation/peers.ts";
import { returnsOneSeries } from "../../policies/controls/one-series.ts";

const SELECTOR = 'vllm:num_requests_waiting{namespace="claims"}';

describe("a query of a scaler", () => {
  it.each([
    [`sum(${SELECTOR})`, true],
    [`sum(${SELECTOR}) + sum(rate(${SELECTOR}[1m])) / 60`, true],
    [`count(${SELECTOR}) * (1 - sum(${SELECTOR}) / clamp_min(sum(${SELECTOR}), 1e-9))`, true],
    [`sqrt(sum(${SELECTOR}))`, true],
    [`-sum(${SELECTOR})`, true],
    [`sum(${SELECTOR}) or vector(0)`, true],
    ["vector(1)", true],
    [SELECTOR, false],
    [`rate(${SELECTOR}[1m])`, false],
    [`sum by (pod) (${SELECTOR})`, false],
    [`sum without (pod) (${SELECTOR})`, false],
    [`topk(1, ${SELECTOR})`, false],
    [`sum(${SELECTOR}) + ${SELECTOR}`, false],
    [`clamp_min(${SELECTOR}, 0)`, false],
    [`sum(${SELECTOR}) or ${SELECTOR}`, false],
    [`sum(${SELECTOR}`, false],
    ["", false],
  ])("%s returns one series: %s", (query, isOne) => {
    expect(returnsOneSeries(query)).toBe(isOne);
  });

  it("is several series as production-stack ships it, and one in the samples that sum", () => {
    const scope = { model: "mistral", namespace: "claims" };
    const verdicts = PEER_DEFAULTS.map(({ name, spec }) => {
      const { triggers } = spec(scope) as { triggers: { metadata: { query: string } }[] };
      return [name, triggers.every(({ metadata }) => returnsOneSeries(metadata.query))];
    });
    expect(verdicts.filter(([, isOne]) => isOne === false)).toEqual([["production-stack as shipped", false]]);
    expect(verdicts).toHaveLength(7);
  });
});
