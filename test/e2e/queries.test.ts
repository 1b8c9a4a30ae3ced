import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { stringify } from "yaml";
import {
  demandQuery,
  engineLoadQuery,
  heldQuery,
  inFlightQuery,
  orAsleep,
  waitingQuery,
} from "../../components/autoscaling/queries.ts";
import { engineGauges, type EngineGauges } from "../../components/serving/engine-metrics.ts";
import type { Engine } from "../../components/serving/engine.ts";
import { compileQuery } from "../../simulation/promql.ts";
import { SeriesStore } from "../../simulation/series.ts";
import { ensureDebianTool, PROMTOOL } from "../../tools/debian-tool.ts";

const SCOPE = { namespace: "claims", model: "mistral" };
const tokenizer = { image: "registry.example/tokenizer", digest: `sha256:${"d".repeat(64)}` };
const settings = { image: "unused", maxModelLen: 8192, maxNumSeqs: 128 };
const ENGINES: readonly Engine[] = [
  { kind: "vllm", ...settings },
  { kind: "sglang", ...settings },
  { kind: "tgi", ...settings },
  { kind: "triton", backend: "tensorrt-llm", tokenizer, ...settings },
];

/** Per replica: 3 run, 2 wait. A pod of another model and one of another namespace must not count. */
const PER_REPLICA = { running: 3, waiting: 2 } as const;

let folder: string;
let promtool: string;

beforeAll(() => {
  promtool = ensureDebianTool(PROMTOOL).binary;
  folder = mkdtempSync(join(tmpdir(), "llmops-promql-"));
});

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

function gaugesOf(engine: Engine): EngineGauges {
  const gauges = engineGauges(engine);
  if (gauges === undefined) throw new Error(`${engine.kind} has no gauges`);
  return gauges;
}

/** Series as the engine exports them, with the labels a PodMonitor adds. */
function series(gauges: EngineGauges, replicas: number): { series: string; values: string }[] {
  const pod = (name: string, namespace: string): { series: string; values: string }[] =>
    (["running", "waiting"] as const).map((state) => {
      const matchers = state === "running" ? gauges.runningMatchers : gauges.waitingMatchers;
      const labels = [...matchers, `namespace="${namespace}"`, `pod="${name}"`, 'engine="0"'];
      return { series: `${gauges[state]}{${labels.join(",")}}`, values: `${PER_REPLICA[state]}x10` };
    });
  const own = Array.from({ length: replicas }, (_, index) => pod(`mistral-6d4f9-x${index}abc`, "claims"));
  return [
    ...own.flat(),
    ...pod("mistral-large-6d4f9-xyzab", "claims"),
    ...pod("mistral-6d4f9-xyzab", "other"),
  ];
}

/** A value as the queries are compared. */
function rounded(value: number): number {
  return Number(value.toFixed(2));
}

interface Expectation {
  readonly expr: string;
  readonly values: readonly number[];
}

/** Evaluates expressions in the real PromQL engine; the text is empty when every expectation holds. */
function evaluate(
  input_series: readonly { series: string; values: string }[],
  expectations: readonly Expectation[],
  evalTime = "2m",
): string {
  const file = join(folder, "test.yaml");
  writeFileSync(
    file,
    stringify({
      evaluation_interval: "15s",
      tests: [
        {
          interval: "15s",
          input_series,
          promql_expr_test: expectations.map(({ expr, values }) => ({
            // The text compares exactly; rates are not exact in binary, and Prometheus 2 counts a sample on the edge of a window that 3 does not.
            expr: `round(${expr}, 0.01)`,
            eval_time: evalTime,
            exp_samples: values.map((value) => ({ labels: "{}", value })),
          })),
        },
      ],
    }),
  );
  const { status, stdout, stderr } = spawnSync(promtool, ["test", "rules", file], { encoding: "utf8" });
  return status === 0 ? "" : `${stdout}${stderr}`;
}

function promql(gauges: EngineGauges, replicas: number, expectations: readonly Expectation[]): string {
  return evaluate(series(gauges, replicas), expectations);
}

