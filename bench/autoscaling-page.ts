/** One row of bench/results/autoscaling.json. */
export interface AutoscalingRow {
  readonly trace: string;
  readonly requests: number;
  readonly staticReplicas: number;
  readonly staticInTime: number;
  readonly ours: Outcome;
  readonly floor: Outcome & { readonly minReplicas: number };
  readonly capacityTooHigh20: Outcome;
  readonly capacityTooLow20: Outcome;
  readonly peers: Readonly<Record<string, Outcome>>;
  readonly cheapestPeerAt99: string | null;
  readonly savingAgainstIt: number | null;
  readonly secondsToSimulate: number;
}

interface Outcome {
  /** Share of requests in time, %. */
  readonly inTime: number;
  /** GPU-hours, % of the smallest static fleet that serves 99 % in time. */
  readonly ofStatic: number;
}

function cell({ inTime, ofStatic }: Outcome): string {
  return `${inTime.toFixed(2)} / ${ofStatic.toFixed(0)}`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

/** docs/autoscaling-bench.md from the results. */
export function autoscalingPage(rows: readonly AutoscalingRow[]): string {
  const compared = rows.filter(({ peers }) => Object.keys(peers).length > 0);
  const peers = Object.keys(compared[0]?.peers ?? {});
  return `# Autoscaling on public traces

Written by \`npm run bench:autoscaling -- FOLDER\` (traces: Azure LLM inference 2023, CC-BY 4.0; ServeGen rates, Apache-2.0). Each cell is
the share of requests in time, %, and the GPU-hours, % of the smallest static fleet that serves 99 % in time. In time: first token
within 2 s and at most 100 ms per token on average. Qwen3-32B on 2 x H100 with parameters fitted to published measurements; a
replica starts in 240 s; at most 1.5 x the static fleet; rates with the lengths of the Azure conversations, random arrivals.

*Ours* is the ScaledObject of the real component, its PromQL evaluated over simulated series. *Floor* adds the smallest
\`minReplicas\` with which 99.5 % are in time. The last two columns state a capacity 20 % too high and too low.

${table(
  ["trace", "requests", "static", "ours", "floor", "capacity +20 %", "capacity -20 %"],
  rows.map((row) => [
    row.trace,
    `${row.requests}`,
    `${row.staticReplicas} replicas, ${row.staticInTime.toFixed(2)}`,
    cell(row.ours),
    row.floor.minReplicas === 2 ? "not needed" : `${row.floor.minReplicas}: ${cell(row.floor)}`,
    cell(row.capacityTooHigh20),
    cell(row.capacityTooLow20),
  ]),
)}

Defaults of other projects on the same fleet, emulated from their files (\`simulation/peers.ts\` names each source and where the
equivalence ends); none of them was run with the real controllers:

${table(
  ["trace", "ours", ...peers, "saving against the cheapest that reaches 99 %"],
  compared.map((row) => [
    row.trace,
    cell(row.ours),
    ...peers.map((peer) => {
      const outcome = row.peers[peer];
      return outcome === undefined ? "" : cell(outcome);
    }),
    row.savingAgainstIt === null
      ? "none reaches it"
      : `${row.savingAgainstIt.toFixed(0)} % (${row.cheapestPeerAt99 ?? ""})`,
  ]),
)}

![Replicas of one day](images/autoscaling-servegen-m-small-day-0.svg)

Limits: one model, lengths that are not ServeGen's own, no prefix cache, no preemption, KEDA and HPA as documented rather than as
running controllers; \`demand\` was given a capacity from the same replica model that serves the requests, which is what the last two
columns of the first table test.
`;
}
