import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { stringify } from "yaml";
import { accountingRules } from "../../components/finops/accounting-rules.ts";
import { isAlert, type RuleGroup } from "../../monitoring/rule.ts";
import { ensureDebianTool, PROMTOOL } from "../../tools/debian-tool.ts";
import { readBy } from "../rules/read-by.ts";

/** 7,300 USD a month are 10 USD per hour; a node of two GPUs costs 2.50 USD. */
const GROUPS = accountingRules({
  budgetUsd: 7300,
  pools: [{ name: "l4", usdPerHour: "2.5", gpusPerNode: 2 }],
  models: [
    {
      name: "mistral",
      namespace: "claims",
      pool: "l4",
      servedNames: ["mistral", "mistral-legal"],
      outputWeight: 4,
      prefixCache: { queries: "vllm:prefix_cache_queries_total", hits: "vllm:prefix_cache_hits_total" },
    },
  ],
  clients: [{ id: "portal", tenant: "claims" }],
  runbooks: "https://runbooks.example",
});
const ALERTS = GROUPS.flatMap(({ rules }) => rules).filter(isAlert);
/** What is recorded, without the alerts, which nothing recorded reads. */
const RECORDS = GROUPS.map(({ name, rules }) => ({ name, rules: rules.filter((rule) => !isAlert(rule)) }));

type Series = readonly [name: string, values: string];

const DAY = 1440;

const node = (index: number, values: string): Series => [
  `kube_node_labels{node="n${index}",label_llmops_io_gpu_pool="l4"}`,
  values,
];
const systemNode = (values: string): Series => ['kube_node_labels{node="s"}', values];
const nodes = (count: number, values: string): Series[] =>
  Array.from({ length: count }, (_, index) => node(index, values));
const pod = (name: string, values: string, at = "n0"): Series => [
  `kube_pod_container_resource_requests{resource="nvidia_com_gpu",namespace="claims",node="${at}",pod="${name}"}`,
  values,
];
const tokens = (kind: "input" | "output", client: string, model: string, values: string): Series => [
  `llmops_gateway_${kind}_tokens_total{client="${client}",model="${model}",endpoint="/v1/chat/completions"}`,
  values,
];
const paid = (client: string, values: string, currency = "USD"): Series => [
  `llmops_gateway_cost_total{client="${client}",model="gpt",currency="${currency}"}`,
  values,
];

let folder: string;
let promtool: string;

beforeAll(() => {
  promtool = ensureDebianTool(PROMTOOL).binary;
  folder = mkdtempSync(join(tmpdir(), "llmops-accounting-"));
});

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** Writes rules; they take the interval of each test, so that a month takes seconds. */
function writeRules(groups: readonly RuleGroup[]): string {
  const file = join(folder, "rules.yaml");
  writeFileSync(file, stringify({ groups: groups.map(({ name, rules }) => ({ name, rules })) }));
  return file;
}

/** Runs a test of rules; minutes between samples, and evaluations every hour of tests that last days. */
function promtoolTest(
  groups: readonly RuleGroup[],
  minutes: number,
  series: readonly Series[],
  test: object,
): string {
  const file = join(folder, "test.yaml");
  const input_series = series.map(([name, values]) => ({ series: name, values }));
  writeFileSync(
    file,
    stringify({
      rule_files: [writeRules(groups)],
      // A month is read from hours of the same moment; Prometheus itself promises no order.
      group_eval_order: groups.map(({ name }) => name),
      evaluation_interval: minutes === 1 ? "5m" : "1h",
      tests: [{ interval: `${minutes}m`, input_series, ...test }],
    }),
  );
  const { status, stdout, stderr } = spawnSync(promtool, ["test", "rules", file], { encoding: "utf8" });
  return status === 0 ? "as expected" : `${stdout}${stderr}`;
}

type Expected = readonly [expr: string, samples: Readonly<Record<string, number>>];

/** What differs at moments of one course of metrics. */
function valuesAt(
  moments: readonly (readonly [at: string, expected: readonly Expected[]])[],
  series: readonly Series[],
  minutes: number,
): string {
  return promtoolTest(RECORDS, minutes, series, {
    promql_expr_test: moments.flatMap(([at, expected]) =>
      expected.map(([expr, samples]) => ({
        expr: `round(${expr}, 0.0001)`,
        eval_time: at,
        exp_samples: Object.entries(samples).map(([labels, value]) => ({ labels, value })),
      })),
    ),
  });
}

