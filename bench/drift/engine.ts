import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stringify } from "yaml";
import { compilePipeline } from "../../monitoring/compile.ts";
import { isAlert, type RuleGroup } from "../../monitoring/rule.ts";
import type { Pipeline } from "../../monitoring/schema.ts";
import { DEFAULT_PIPELINE, readPipeline } from "../../stacks/schema/pipeline-file.ts";
import { ensureDebianTool, PROMTOOL } from "../../tools/debian-tool.ts";
import type { Streams } from "./streams.ts";

const PROMTOOL_BINARY = ensureDebianTool(PROMTOOL).binary;

/** Version of the rule engine. */
export function engineVersion(): string {
  const { stdout, stderr } = spawnSync(PROMTOOL_BINARY, ["--version"], { encoding: "utf8" });
  return `promtool ${/version ([\d.+~a-z-]+)/.exec(`${stdout}${stderr}`)?.[1] ?? "unknown"}`;
}

/** The rules of one detector as `llmops pipeline compile` gives them. */
export function groupOf(signal: string, drift: Partial<Pipeline["drift"]>): RuleGroup {
  const result = readPipeline(DEFAULT_PIPELINE);
  if (result.kind === "invalid") throw new Error(JSON.stringify(result.problems));
  const pipeline = { ...result.pipeline, drift: { ...result.pipeline.drift, ...drift } };
  const { groups } = compilePipeline(pipeline, { budgetUsd: 1, pools: [], models: [] });
  const group = groups.find(({ name }) => name === `llmops-drift-${signal.replaceAll("_", "-")}`);
  if (group === undefined) throw new Error(`the shipped file has no detector for ${signal}`);
  return group;
}

/** What is asked of the rule engine. */
export interface Question {
  readonly group: RuleGroup;
  /** Minutes between samples, and between evaluations. */
  readonly step: number;
  readonly streams: Streams;
  /** First and last minute at which it is asked which streams fire. */
  readonly from: number;
  readonly to: number;
}

/** Streams that fire, by minute. */
export type Fired = ReadonlyMap<number, ReadonlySet<string>>;

/** Minutes of a Prometheus duration such as `1d2h5m`. */
function minutesOf(text: string): number {
  const unit: Readonly<Record<string, number>> = { w: 10_080, d: 1_440, h: 60, m: 1 };
  return [...text.matchAll(/(\d+)([wdhm])/g)].reduce(
    (sum, [, amount, name]) => sum + Number(amount) * (unit[name ?? ""] ?? 0),
    0,
  );
}

/** Asks the real rule engine which streams fire at each step. */
export function firing({ group, step, streams, from, to }: Question): Fired {
  const folder = mkdtempSync(join(tmpdir(), "llmops-drift-"));
  const asked = Array.from({ length: Math.floor((to - from) / step) + 1 }, (_, index) => from + index * step);
  // The first is the detector's own.
  const [alert] = group.rules.filter(isAlert);
  if (alert === undefined) throw new Error(`${group.name} has no alert`);
  try {
    writeFileSync(join(folder, "rules.yaml"), stringify({ groups: [group] }));
    writeFileSync(
      join(folder, "test.yaml"),
      stringify(
        {
          rule_files: ["rules.yaml"],
          evaluation_interval: `${step}m`,
          tests: [
            {
              interval: `${step}m`,
              input_series: [...streams].map(([series, values]) => ({ series, values: values.join(" ") })),
              // Expecting nothing makes promtool print what there is.
              promql_expr_test: asked.map((minute) => ({
                expr: `count by (model, guard) (ALERTS{alertname="${alert.alert}",alertstate="firing"})`,
                eval_time: `${minute}m`,
                exp_samples: [],
              })),
            },
          ],
        },
        { lineWidth: 0 },
      ),
    );
    const { error, stdout, stderr } = spawnSync(
      PROMTOOL_BINARY,
      ["test", "rules", join(folder, "test.yaml")],
      { encoding: "utf8", maxBuffer: 2 ** 30 },
    );
    if (error !== undefined) throw error;
    const text = `${stdout}${stderr}`;
    if (!/FAILED|SUCCESS/.test(text)) throw new Error(`promtool: ${text.slice(0, 500)}`);
    const found = new Map(asked.map((minute) => [minute, new Set<string>()]));
    for (const [, time = "", got = ""] of text.matchAll(/time: (\S+),\n\s+exp: nil\n\s+got: (.*)/g))
      for (const [, stream = ""] of got.matchAll(/(?:model|guard)="(s\d+)"/g))
        found.get(minutesOf(time))?.add(stream);
    return found;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
