import { describe, expect, it } from "vitest";
import type { LoopRule } from "./config.ts";
import { decide, type AskingAlert, type Circumstances, type PastAction } from "./decision.ts";

const NOW = new Date("2026-11-25T12:00:00.000Z");
const asking: AskingAlert = {
  loop: "rollback",
  model: "mistral",
  alert: "LlmopsQualityDrop",
  fingerprint: "f1",
  startsAt: "2026-11-25T11:55:00.000Z",
};
const rule: LoopRule = {
  samplesQuery: "1",
  minSamples: 200,
  cooldownMinutes: 60,
  template: "rollback",
  models: [],
};
const past = (minutesAgo: number, change: Partial<PastAction> = {}): PastAction => ({
  loop: "rollback",
  model: "mistral",
  fingerprint: "f0",
  startsAt: "2026-11-25T09:00:00.000Z",
  at: new Date(NOW.getTime() - minutesAgo * 60_000).toISOString(),
  ...change,
});

describe("a decision", () => {
  it.each<[string, Partial<Circumstances>, object]>([
    ["enough samples and nothing before", {}, { kind: "act" }],
    ["a dry run", { mode: "dry-run" }, { kind: "dry-run" }],
    ["exactly the fewest samples", { samples: { kind: "counted", count: 200 } }, { kind: "act" }],
    [
      "one sample too few",
      { samples: { kind: "counted", count: 199 } },
      { kind: "too-few-samples", count: 199, needed: 200 },
    ],
    ["samples nobody could count", { samples: { kind: "unknown" } }, { kind: "samples-unknown" }],
    [
      "an action 59 minutes ago",
      { past: [past(59)] },
      { kind: "cooling-down", until: "2026-11-25T12:01:00.000Z" },
    ],
    ["an action 60 minutes ago", { past: [past(60)] }, { kind: "act" }],
    ["an action on another model", { past: [past(5, { model: "other" })] }, { kind: "act" }],
    ["an action of another loop", { past: [past(5, { loop: "retrain" })] }, { kind: "act" }],
    [
      "the same alert, long ago",
      { past: [past(500, { fingerprint: "f1", startsAt: asking.startsAt })] },
      { kind: "already-acted" },
    ],
    ["the same alert, begun anew", { past: [past(500, { fingerprint: "f1" })] }, { kind: "act" }],
  ])("with %s", (_what, change, expected) => {
    const usual: Circumstances = {
      rule,
      mode: "act",
      samples: { kind: "counted", count: 1_000 },
      past: [],
      now: NOW,
    };
    expect(decide(asking, { ...usual, ...change })).toEqual(expected);
  });
});
