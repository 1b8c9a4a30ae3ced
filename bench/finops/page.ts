import type { ReplicaParameters } from "../../capacity/replica-model.ts";
import type { Slo } from "../../simulation/fleet.ts";
import { LEVERS, type Assumptions, type Lever, type LeverOutcome } from "./levers.ts";

/** Outcomes of one workload. */
export interface WorkloadRow {
  readonly name: string;
  readonly requests: number;
  /** Length of the trace, hours. */
  readonly hours: number;
  /** No lever: a fleet of constant size that serves 99 of 100 requests in time. */
  readonly baseline: LeverOutcome;
  readonly autoscaling: LeverOutcome;
  /** Autoscaling and one more lever. */
  readonly alone: Readonly<Record<string, LeverOutcome>>;
  /** All levers but one. */
  readonly without: Readonly<Record<string, LeverOutcome>>;
  readonly all: LeverOutcome;
  /** All levers that leave model and weights as they are. */
  readonly sameAnswers: LeverOutcome;
}

/** A lever under another assumption, against the autoscaled fleet under the same. */
export interface SweepRow {
  readonly lever: Lever;
  readonly what: string;
  readonly step: string;
  readonly saving: number;
  readonly outcome: LeverOutcome;
}

/** bench/results/finops.json. */
export interface FinopsResults {
  readonly command: string;
  readonly slo: Slo;
  readonly usdPerGpuHour: { readonly onDemand: number; readonly spot: number };
  readonly assumed: Assumptions;
  readonly sizes: readonly {
    readonly name: string;
    readonly source: string;
    readonly parameters: ReplicaParameters;
  }[];
  readonly workloads: readonly WorkloadRow[];
  readonly sweeps: readonly SweepRow[];
  /** Traces of the bench that nobody has replayed yet. */
  readonly notRun: readonly string[];
}

function percent(share: number, digits = 0): string {
  // No saving is neither above nor below zero.
  return `${(100 * share).toFixed(digits).replace(/^-(0(?:\.0*)?)$/, "$1")} %`;
}

