import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stringify } from "yaml";
import { isAlert, type RecordingRule, type RuleGroup } from "../../../monitoring/rule.ts";
import { Prometheus, type Labels, type Period } from "../../../reporting/prometheus.ts";
import { ensureDebianTool, PROMETHEUS, PROMTOOL } from "../../../tools/debian-tool.ts";
import { freePort } from "../cluster/processes.ts";
import { writeSyntheticMetrics } from "./synthetic.ts";

/** A real Prometheus on loopback. */
export interface PrometheusServer {
  readonly url: string;
  /** Ends it and deletes its data. */
  stop(): Promise<void>;
}

/** Distance of samples, seconds: days ago three an hour are enough for windows of an hour, and text of a fourth of the size to read. */
const COARSE_SECONDS = 1200;
const FINE_SECONDS = 60;
const FINE_FOR_SECONDS = 7 * 3600;
/** Distance between two evaluations of a rule, seconds. */
const RULE_SECONDS = 300;
/** One block holds everything; the text is read once per block. */
const BLOCK = "--max-block-duration=800h";

function promtool(...args: readonly string[]): void {
  const { status, stderr, stdout } = spawnSync(ensureDebianTool(PROMTOOL).binary, args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`promtool ${args.join(" ")}: ${stdout}${stderr}`);
}

/** Starts Prometheus over a data folder; it reads nothing and evaluates nothing. */
async function start(folder: string): Promise<{ readonly url: string; stop(): Promise<void> }> {
  const { binary, env } = ensureDebianTool(PROMETHEUS);
  const url = `http://127.0.0.1:${await freePort()}`;
  const config = join(folder, "prometheus.yaml");
  writeFileSync(config, stringify({ global: { scrape_interval: "1m" } }));
  const child = spawn(
    binary,
    [
      `--config.file=${config}`,
      `--storage.tsdb.path=${join(folder, "data")}`,
      "--storage.tsdb.retention.time=100y",
      // A sample is seen until the next one.
      `--query.lookback-delta=${COARSE_SECONDS + FINE_SECONDS}s`,
      `--web.listen-address=${url.replace("http://", "")}`,
    ],
    { env, stdio: ["ignore", "ignore", "pipe"] },
  );
  let log = "";
  child.stderr.on("data", (chunk: Buffer) => (log += chunk.toString("utf8")));
  const isReady = async (): Promise<boolean> =>
    fetch(`${url}/-/ready`).then(
      (response) => response.ok,
      () => false,
    );
  for (let attempt = 0; !(await isReady()); attempt++) {
    if (attempt > 300 || child.exitCode !== null)
      throw new Error(`Prometheus does not start: ${log.slice(-600)}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return {
    url,
    stop: async () => {
      child.kill("SIGTERM");
      if (child.exitCode === null) await once(child, "exit");
    },
  };
}

/** Whether an expression reads a series; names may be parts of other names. */
function reads(expr: string, record: string): boolean {
  return new RegExp(`(?<![\\w:])${record}(?![\\w:])`).test(expr);
}

/** Windows so long that they would take minutes to compute for every moment; only alerts and budgets of the objectives need them. */
const LONG_WINDOW = /_rate(1d|3d|30d)$|:period_|:current_/;

/** Records that need no other record that is still to be computed; one may read its own past, which is then not there. */
function computable(records: readonly RecordingRule[]): RecordingRule[] {
  return records.filter(({ record, expr }) =>
    records.every((other) => other.record === record || !reads(expr, other.record)),
  );
}

/** A rule gives its result its own name, whatever the expression kept. */
function withoutName(labels: Labels): Labels {
  return Object.fromEntries(Object.entries(labels).filter(([label]) => label !== "__name__"));
}

/** Values of records over the whole time, as OpenMetrics text; what a running Prometheus would have recorded. */
async function recorded(url: string, records: readonly RecordingRule[], period: Period): Promise<string> {
  const prometheus = new Prometheus(url);
  const texts: string[] = [];
  for (const { record, expr, labels: own = {} } of records)
    for (const { labels, points } of await prometheus.range(expr, period, RULE_SECONDS)) {
      const pairs = Object.entries({ ...withoutName(labels), ...own }).map(
        ([label, value]) => `${label}=${JSON.stringify(value)}`,
      );
      texts.push(...points.map(([at, value]) => `${record}{${pairs.join(",")}} ${value} ${at}\n`));
    }
  return `${texts.join("")}# EOF\n`;
}

/** A real Prometheus that holds synthetic metrics and what the recording rules make of them. */
export async function filledPrometheus(
  groups: readonly RuleGroup[],
  { from, to }: Period,
): Promise<PrometheusServer> {
  const folder = mkdtempSync(join(tmpdir(), "llmops-prometheus-"));
  const data = join(folder, "data");
  mkdirSync(data);
  const text = join(folder, "metrics.txt");
  const store = (): void => {
    promtool("tsdb", "create-blocks-from", "openmetrics", BLOCK, text, data);
  };
  await writeSyntheticMetrics(text, {
    start: Math.floor(from.getTime() / 1000),
    end: Math.floor(to.getTime() / 1000),
    coarse: COARSE_SECONDS,
    fine: FINE_SECONDS,
    fineFor: FINE_FOR_SECONDS,
  });
  store();
  let left = groups
    .flatMap(({ rules }) => rules)
    .filter((rule): rule is RecordingRule => !isAlert(rule) && !LONG_WINDOW.test(rule.record));
  while (left.length > 0) {
    const now = computable(left);
    if (now.length === 0)
      throw new Error(`records need each other: ${left.map(({ record }) => record).join(", ")}`);
    const server = await start(folder);
    try {
      writeFileSync(text, await recorded(server.url, now, { from, to }));
    } finally {
      await server.stop();
    }
    store();
    left = left.filter((record) => !now.includes(record));
  }
  const server = await start(folder);
  return {
    url: server.url,
    stop: async () => {
      await server.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
