import type { Part } from "./breakdown.ts";
import type { CostDifference } from "./difference.ts";
import type { EnvironmentCost } from "./environment.ts";

/** A table for a reader: terminal and page draw the same ones. */
export interface CostTable {
  readonly title: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** Columns of text; the others are numbers and stand to the right. */
  readonly textColumns: number;
  /** What the reader should know about the figures. */
  readonly note?: string;
}

const FIGURES = ["floor", "expected", "ceiling"] as const;

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

function parts(title: string, what: string, list: readonly Part[], note?: string): CostTable {
  return {
    title,
    head: [what, ...FIGURES],
    rows: list.map(({ name, monthlyUsd }) => [name, monthlyUsd.min, monthlyUsd.expected, monthlyUsd.max]),
    textColumns: 1,
    ...(note === undefined ? {} : { note }),
  };
}

function trafficTable({ traffic }: EnvironmentCost): CostTable[] {
  if (traffic.length === 0) return [];
  return [
    {
      title: "Traffic of a month",
      head: [
        "model",
        "requests",
        "mean replicas",
        "peak",
        "utilisation",
        "overload",
        "served",
        "USD/request",
        "USD/million tokens",
      ],
      rows: traffic.map((each) => [
        each.model,
        each.month.requests.toFixed(0),
        each.meanReplicas.toFixed(2),
        String(each.peakReplicas),
        percent(each.utilisation),
        percent(each.overload),
        percent(each.served),
        each.usdPerRequest ?? "-",
        each.usdPerMillionTokens ?? "-",
      ]),
      textColumns: 1,
      note: "USD per request and token that the replicas can serve. Replicas follow each window at once; `llmops simulate` shows what delays do.",
    },
  ];
}

function cacheNote({ cachedShare, breakEven }: EnvironmentCost["unitCosts"][number]): string {
  if (cachedShare === 0) return "without prompt cache";
  const unlisted = breakEven.filter(({ cachedInput }) => cachedInput === "full price");
  const full =
    unlisted.length === 0
      ? ""
      : ` (at full price, because no price of it is known: ${unlisted.map(({ model }) => model).join(", ")})`;
  return `${percent(cachedShare)} of the prompt from the provider's cache${full}, own GPUs without one`;
}

function leverTable({ levers }: EnvironmentCost): CostTable {
  return {
    title: "Levers",
    head: ["lever", "setting", "now"],
    rows: levers.map(({ lever, key, state }) => [lever, key, state]),
    textColumns: 3,
    note: "What each saved on replayed traces, alone and with the others: docs/finops-bench.md.",
  };
}

function unitTables({ unitCosts }: EnvironmentCost): CostTable[] {
  return unitCosts.flatMap((model): CostTable[] => {
    const { inputTokens, outputTokens } = model.request;
    if (model.capacity.kind === "unknown")
      return [
        {
          title: `Unit cost of ${model.model}`,
          head: ["unknown because"],
          rows: [[model.capacity.reason]],
          textColumns: 1,
        },
      ];
    return [
      {
        title: `Unit cost of ${model.model}: ${inputTokens} tokens in, ${outputTokens} out, ${model.usdPerReplicaHour} USD per replica and hour`,
        head: ["utilisation", "USD/request", "USD/million tokens"],
        rows: model.unitCosts.map((each) => [
          percent(each.utilisation),
          each.usdPerRequest,
          each.usdPerMillionTokens,
        ]),
        textColumns: 0,
        note: `GPU nodes only. Capacity: ${model.capacity.origin}.`,
      },
      {
        title: `${model.model} against an API: own GPUs are cheaper above`,
        head: ["provider", "model", "API USD/request", "utilisation", "requests/month and replica"],
        rows: model.breakEven.map((each) => [
          each.provider,
          each.model,
          each.usdPerRequest,
          each.utilisation === "never" ? "never" : percent(each.utilisation),
          each.requestsPerMonth?.toFixed(0) ?? "-",
        ]),
        textColumns: 2,
        note:
          `Price only: nothing here says that the models answer equally well. List prices without batch, ${cacheNote(model)}` +
          (model.breakEven.some(({ isBeyondPriceTier }) => isBeyondPriceTier)
            ? "; the prompt is longer than some prices hold for."
            : "."),
      },
    ];
  });
}