function saving(outcome: LeverOutcome, against: LeverOutcome): string {
  return percent(1 - outcome.usd / against.usd);
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

function sideEffects({ inTime, cached, smaller, interrupted }: LeverOutcome): string {
  return [
    `${percent(inTime, 2)} in time`,
    ...(cached > 0 ? [`${percent(cached, 1)} from the cache`] : []),
    ...(smaller > 0 ? [`${percent(smaller, 1)} by the smaller model`] : []),
    ...(interrupted > 0 ? [`${percent(interrupted, 3)} interrupted`] : []),
  ].join(", ");
}

function totals({ workloads }: FinopsResults): string {
  return table(
    [
      "trace",
      "requests",
      "static fleet",
      "autoscaling",
      "same answers",
      "all levers",
      "all, against autoscaling",
      "side effects of all",
    ],
    workloads.map((row) => [
      row.name,
      `${row.requests} in ${row.hours.toFixed(1)} h`,
      `${row.baseline.usd.toFixed(0)} USD`,
      saving(row.autoscaling, row.baseline),
      saving(row.sameAnswers, row.baseline),
      saving(row.all, row.baseline),
      saving(row.all, row.autoscaling),
      sideEffects(row.all),
    ]),
  );
}

function perLever({ workloads }: FinopsResults): string {
  return table(
    ["lever", ...workloads.map(({ name }) => name)],
    LEVERS.map((lever) => [
      lever,
      ...workloads.map((row) => {
        const alone = lever === "autoscaling" ? undefined : row.alone[lever];
        const without = row.without[lever];
        const first =
          lever === "autoscaling"
            ? saving(row.autoscaling, row.baseline)
            : alone && saving(alone, row.autoscaling);
        return first === undefined || without === undefined
          ? "does not apply"
          : `${first} / ${saving(row.all, without)}`;
      }),
    ]),
  );
}

function effects({ workloads }: FinopsResults): string {
  return table(
    ["lever", ...workloads.map(({ name }) => name)],
    [
      ["none", ...workloads.map((row) => sideEffects(row.baseline))],
      ["autoscaling", ...workloads.map((row) => sideEffects(row.autoscaling))],
      ...LEVERS.filter((lever) => lever !== "autoscaling").map((lever) => [
        `autoscaling, ${lever}`,
        ...workloads.map((row) => {
          const outcome = row.alone[lever];
          return outcome === undefined ? "does not apply" : sideEffects(outcome);
        }),
      ]),
      ["same answers", ...workloads.map((row) => sideEffects(row.sameAnswers))],
      ["all", ...workloads.map((row) => sideEffects(row.all))],
    ],
  );
}

function claim({ workloads, notRun }: FinopsResults): string {
  const reaching = (pick: (row: WorkloadRow) => number): string => {
    const names = workloads.filter((row) => pick(row) >= 0.3).map(({ name }) => name);
    return names.length === 0 ? "on no trace" : `on ${names.join(", ")}`;
  };
  const share =
    (pick: (row: WorkloadRow) => LeverOutcome, against: (row: WorkloadRow) => LeverOutcome) =>
    (row: WorkloadRow) =>
      1 - pick(row).usd / against(row).usd;
  const inTime = workloads
    .filter(({ all }) => all.inTime < 0.99)
    .map(({ name, all }) => `${name} (${percent(all.inTime, 2)})`);
  return [
    `${workloads.length} of ${workloads.length + notRun.length} traces were replayed${notRun.length === 0 ? "" : `; nothing is claimed for ${notRun.join(", ")}, which ${notRun.length === 1 ? "was" : "were"} not`}.`,
    `30 % or more against the static fleet: with all levers ${reaching(
      share(
        (row) => row.all,
        (row) => row.baseline,
      ),
    )};`,
    `without those that change answers ${reaching(
      share(
        (row) => row.sameAnswers,
        (row) => row.baseline,
      ),
    )};`,
    `with autoscaling alone ${reaching(
      share(
        (row) => row.autoscaling,
        (row) => row.baseline,
      ),
    )}.`,
    `Against a fleet that autoscales already, all levers save 30 % or more ${reaching(
      share(
        (row) => row.all,
        (row) => row.autoscaling,
      ),
    )}.`,
    `Without spot machines all the other levers together save ${workloads.map(({ name, without, baseline }) => (without["spot"] === undefined ? "" : `${saving(without["spot"], baseline)} on ${name}`)).join(", ")} against the static fleet.`,
    inTime.length === 0
      ? "With all levers 99 of 100 requests stay in time on each."
      : `Fewer than 99 of 100 requests are then in time on ${inTime.join(", ")}.`,
  ].join("\n");
}

/** docs/finops-bench.md from the results. */
export function finopsPage(results: FinopsResults): string {
  const { slo, usdPerGpuHour, assumed, sizes, sweeps } = results;
  return `# What each lever saves

Written by \`${results.command}\` (traces: Azure LLM inference 2023, CC-BY 4.0; ServeGen rates, Apache-2.0).

${claim(results)}

Every figure is a replay, none is a rule of thumb: requests go through the gateway's own cache and routing code, the ScaledObject of
the real component, and replicas whose speed was fitted to published measurements. A request is in time with its first token within
${slo.ttftMs} ms and at most ${slo.tpotMs} ms per token. The static fleet is the smallest that serves 99 % in time; a replica starts in 240 s. One H100 costs
${usdPerGpuHour.onDemand.toFixed(2)} USD/h on demand and ${usdPerGpuHour.spot.toFixed(2)} on spot (p5.48xlarge, eu-north-1, an eighth of the machine: nodes are taken for full).

${totals(results)}

*Same answers* leaves out routing to a smaller model and quantised weights: nothing here measures whether their answers are good enough;
that is what an evaluation gate is for.

## Each lever

First what it saves on top of autoscaling (autoscaling: against the static fleet), then what is lost when it alone is left out of all:

${perLever(results)}

${effects(results)}

## What the traces do not say

They hold arrival times and token counts, no text. Assumed for the tables above: ${percent(assumed.repeatShare)} of the calls ask one of ${assumed.questions} frequent questions
(Zipf), ${percent(assumed.streamed)} of all calls are streamed (the gateway never caches those), ${assumed.clients} clients share no answers, ${assumed.gateways} gateways share no cache, answers
are kept 10 minutes; all prompts begin with the same ${assumed.prefixTokens} tokens; a prompt of at most ${assumed.simpleTokens} tokens is simple (4 bytes per token); a spot machine
is taken back after ${assumed.spot.hoursToInterruption} h on average with ${assumed.spot.noticeSeconds} s of notice, and ${percent(assumed.spot.availability)} of the starts find one. Each varied alone on the Azure conversations, against the
autoscaled fleet under the same assumption:

${table(
  ["lever", "assumption", "value", "saving", "side effects"],
  sweeps.map(({ lever, what, step, saving: saved, outcome }) => [
    lever,
    what,
    step,
    percent(saved, 1),
    sideEffects(outcome),
  ]),
)}

## Replicas

${table(
  ["size", "speed"],
  sizes.map(({ name, source }) => [name, source]),
)}

Batching chooses the most tokens in a step and sequences in a batch with the highest rate in time; without it vLLM's own 8,192 and 256
hold. Right-sizing chooses the size with the highest rate per GPU; without it two GPUs. A saving of 0 % says that the choice made without the lever
was the best already.

An hour of trace is served by about seven replicas, so a step of one replica is several percent: small figures, and their order, are within
that. A request on a spot machine ends before its ${assumed.spot.noticeSeconds} s of notice do, so none was interrupted; what interruptions cost are replicas that start again.
Routing a few calls to a second model needs a second fleet that is up as well: below a third of the calls it costs more than it saves.

Limits: one model, lengths of ServeGen days taken from the Azure conversations, random arrivals within ten minutes; multi-turn history is not
taken for a cached prefix; the smaller model was ${sizes.find(({ name }) => name.startsWith("llama"))?.source ?? "missing"}, beyond what
\`llmops capacity\` accepts; prices of gateway, storage and network are not in it, because no lever changes them.
`;
}
