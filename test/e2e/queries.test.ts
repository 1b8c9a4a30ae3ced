import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { stringify } from "yaml";
import { inFlightQuery, waitingQuery } from "../../components/autoscaling/queries.ts";
import { engineGauges, type EngineGauges } from "../../components/serving/engine-metrics.ts";
import type { Engine } from "../../components/serving/engine.ts";
import { ensureDebianTool, PROMTOOL } from "../../tools/debian-tool.ts";

const SCOPE = { namespace: "claims", model: "mistral" };
const settings = { image: "unused", maxModelLen: 8192, maxNumSeqs: 128 };
const ENGINES: readonly Engine[] = [
  { kind: "vllm", ...settings },
  { kind: "sglang", ...settings },
  { kind: "tgi", ...settings },
  { kind: "triton", backend: "tensorrt-llm", ...settings },
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

interface Expectation {
  readonly expr: string;
  readonly values: readonly number[];
}

/** Evaluates expressions in the real PromQL engine; the text is empty when every expectation holds. */
function promql(gauges: EngineGauges, replicas: number, expectations: readonly Expectation[]): string {
  const file = join(folder, "test.yaml");
  writeFileSync(
    file,
    stringify({
      evaluation_interval: "15s",
      tests: [
        {
          interval: "15s",
          input_series: series(gauges, replicas),
          promql_expr_test: expectations.map(({ expr, values }) => ({
            expr,
            eval_time: "1m",
            exp_samples: values.map((value) => ({ labels: "{}", value })),
          })),
        },
      ],
    }),
  );
  const { status, stdout, stderr } = spawnSync(promtool, ["test", "rules", file], { encoding: "utf8" });
  return status === 0 ? "" : `${stdout}${stderr}`;
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
});

describe("the check itself", () => {
  it("rejects an un-summed query, as production-stack ships it, with three replicas", () => {
    const [vllm] = ENGINES;
    if (vllm === undefined) throw new Error("no engine");
    const expectation = { expr: 'vllm:num_requests_waiting{namespace="claims"}', values: [2] };
    expect(promql(gaugesOf(vllm), 3, [expectation])).toContain("FAILED");
  });
});