describe.each(ENGINES)("queries for $kind in the real PromQL engine", (engine) => {
  it.each([1, 3])("return one series with %i replicas", (replicas) => {
    const gauges = gaugesOf(engine);
    const { running, waiting } = PER_REPLICA;
    expect(
      promql(gauges, replicas, [
        { expr: waitingQuery(gauges, SCOPE), values: [waiting * replicas] },
        { expr: inFlightQuery(gauges, SCOPE), values: [(running + waiting) * replicas] },
      ]),
    ).toBe("");
  });

  it("return nothing without replicas, so that KEDA falls back instead of reading zero", () => {
    const gauges = gaugesOf(engine);
    expect(
      promql(gauges, 0, [
        { expr: waitingQuery(gauges, SCOPE), values: [] },
        { expr: inFlightQuery(gauges, SCOPE), values: [] },
      ]),
    ).toBe("");
  });

  it.each<[string, number, readonly number[], readonly number[]]>([
    ["are zero while no gateway knows a replica", 0, [0, 0], [0]],
    ["are empty while a gateway knows one whose series are missing", 0, [0, 1], []],
    ["are empty while no gateway says", 0, [], []],
    ["count what there is", 2, [0, 0], [2 * (PER_REPLICA.running + PER_REPLICA.waiting)]],
  ])("that may sleep %s", (_, replicas, known, values) => {
    const gauges = gaugesOf(engine);
    expect(
      evaluate(
        [...series(gauges, replicas), ...knownReplicas(known)],
        [{ expr: orAsleep(inFlightQuery(gauges, SCOPE), SCOPE), values }],
      ),
    ).toBe("");
  });
});

/** What each gateway replica says of the model's replicas. */
function knownReplicas(known: readonly number[]): { series: string; values: string }[] {
  return known.map((replicas, index) => ({
    series: `llmops_gateway_upstream_replicas{namespace="llm-gateway",pod="gateway-${index}",upstream="mistral"}`,
    values: `${replicas}x10`,
  }));
}

/** One model's counters in a number of gateway replicas: 900 input and 90 output tokens, 1 held call each per 15 s. */
function gatewaySeries(replicas: number): { series: string; values: string }[] {
  return Array.from({ length: replicas }, (_, index) => {
    const labels = `namespace="llm-gateway",pod="gateway-${index}",model="mistral"`;
    const other = labels.replace("mistral", "other");
    return [
      { series: `llmops_gateway_offered_tokens_total{kind="input",${labels}}`, values: "0+900x20" },
      { series: `llmops_gateway_offered_tokens_total{kind="output",${labels}}`, values: "0+90x20" },
      { series: `llmops_gateway_offered_tokens_total{kind="output",${other}}`, values: "0+5000x20" },
      { series: `llmops_gateway_held_requests{${labels}}`, values: "1x20" },
    ];
  }).flat();
}

const RATES = { inputTokensPerSecond: 60, outputTokensPerSecond: 6 };

describe("the gateway's signals in the real PromQL engine", () => {
  it.each([1, 3])("are one series with %i gateway replicas and no engine", (replicas) => {
    expect(
      evaluate(gatewaySeries(replicas), [
        // 60 tokens/s of 60 and 6 of 6: two replicas' worth per gateway replica, and the most room, because there is no history.
        { expr: demandQuery(SCOPE, RATES), values: [rounded(2.25 * replicas)] },
        { expr: heldQuery(SCOPE), values: [replicas] },
      ]),
    ).toBe("");
  });

  it("are empty without a gateway, so that KEDA falls back", () => {
    expect(
      evaluate(
        [],
        [
          { expr: demandQuery(SCOPE, RATES), values: [] },
          { expr: heldQuery(SCOPE), values: [] },
        ],
      ),
    ).toBe("");
  });
});

/** Tokens per 15 s in each quarter of an hour and a half. */
const HISTORIES = {
  "stays the same": [900, 900, 900, 900, 900, 900],
  "hardly changes": [900, 900, 915, 900, 915, 900],
  "rises and falls": [900, 900, 975, 900, 975, 900],
  jumps: [900, 900, 2700, 900, 900, 2700],
  "stops for the last quarter": [900, 900, 900, 900, 900, 0],
} as const;
const QUARTER = 60;

describe("the room for what comes while a replica starts, in the real PromQL engine", () => {
  const counter = 'llmops_gateway_offered_tokens_total{kind="input",namespace="llm-gateway",model="mistral"}';
  const output = counter.replace("input", "output");

  it.each([
    ["stays the same", 1, 1],
    ["hardly changes", 1, 1],
    ["rises and falls", 1.03, 1.06],
    ["jumps", 3.375, 3.375],
    ["stops for the last quarter", 0, 0],
  ] as const)("where load %s is between %d and %d replicas, as the simulation says", (name, low, high) => {
    const perStep = HISTORIES[name].flatMap((tokens) => Array.from({ length: QUARTER }, () => tokens));
    const store = new SeriesStore();
    let total = 0;
    const values = perStep.map((tokens, step) => {
      total += tokens;
      const labels = { namespace: "llm-gateway", model: "mistral" };
      store.add("llmops_gateway_offered_tokens_total", { ...labels, kind: "input" }, 15 * step, total);
      store.add("llmops_gateway_offered_tokens_total", { ...labels, kind: "output" }, 15 * step, 0);
      return total;
    });
    const query = demandQuery(SCOPE, RATES);
    const seconds = 15 * (perStep.length - 1);
    const answer = compileQuery(query)(store, seconds);
    const value = typeof answer === "number" ? answer : (answer[0]?.value ?? Number.NaN);
    expect(value).toBeGreaterThanOrEqual(low - 1e-6);
    expect(value).toBeLessThanOrEqual(high + 1e-6);
    const series = [
      { series: counter, values: values.join(" ") },
      { series: output, values: `0x${perStep.length}` },
    ];
    const expected = [{ expr: query, values: [rounded(value)] }];
    expect(evaluate(series, expected, `${seconds}s`)).toBe("");
  });
});