function values(at: string, series: readonly Series[], expected: readonly Expected[]): string {
  return valuesAt([[at, expected]], series, 1);
}

const TRAFFIC: readonly Series[] = [
  systemNode("1x200"),
  ...nodes(2, "1x200"),
  pod("mistral-6d4f9-xabcd", "1x200"),
  // Another model's pod, and one that no node holds, take no GPU of this model.
  pod("mistral-large-6d4f9-xabcd", "2x200"),
  [
    'kube_pod_container_resource_requests{resource="nvidia_com_gpu",namespace="claims",pod="mistral-6d4f9-pendg"}',
    "1x200",
  ],
  tokens("input", "portal", "mistral", "0+50x200"),
  tokens("input", "portal", "mistral-legal", "0+50x200"),
  tokens("output", "portal", "mistral", "0+50x200"),
  tokens("input", "batch", "mistral", "0+100x200"),
  tokens("output", "batch", "mistral", "0+0x200"),
  paid("portal", "0+0.01x200"),
  paid("portal", "0+5x200", "EUR"),
];

describe("an hour of cost in the real rule engine", () => {
  it("is well-formed", () => {
    const { status, stderr } = spawnSync(promtool, ["check", "rules", writeRules(GROUPS)], {
      encoding: "utf8",
    });
    expect([status, stderr]).toEqual([0, ""]);
  });

  it("counts no work for prompts that the engine found in its prefix cache", () => {
    const cache = (name: string, pod: string, samples: string): Series => [
      `vllm:prefix_cache_${name}_total{namespace="claims",pod="${pod}",model_name="mistral"}`,
      samples,
    ];
    const answer = values(
      "3h",
      [
        ...TRAFFIC,
        cache("queries", "mistral-6d4f9-xabcd", "0+60x200"),
        cache("hits", "mistral-6d4f9-xabcd", "0+30x200"),
        // Another model's cache says nothing about this one.
        cache("queries", "mistral-large-6d4f9-xabcd", "0+60x200"),
        cache("hits", "mistral-large-6d4f9-xabcd", "0+60x200"),
      ],
      [
        ["llmops:prefix_cache_hit_ratio:hour", { '{model="mistral",namespace="claims"}': 0.5 }],
        [
          'llmops:client_cost_usd:hour{source="gpu"}',
          {
            // 100 input, of which half was found, + 4 x 50 output, against half of 100 input per minute: 250 to 50.
            '{client="portal",model="mistral",tenant="claims",source="gpu"}': 1.0417,
            '{client="batch",model="mistral",source="gpu"}': 0.2083,
          },
        ],
      ],
    );
    expect(answer).toBe("as expected");
  });

  it("is shared by the work of each client; what nobody used and who nobody knows stay visible", () => {
    const answer = values("3h", TRAFFIC, [
      ["llmops:cost_usd:hour", { '{source="gpu"}': 5, '{source="provider"}': 0.6 }],
      ["llmops:gpu_hours:hour", { '{model="mistral",namespace="claims",pool="l4"}': 1 }],
      ["llmops:model_cost_usd:hour", { '{model="mistral",namespace="claims",pool="l4"}': 1.25 }],
      [
        "llmops:client_cost_usd:hour",
        {
          // 100 input + 4 x 50 output against 100 input per minute.
          '{client="portal",model="mistral",tenant="claims",source="gpu"}': 0.9375,
          '{client="batch",model="mistral",source="gpu"}': 0.3125,
          '{client="portal",model="gpt",tenant="claims",source="provider"}': 0.6,
        },
      ],
      // 5.00 of nodes, of which one GPU of four worked.
      ["llmops:unattributed_cost_usd:hour", { "{}": 3.75 }],
    ]);
    expect(answer).toBe("as expected");
  });

  it("counts a node for the minutes it was there", () => {
    const answer = values(
      "2h",
      [systemNode("1x200"), node(0, "1x200"), node(1, "_x75 1x14 _x200")],
      [["round(llmops:cost_usd:hour{source='gpu'}, 0.1)", { '{source="gpu"}': 3.3 }]],
    );
    // 15 samples, and five minutes for which the last is still seen: a third of 2.50 USD.
    expect(answer).toBe("as expected");
  });

  it("is no zero but nothing while nobody measures", () => {
    expect(values("3h", [], [["llmops:cost_usd:hour", {}]])).toBe("as expected");
    expect(
      values(
        "3h",
        [systemNode("1x200")],
        [["llmops:cost_usd:hour", { '{source="gpu"}': 0, '{source="provider"}': 0 }]],
      ),
    ).toBe("as expected");
  });
});