function commitmentTables({ commitments, spot }: EnvironmentCost): CostTable[] {
  return [
    ...(commitments.length === 0
      ? []
      : [
          {
            title: "Commitments at the given discount",
            head: ["pool", "nodes", "by the hour", "committed", "saved"],
            rows: commitments.map((each) => [
              each.pool,
              String(each.nodes),
              each.onDemandUsd,
              each.committedUsd,
              each.savedUsd,
            ]),
            textColumns: 1,
          },
        ]),
    ...spot.map((each) => ({
      title: `Spot in pool ${each.pool}: ${each.spotUsdPerHour} instead of ${each.onDemandUsdPerHour} USD/h`,
      head: ["interruptions per node and day", "USD per useful hour"],
      rows: [
        ...each.perUsefulHour.map(({ interruptionsPerDay, usd }) => [String(interruptionsPerDay), usd]),
        [`${each.breakEvenPerDay} (break-even)`, each.onDemandUsdPerHour],
      ],
      textColumns: 0,
      note: "No rate of interruption is published per region: the rates are examples, not forecasts.",
    })),
  ];
}

/** Tables of one environment, in the order a reader wants them; USD per month of 730 hours unless a column says otherwise. */
export function environmentTables(environment: EnvironmentCost): CostTable[] {
  const { report, sensitivity } = environment;
  const { min, expected, max } = report.monthlyUsd;
  return [
    {
      ...parts("By component", "component", environment.byComponent),
      rows: [...parts("", "", environment.byComponent).rows, ["total", min, expected, max]],
    },
    parts(
      "By model",
      "model",
      environment.byModel,
      "A pool's nodes by the GPUs each model uses; what no model uses is idle. The ceiling counts every rung of a ladder.",
    ),
    parts(
      "By client of the gateway",
      "client",
      environment.byClient,
      "By the tokens a minute each may use, until there are measurements.",
    ),
    ...trafficTable(environment),
    ...unitTables(environment),
    leverTable(environment),
    {
      title: "If things were different",
      head: ["what", ...FIGURES, "expected changes by"],
      rows: sensitivity.map(({ what, monthlyUsd, expectedChangeUsd }) => [
        what,
        monthlyUsd.min,
        monthlyUsd.expected,
        monthlyUsd.max,
        expectedChangeUsd,
      ]),
      textColumns: 1,
    },
    ...commitmentTables(environment),
  ];
}

/** Overview of several environments, with sums per client and per stage. */
export function overviewTables(
  environments: readonly EnvironmentCost[],
  sums: { readonly byClient: readonly Part[]; readonly byStage: readonly Part[] },
): CostTable[] {
  return [
    {
      title: "Environments, USD per month of 730 hours",
      head: ["stack", "client", "stage", ...FIGURES, "budget", "verdict"],
      rows: environments.map(({ stack, client, environment, report }) => [
        stack,
        client,
        environment,
        report.monthlyUsd.min,
        report.monthlyUsd.expected,
        report.monthlyUsd.max,
        report.budgetUsd,
        report.verdict,
      ]),
      textColumns: 3,
    },
    parts("By client", "client", sums.byClient),
    parts("By stage", "stage", sums.byStage),
  ];
}

/** What two sides differ by. */
export function differenceTable({ before, after, lines, totalUsd }: CostDifference): CostTable {
  return {
    title: `From ${before} to ${after}, USD per month`,
    head: ["resource", "", ...FIGURES],
    rows: [
      ...lines.map(({ name, change, usd }) => [name, change, usd.min, usd.expected, usd.max]),
      ["total", "", totalUsd.min, totalUsd.expected, totalUsd.max],
    ],
    textColumns: 2,
  };
}
