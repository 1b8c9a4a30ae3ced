import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stringify } from "yaml";
import type { RuleGroup } from "../../monitoring/rule.ts";
import { ensureDebianTool, PROMTOOL } from "../../tools/debian-tool.ts";

/** A series in promtool's notation. */
export type InputSeries = readonly [series: string, values: string];

/** One test of promtool: input, and what is expected of alerts or expressions. */
export interface RuleTest {
  /** Time between samples, a Prometheus duration. */
  readonly interval: string;
  /** Time between evaluations of the rules. */
  readonly evaluation: string;
  readonly series: readonly InputSeries[];
  readonly alerts?: readonly {
    readonly at: string;
    readonly alert: string;
    readonly expected: readonly {
      readonly labels: Readonly<Record<string, string>>;
      readonly annotations: Readonly<Record<string, string>>;
    }[];
  }[];
  readonly expressions?: readonly {
    readonly at: string;
    readonly expr: string;
    readonly samples: readonly { readonly labels: string; readonly value: number }[];
  }[];
}

/** The real rule engine on a set of rules. */
export class Promtool {
  readonly #binary = ensureDebianTool(PROMTOOL).binary;
  readonly #folder = mkdtempSync(join(tmpdir(), "llmops-rules-"));

  constructor(groups: readonly RuleGroup[]) {
    writeFileSync(join(this.#folder, "rules.yaml"), stringify({ groups }));
  }

  /** Removes the files it wrote. */
  close(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** What is wrong with the rules; empty when nothing is. */
  check(): string {
    return this.#run("check", "rules", join(this.#folder, "rules.yaml"));
  }

  /** What differs from the expectations; empty when nothing does. */
  test({ interval, evaluation, series, alerts = [], expressions = [] }: RuleTest): string {
    const file = join(this.#folder, "test.yaml");
    writeFileSync(
      file,
      stringify({
        rule_files: ["rules.yaml"],
        evaluation_interval: evaluation,
        tests: [
          {
            interval,
            input_series: series.map(([name, values]) => ({ series: name, values })),
            alert_rule_test: alerts.map(({ at, alert, expected }) => ({
              eval_time: at,
              alertname: alert,
              exp_alerts: expected.map(({ labels, annotations }) => ({
                exp_labels: labels,
                exp_annotations: annotations,
              })),
            })),
            promql_expr_test: expressions.map(({ at, expr, samples }) => ({
              expr,
              eval_time: at,
              exp_samples: samples,
            })),
          },
        ],
      }),
    );
    return this.#run("test", "rules", file);
  }

  #run(...args: readonly string[]): string {
    const { error, status, stdout, stderr } = spawnSync(this.#binary, args, { encoding: "utf8" });
    if (error !== undefined) throw error;
    return status === 0 ? "" : `${stdout}${stderr}`;
  }
}
