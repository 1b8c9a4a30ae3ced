import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { stringify } from "yaml";
import { platformRules, type AlertRule } from "../../components/observability/alert-rules.ts";
import { ensureDebianTool, PROMTOOL } from "../../tools/debian-tool.ts";

/** A budget of 7,300 USD is 10 USD per hour. */
const GROUPS = platformRules({ budgetUsd: 7_300, pools: [{ name: "l4", usdPerHour: "1.25" }] });
const ALERTS = GROUPS.flatMap(({ rules }) => rules).filter((rule): rule is AlertRule => "alert" in rule);

interface Case {
  readonly alert: string;
  readonly what: string;
  /** Minutes between samples. */
  readonly interval: number;
  readonly series: readonly (readonly [series: string, values: string])[];
  /** Minute of the evaluation. */
  readonly at: number;
  readonly fires: "yes" | "no";
  readonly labels?: Readonly<Record<string, string>>;
}

const ready = (values: string): readonly [string, string] => [
  'llmops_gateway_audit_ready{pod="gateway-0"}',
  values,
];
const requests = (result: string, values: string, model = "m"): readonly [string, string] => [
  `llmops_gateway_requests_total{client="c",model="${model}",endpoint="/v1/chat/completions",result="${result}"}`,
  values,
];
const verdicts = (action: string, values: string): readonly [string, string] => [
  `llmops_gateway_guard_verdicts_total{guard="pii",side="output",action="${action}"}`,
  values,
];
const tokens = (values: string): readonly [string, string] => [
  'llmops_gateway_output_tokens_total{client="c",model="m",endpoint="/v1/chat/completions"}',
  values,
];
const cost = (values: string): readonly [string, string] => [
  'llmops_gateway_cost_total{client="c",model="m",endpoint="/v1/chat/completions",currency="USD"}',
  values,
];
const node = (index: number, values: string): readonly [string, string] => [
  `kube_node_labels{node="n${index}",label_llmops_io_gpu_pool="l4"}`,
  values,
];

/** Counter that rises by `rate` a step for `steps`, then by `after` a step. */
function counter(rate: number, steps: number, after: number, more: number): string {
  return `0+${rate}x${steps} ${rate * steps + after}+${after}x${more - 1}`;
}

const CASES: readonly Case[] = [
  {
    alert: "LlmopsAuditNotReady",
    what: "a gateway that cannot record",
    interval: 1,
    series: [ready("1x5 0x10")],
    at: 10,
    fires: "yes",
  },
  {
    alert: "LlmopsAuditNotReady",
    what: "gateways that record",
    interval: 1,
    series: [ready("1x20")],
    at: 10,
    fires: "no",
  },
  { alert: "LlmopsGatewayAbsent", what: "no gateway", interval: 1, series: [], at: 10, fires: "yes" },
  {
    alert: "LlmopsGatewayAbsent",
    what: "a gateway",
    interval: 1,
    series: [ready("1x20")],
    at: 10,
    fires: "no",
  },
  {
    alert: "LlmopsAuditShipFailing",
    what: "a store that refuses",
    interval: 1,
    series: [["llmops_gateway_audit_ship_failing", "1x30"]],
    at: 20,
    fires: "yes",
  },
  {
    alert: "LlmopsAuditShipFailing",
    what: "a store that refuses for a moment",
    interval: 1,
    series: [["llmops_gateway_audit_ship_failing", "1x5 0x30"]],
    at: 20,
    fires: "no",
  },
  {
    alert: "LlmopsAuditBacklog",
    what: "waiting segments",
    interval: 1,
    series: [["llmops_gateway_audit_unshipped_segments", "30x30"]],
    at: 20,
    fires: "yes",
  },
  {
    alert: "LlmopsAuditBacklog",
    what: "a few waiting segments",
    interval: 1,
    series: [["llmops_gateway_audit_unshipped_segments", "20x30"]],
    at: 20,
    fires: "no",
  },
  {
    alert: "LlmopsStopped",
    what: "a stop",
    interval: 1,
    series: [["llmops_gateway_stops_in_force", "0x5 1x5"]],
    at: 7,
    fires: "yes",
  },
  {
    alert: "LlmopsStopped",
    what: "no stop",
    interval: 1,
    series: [["llmops_gateway_stops_in_force", "0x10"]],
    at: 7,
    fires: "no",
  },
  {
    alert: "LlmopsErrorBudgetFastBurn",
    what: "2 % of the calls failing for two hours",
    interval: 1,
    series: [requests("completed", "0+98x180"), requests("failed", "0+2x180")],
    at: 130,
    fires: "yes",
  },
  {
    alert: "LlmopsErrorBudgetFastBurn",
    what: "calls refused by guards and limits",
    interval: 1,
    series: [
      requests("completed", "0+98x180"),
      requests("blocked", "0+50x180"),
      requests("limited", "0+50x180"),
    ],
    at: 130,
    fires: "no",
  },
  {
    alert: "LlmopsErrorBudgetFastBurn",
    what: "errors that are over",
    interval: 1,
    series: [requests("completed", "0+98x180"), requests("failed", counter(2, 100, 0, 80))],
    at: 130,
    fires: "no",
  },
  {
    alert: "LlmopsErrorBudgetSlowBurn",
    what: "0.8 % of the calls failing for half a day",
    interval: 5,
    series: [requests("completed", "0+496x150"), requests("failed", "0+4x150")],
    at: 700,
    fires: "yes",
  },
  {
    alert: "LlmopsErrorBudgetSlowBurn",
    what: "0.1 % of the calls failing",
    interval: 5,
    series: [requests("completed", "0+999x150"), requests("failed", "0+1x150")],
    at: 700,
    fires: "no",
  },
  {
    alert: "LlmopsQualityDrop",
    what: "guards that intervene ten times as often",
    interval: 10,
    series: [verdicts("pass", "0+100x1100"), verdicts("redact", counter(1, 1020, 10, 80))],
    at: 1030 * 10,
    fires: "yes",
  },
  {
    alert: "LlmopsQualityDrop",
    what: "guards that intervene as always",
    interval: 10,
    series: [verdicts("pass", "0+100x1100"), verdicts("redact", "0+2x1100")],
    at: 1030 * 10,
    fires: "no",
  },
  {
    alert: "LlmopsQualityDrop",
    what: "too few answers to judge",
    interval: 10,
    series: [verdicts("pass", "0+1x1100"), verdicts("redact", counter(0, 1020, 1, 80))],
    at: 1030 * 10,
    fires: "no",
  },
  {
    alert: "LlmopsOutputLengthDrift",
    what: "answers that become three times as long",
    interval: 10,
    series: [requests("completed", "0+100x1100"), tokens(counter(20_000, 1020, 60_000, 80))],
    at: 1040 * 10,
    fires: "yes",
    labels: { model: "m" },
  },
  {
    alert: "LlmopsOutputLengthDrift",
    what: "answers as long as always",
    interval: 10,
    series: [requests("completed", "0+100x1100"), tokens("0+20000x1100")],
    at: 1040 * 10,
    fires: "no",
  },
  {
    alert: "LlmopsCostOverBudget",
    what: "nine nodes over a budget of eight",
    interval: 5,
    series: Array.from({ length: 9 }, (_, at) => node(at, "1x40")),
    at: 120,
    fires: "yes",
  },
  {
    alert: "LlmopsCostOverBudget",
    what: "eight nodes within a budget of eight",
    interval: 5,
    series: Array.from({ length: 8 }, (_, at) => node(at, "1x40")),
    at: 120,
    fires: "no",
  },
  {
    alert: "LlmopsCostSpike",
    what: "a provider that costs five times as much",
    interval: 10,
    series: [cost(counter(0.1, 1020, 0.5, 80))],
    at: 1040 * 10,
    fires: "yes",
  },
  {
    alert: "LlmopsCostSpike",
    what: "a provider that costs as always",
    interval: 10,
    series: [cost("0+0.2x1100")],
    at: 1040 * 10,
    fires: "no",
  },
  {
    alert: "LlmopsCostSpike",
    what: "a rise of cents",
    interval: 10,
    series: [cost(counter(0.001, 1020, 0.01, 80))],
    at: 1040 * 10,
    fires: "no",
  },
];