describe("a month of cost", () => {
  const steady = [systemNode(`1x${50 * 288}`), ...nodes(2, `1x${50 * 288}`)];

  it("has the hours so far, and the rest as the last week went", () => {
    const month = (at: string, spent: number, hours: number, left: number): [string, Expected[]] => [
      at,
      [
        ["llmops:cost_usd:month_to_date", { "{}": spent }],
        ["llmops:cost_hours:month_to_date", { "{}": hours }],
        ["llmops:month:hours_left", { "{}": left }],
        ["llmops:cost_usd:month_forecast", { "{}": spent + left * 5 }],
      ],
    ];
    const answer = valuesAt(
      [
        // 5 USD per hour: the hours of the month that are over.
        month("10d", 240 * 5, 240, (31 - 10) * 24),
        month("30d23h", 743 * 5, 743, 1),
        // 31 January is day 30 of the test; the month starts anew with February's first hour.
        month("31d1h", 5, 1, 28 * 24 - 1),
        month("45d", 14 * 24 * 5, 14 * 24, 14 * 24),
      ],
      steady,
      5,
    );
    expect(answer).toBe("as expected");
  });
});

interface Case {
  readonly alert: string;
  readonly what: string;
  readonly series: readonly Series[];
  /** Minute of the evaluation. */
  readonly at: number;
  readonly fires: "yes" | "no";
  readonly labels?: Readonly<Record<string, string>>;
}

/** Counter that rises by a number of USD per hour for some days, then by another. */
function spend(perHour: number, count: number, after: number, more: number): string {
  const [first, then] = [perHour / 12, after / 12];
  const reached = first * count * 288;
  return `0+${first}x${count * 288} ${reached + then}+${then}x${Math.round(more * 288)}`;
}

const observed = systemNode(`1x${40 * 288}`);

