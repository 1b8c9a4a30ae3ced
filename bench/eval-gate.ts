import { writeFileSync } from "node:fs";
import { decide, type CaseResult, type GateDecision } from "../evals/gate.ts";
import { neededSamples } from "../evals/statistics/paired.ts";
import { seeded } from "../evals/statistics/random.ts";
import { MARGIN, SUITES } from "../evals/suites.ts";

/** Share of cases the baseline gets right. */
const BASELINE = 0.8;

/** Suites that rules decide. */
const names = SUITES.filter(({ role, name }) => role === "quality" && name !== "usefulness").map(
  ({ name }) => name,
);

interface Scenario {
  /** Share of cases on which baseline and candidate disagree. */
  readonly discordance: number;
  /** True change of the candidate, share of cases. */
  readonly change: number;
  readonly samples: number;
}

/** Two runs whose cases disagree by chance as often as the scenario says, through the gate itself. */
function run({ discordance, change, samples }: Scenario, random: () => number): GateDecision {
  const [won, lost] = [(discordance + change) / 2, (discordance - change) / 2];
  const result = (index: number, score: number): CaseResult => ({
    suite: names[index % names.length] ?? "",
    id: String(index),
    score,
    grader: "deterministic",
    latencyMs: null,
    tokens: null,
  });
  const scores = Array.from({ length: samples }, (): readonly [number, number] => {
    const isRight = random() < BASELINE;
    // Losses come out of right answers and wins out of wrong ones.
    const flips = random() < (isRight ? lost / BASELINE : won / (1 - BASELINE));
    return [Number(isRight), Number(isRight !== flips)];
  });
  return decide({
    baseline: scores.map(([old], index) => result(index, old)),
    candidate: scores.map(([, now], index) => result(index, now)),
    judge: { kind: "none" },
    minSamples: 1,
  });
}

interface Row extends Scenario {
  readonly runs: number;
  readonly passed: number;
  readonly failed: number;
  readonly inconclusive: number;
}

function simulate(scenario: Scenario, runs: number, seed: number): Row {
  const random = seeded(seed);
  const decisions = Array.from({ length: runs }, () => run(scenario, random).decision);
  const count = (wanted: GateDecision["decision"]): number =>
    decisions.filter((decision) => decision === wanted).length;
  return {
    ...scenario,
    runs,
    passed: count("passed"),
    failed: count("failed"),
    inconclusive: count("inconclusive"),
  };
}

const RUNS = 200;
const MANY = 2_000;

const started = performance.now();
const rows = [0.05, 0.1, 0.2].flatMap((discordance, index) => {
  const samples = neededSamples(discordance, MARGIN);
  return [0, -MARGIN].flatMap((change, side) => [
    simulate({ discordance, change, samples }, RUNS, 100 + index * 10 + side),
    simulate({ discordance, change, samples }, MANY, 200 + index * 10 + side),
  ]);
});
const small = [0, -MARGIN, -2 * MARGIN].map((change, index) =>
  simulate({ discordance: 0.1, change, samples: 200 }, MANY, 300 + index),
);
const result = {
  margin: MARGIN,
  baseline: BASELINE,
  suites: names.length,
  seconds: Math.round((performance.now() - started) / 1000),
  atNeededSize: rows,
  at200Cases: small,
};
writeFileSync(new URL("results/eval-gate.json", import.meta.url), `${JSON.stringify(result, null, 2)}\n`);

const failures = rows.filter(({ change, passed, runs }) =>
  change === 0 ? passed < 0.95 * runs : runs - passed < 0.95 * runs,
);
for (const { discordance, change, samples, runs, passed, failed, inconclusive } of [...rows, ...small])
  console.log(
    `disagreement ${discordance}, change ${change}, ${samples} cases, ${runs} runs: ${passed} passed, ${failed} failed, ${inconclusive} inconclusive`,
  );
if (failures.length > 0) {
  console.error(`${failures.length} scenarios missed 95 %`);
  process.exitCode = 1;
}
