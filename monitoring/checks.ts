import { secondsOf, shareOf } from "./limits.ts";
import { METRICS } from "./metrics.ts";
import type { Pipeline } from "./schema.ts";

/** Something that no single key shows to be wrong. */
export interface PipelineProblem {
  readonly path: readonly string[];
  readonly reason: string;
  readonly fix: string;
}

const SECONDS = { m: 60, h: 3600, d: 86_400 } as const;

/** Seconds of a Prometheus duration of one unit. */
export function durationSeconds(text: string): number {
  const [, amount, unit] = /^(\d+)(m|h|d)$/.exec(text) ?? [];
  return Number(amount) * (unit === "m" || unit === "h" || unit === "d" ? SECONDS[unit] : Number.NaN);
}

function limits({ metrics }: Pipeline): PipelineProblem[] {
  const measured = {
    latency_p95: METRICS.duration,
    latency_p99: METRICS.duration,
    time_to_first_token_p95: METRICS.firstToken,
    time_to_first_token_p99: METRICS.firstToken,
  } as const;
  return Object.entries(measured).flatMap(([key, { name, edges }]) => {
    const limit = metrics[key as keyof typeof measured];
    return limit === undefined || edges.includes(secondsOf(limit))
      ? []
      : [
          {
            path: ["metrics", key],
            reason: `${name} counts calls up to ${edges.join(", ")} s; what lies between cannot be judged exactly`,
            fix: `use one of these limits, or add the edge in gateway/src/metrics/edges.ts`,
          },
        ];
  });
}

/** Smallest objective whose fast burn is a share of calls at all: 14.4 times its budget is below 1. */
const LEAST_OBJECTIVE = 0.95;

/** What is wrong between the keys of a file that is valid key by key. */
export function checkPipeline(pipeline: Pipeline): PipelineProblem[] {
  const { slos, drift, judge } = pipeline;
  const objective = shareOf(slos.availability.objective);
  const failures = drift.signals.eval_failures;
  return [
    ...limits(pipeline),
    ...(objective >= LEAST_OBJECTIVE && objective < 1
      ? []
      : [
          {
            path: ["slos", "availability", "objective"],
            reason: "an error budget needs an objective of at least 95 % and below 100 %",
            fix: "write for example 99.9 %",
          },
        ]),
    ...(durationSeconds(drift.reference.offset) >= durationSeconds(drift.window)
      ? []
      : [
          {
            path: ["drift", "reference", "offset"],
            reason: `the reference would end inside the window of ${drift.window} and hide what changes in it`,
            fix: `set drift.reference.offset to ${drift.window} or more`,
          },
        ]),
    ...(failures?.detector === "cusum" && shareOf(failures.from) >= shareOf(failures.to)
      ? [
          {
            path: ["drift", "signals", "eval_failures", "to"],
            reason: `the rate to find (${failures.to}) is not above the rate in order (${failures.from})`,
            fix: "raise `to`",
          },
        ]
      : []),
    ...(failures?.detector === "cusum" && shareOf(failures.from) === 0
      ? [
          {
            path: ["drift", "signals", "eval_failures", "from"],
            reason: "the likelihood ratio has no value for a rate of 0 %",
            fix: "write the rate that is in order, for example 2 %",
          },
        ]
      : []),
    ...(judge.kind === "calibrated" && judge.sensitivity + judge.specificity <= 1
      ? [
          {
            path: ["judge", "specificity"],
            reason:
              "sensitivity and specificity together are not above 1: the judge says no more than chance",
            fix: "measure the judge again, or use another",
          },
        ]
      : []),
  ];
}