let folder: string;
let promtool: string;

beforeAll(() => {
  promtool = ensureDebianTool(PROMTOOL).binary;
  folder = mkdtempSync(join(tmpdir(), "llmops-alerts-"));
  writeFileSync(
    join(folder, "rules.yaml"),
    stringify({ groups: GROUPS.map((group) => ({ ...group, interval: "5m" })) }),
  );
  writeFileSync(join(folder, "rules-1m.yaml"), stringify({ groups: GROUPS }));
});

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

function run({ alert, interval, series, at, fires, labels = {} }: Case): string {
  const rule = ALERTS.find((each) => each.alert === alert);
  if (rule === undefined) throw new Error(`there is no alert ${alert}`);
  const test = {
    rule_files: [interval > 1 ? "rules.yaml" : "rules-1m.yaml"],
    evaluation_interval: `${Math.min(interval, 5)}m`,
    tests: [
      {
        interval: `${interval}m`,
        input_series: series.map(([name, values]) => ({ series: name, values })),
        alert_rule_test: [
          {
            eval_time: `${at}m`,
            alertname: alert,
            exp_alerts:
              fires === "yes"
                ? [{ exp_labels: { ...rule.labels, ...labels }, exp_annotations: rule.annotations }]
                : [],
          },
        ],
      },
    ],
  };
  const file = join(folder, "test.yaml");
  writeFileSync(file, stringify(test));
  const { status, stdout, stderr } = spawnSync(promtool, ["test", "rules", file], { encoding: "utf8" });
  return status === 0 ? "as expected" : `${stdout}${stderr}`;
}

describe("the platform's alerts in the real Prometheus rule engine", () => {
  it("are well-formed", () => {
    const { status, stderr } = spawnSync(promtool, ["check", "rules", join(folder, "rules.yaml")], {
      encoding: "utf8",
    });
    expect([status, stderr]).toEqual([0, ""]);
  });

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

  it.each(ALERTS.filter(({ alert }) => alert !== "LlmopsGatewayAbsent").map(({ alert }) => alert))(
    "%s is silent without data",
    (alert) => {
      expect(run({ alert, what: "nothing", interval: 5, series: [], at: 600, fires: "no" })).toBe(
        "as expected",
      );
    },
  );
});