const CASES: readonly Case[] = [
  {
    alert: "LlmopsBudgetForecastExceeded",
    what: "a month at 12.50 of 10 USD per hour",
    series: [observed, ...nodes(5, "1x3000")],
    at: 3 * DAY,
    fires: "yes",
  },
  {
    alert: "LlmopsBudgetForecastExceeded",
    what: "a month at 7.50 USD per hour",
    series: [observed, ...nodes(3, "1x3000")],
    at: 3 * DAY,
    fires: "no",
  },
  {
    alert: "LlmopsBudgetForecastExceeded",
    what: "the first hours of a history",
    series: [observed, ...nodes(5, "1x3000")],
    at: 20 * 60,
    fires: "no",
  },
  {
    alert: "LlmopsBudgetNearlySpent",
    what: "5,850 of 7,300 USD",
    series: [observed, paid("portal", spend(25, 40, 0, 1))],
    at: 234 * 60 + 30,
    fires: "yes",
  },
  {
    alert: "LlmopsBudgetNearlySpent",
    what: "a month that is over: its cost is not this month's",
    series: [observed, paid("portal", spend(10, 31, 1, 5))],
    at: 32 * DAY,
    fires: "no",
  },
  {
    alert: "LlmopsBudgetSpent",
    what: "7,325 of 7,300 USD",
    series: [observed, paid("portal", spend(25, 40, 0, 1))],
    at: 294 * 60,
    fires: "yes",
  },
  {
    alert: "LlmopsBudgetSpent",
    what: "7,200 of 7,300 USD",
    series: [observed, paid("portal", spend(25, 40, 0, 1))],
    at: 288 * 60,
    fires: "no",
  },
  {
    alert: "LlmopsBudgetFastBurn",
    what: "an hour at seven times the budget",
    series: [observed, paid("portal", spend(5, 2, 70, 1))],
    at: 2 * DAY + 180,
    fires: "yes",
  },
  {
    alert: "LlmopsBudgetFastBurn",
    what: "a burn that is over",
    series: [observed, paid("portal", `${spend(5, 2, 70, 0.1)} ${5 * 48 + 70 * 2.4}x288`)],
    at: 2 * DAY + 144 + 120,
    fires: "no",
  },
  {
    alert: "LlmopsBudgetSlowBurn",
    what: "seven hours at four times the budget",
    series: [observed, paid("portal", spend(5, 2, 40, 1))],
    at: 2 * DAY + 480,
    fires: "yes",
  },
  {
    alert: "LlmopsBudgetSlowBurn",
    what: "an hour at four times the budget",
    series: [observed, paid("portal", spend(5, 2, 40, 1))],
    at: 2 * DAY + 60,
    fires: "no",
  },
  {
    alert: "LlmopsCostAnomaly",
    what: "an hour of 20 after a week of 4 USD per hour",
    series: [observed, paid("portal", spend(4, 9, 20, 1))],
    at: 9 * DAY + 120,
    fires: "yes",
  },
  {
    alert: "LlmopsCostAnomaly",
    what: "a peak that comes every week at this hour",
    series: [
      observed,
      paid(
        "portal",
        `${spend(1, 2, 20, 0.25)} ${48 + 120 + 1 / 12}+${1 / 12}x${6.75 * 288 - 1} ${48 + 120 + 162 + 20 / 12}+${20 / 12}x288`,
      ),
    ],
    at: 9 * DAY + 180,
    fires: "no",
  },
  {
    alert: "LlmopsCostAnomaly",
    what: "a rise of cents",
    series: [observed, paid("portal", spend(0.1, 9, 1.5, 1))],
    at: 9 * DAY + 120,
    fires: "no",
  },
  {
    alert: "LlmopsClientCostAnomaly",
    what: "a client of 0.20 that costs 2 USD per hour, beside one that costs 50",
    series: [observed, paid("portal", spend(50, 10, 50, 1)), paid("batch", spend(0.2, 9, 2, 1))],
    at: 9 * DAY + 120,
    fires: "yes",
    labels: { client: "batch" },
  },
  {
    alert: "LlmopsClientCostAnomaly",
    what: "clients that cost what they always did",
    series: [observed, paid("portal", spend(50, 10, 50, 1)), paid("batch", spend(2, 10, 2, 1))],
    at: 9 * DAY + 120,
    fires: "no",
  },
  {
    alert: "LlmopsCostUnattributed",
    what: "nodes that nobody uses",
    series: [observed, ...nodes(2, "1x600")],
    at: DAY,
    fires: "yes",
  },
  {
    alert: "LlmopsCostUnattributed",
    what: "nodes that a client fills",
    series: [
      observed,
      node(0, "1x600"),
      pod("mistral-6d4f9-xabcd", "2x600"),
      tokens("input", "portal", "mistral", "0+100x600"),
      tokens("output", "portal", "mistral", "0+100x600"),
    ],
    at: DAY,
    fires: "no",
  },
  {
    alert: "LlmopsCostHistoryGap",
    what: "three hours without measurement",
    series: [systemNode("1x400 _x36 1x400")],
    at: 2 * DAY,
    fires: "yes",
  },
  {
    alert: "LlmopsCostHistoryGap",
    what: "a whole day",
    series: [systemNode("1x800")],
    at: 2 * DAY,
    fires: "no",
  },
];

function run({ alert, series, at, fires, labels = {} }: Case): string {
  const rule = ALERTS.find((each) => each.alert === alert);
  if (rule === undefined) throw new Error(`there is no alert ${alert}`);
  const exp_alerts =
    fires === "yes" ? [{ exp_labels: { ...rule.labels, ...labels }, exp_annotations: rule.annotations }] : [];
  return promtoolTest(readBy(GROUPS, alert), 5, series, {
    alert_rule_test: [{ eval_time: `${at}m`, alertname: alert, exp_alerts }],
  });
}

describe("alerts about the budget", () => {
  it.each(
    CASES.map(
      (each) => [each.alert, each.fires === "yes" ? "fires for" : "is silent for", each.what, each] as const,
    ),
  )("%s %s %s", (_alert, _fires, _what, each) => {
    expect(run(each)).toBe("as expected");
  });

  it("each fire once and stay silent once", () => {
    const tried = (fires: Case["fires"]): string[] =>
      [...new Set(CASES.filter((each) => each.fires === fires).map(({ alert }) => alert))].sort();
    const names = ALERTS.map(({ alert }) => alert).sort();
    expect([tried("yes"), tried("no")]).toEqual([names, names]);
  });

  it("are silent without data, each of them", () => {
    const alert_rule_test = ALERTS.map(({ alert }) => ({
      eval_time: "3d",
      alertname: alert,
      exp_alerts: [],
    }));
    expect(promtoolTest(GROUPS, 5, [], { alert_rule_test })).toBe("as expected");
  });
});