describe.each(ENGINES)("the load that $kind shows in the real PromQL engine", (engine) => {
  const speed = { concurrency: 10, tokenMs: 40, idleTokenMs: 10 };
  const query = (): string => engineLoadQuery(gaugesOf(engine), SCOPE, { ...speed, ...RATES });

  it.each([
    // 5 in flight in each replica of 10: 1 / (0.25 x 2 + 0.75) of a full one, and the most room.
    [1, [0.9]],
    [3, [2.7]],
    [0, []],
  ])("of %i replicas is %j", (replicas, values) => {
    const observed = [...series(gaugesOf(engine), replicas), ...gatewaySeries(1)];
    expect(evaluate(observed, [{ expr: query(), values }])).toBe("");
  });

  it.each([
    [0, [0]],
    [1, []],
  ])("may sleep: without its series and with %i known replicas it is %j", (known, values) => {
    const observed = [...knownReplicas([known]), ...gatewaySeries(1)];
    expect(evaluate(observed, [{ expr: orAsleep(query(), SCOPE), values }])).toBe("");
  });
});

describe("engines that say how long their tokens take, in the real PromQL engine", () => {
  const [vllm] = ENGINES;
  const gauges = gaugesOf(vllm ?? { kind: "vllm", ...settings });
  const speed = { concurrency: 10, tokenMs: 40, idleTokenMs: 10 };
  const query = engineLoadQuery(gauges, SCOPE, { ...speed, ...RATES });
  const labels = { namespace: "claims", pod: "mistral-6d4f9-x0abc" };
  const steps = 60;

  it.each([
    // With half of ten in flight a token is stated to take 25 ms: 1 / (0.25 x 2 + 0.75) of a full replica. Nothing is offered or changes, so there is no room.
    ["as stated", 0.025, 200, 0.8],
    ["hardly slower, which is forgiven", 0.0255, 200, 0.8],
    ["faster, which nothing takes back", 0.015, 200, 0.8],
    // 1.3 times what a token takes beyond 10 ms, less what is forgiven: a full one has 10 / 1.25 in flight.
    ["slower", 0.0295, 200, 1 / 1.15],
    ["ten times slower, of which 1.5 times count", 0.16, 200, 1.5 / (0.5 + 1.125)],
    ["unknown, because nobody asked", 0, 0, 0.8],
  ])("%s: a token takes %d s", (_what, tokenSeconds, tokensPerSecond, load) => {
    const store = new SeriesStore();
    const observed = [
      { metric: "vllm:num_requests_running", labels, at: () => PER_REPLICA.running },
      { metric: "vllm:num_requests_waiting", labels, at: () => PER_REPLICA.waiting },
      {
        metric: "vllm:inter_token_latency_seconds_sum",
        labels,
        at: (seconds: number) => tokenSeconds * tokensPerSecond * seconds,
      },
      {
        metric: "vllm:inter_token_latency_seconds_count",
        labels,
        at: (seconds: number) => tokensPerSecond * seconds,
      },
      ...(["input", "output"] as const).map((kind) => ({
        metric: "llmops_gateway_offered_tokens_total",
        labels: { kind, namespace: "llm-gateway", model: "mistral" },
        at: () => 0,
      })),
    ].map(({ metric, labels: own, at }) => {
      const values = Array.from({ length: steps + 1 }, (_, step) => at(15 * step));
      values.forEach((each, step) => {
        store.add(metric, own, 15 * step, each);
      });
      const pairs = Object.entries(own).map(([label, text]) => `${label}="${text}"`);
      return { series: `${metric}{${pairs.join(",")}}`, values: values.join(" ") };
    });
    const expected = [{ expr: query, values: [rounded(load)] }];
    expect(evaluate(observed, expected, `${15 * steps}s`)).toBe("");
    const answer = compileQuery(query)(store, 15 * steps);
    expect(typeof answer === "number" ? [] : answer.map((each) => rounded(each.value))).toEqual([
      rounded(load),
    ]);
  });
});

describe("the check itself", () => {
  it("rejects an un-summed query, as production-stack ships it, with three replicas", () => {
    const [vllm] = ENGINES;
    if (vllm === undefined) throw new Error("no engine");
    const expectation = { expr: 'vllm:num_requests_waiting{namespace="claims"}', values: [2] };
    expect(promql(gaugesOf(vllm), 3, [expectation])).toContain("FAILED");
  });
});
