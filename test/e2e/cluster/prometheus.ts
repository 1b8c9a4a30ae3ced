import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { ensureDebianTool, PROMETHEUS } from "../../../tools/debian-tool.ts";
import { freePort, type Processes } from "./processes.ts";

/** One address Prometheus scrapes, with the labels a PodMonitor would add. */
export interface ScrapeTarget {
  readonly address: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** A real Prometheus on loopback that can be killed and started again on its data. */
export interface Prometheus {
  readonly url: string;
  /** Scrapes these from now on. */
  scrape(targets: readonly ScrapeTarget[]): void;
  /** Values an instant query returns, one a series. */
  query(expression: string): Promise<number[]>;
  start(): Promise<void>;
  kill(): Promise<void>;
}

const NAME = "prometheus";

/** Starts Prometheus in a folder. */
export async function startPrometheus(
  processes: Processes,
  folder: string,
  scrapeMs: number,
): Promise<Prometheus> {
  const tool = ensureDebianTool(PROMETHEUS);
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const [config, targets] = [join(folder, "prometheus.json"), join(folder, "targets.json")];
  writeFileSync(targets, "[]");
  const job = {
    job_name: "pods",
    honor_labels: true,
    file_sd_configs: [{ files: [targets], refresh_interval: "1s" }],
  };
  const global = { scrape_interval: `${scrapeMs}ms`, scrape_timeout: `${scrapeMs}ms` };
  writeFileSync(config, JSON.stringify({ global, scrape_configs: [job] }));
  const start = async (): Promise<void> => {
    processes.start(NAME, {
      command: tool.binary,
      args: [
        `--config.file=${config}`,
        `--storage.tsdb.path=${join(folder, "prometheus")}`,
        `--web.listen-address=127.0.0.1:${port}`,
      ],
      env: tool.env,
    });
    await processes.ready(NAME, async () => (await fetch(`${url}/-/ready`)).status === 200);
  };
  await start();
  return {
    url,
    scrape: (wanted) => {
      const groups = wanted.map(({ address, labels }) => ({ targets: [address], labels }));
      writeFileSync(targets, JSON.stringify(groups));
    },
    query: async (expression) => {
      const answer = await fetch(`${url}/api/v1/query?query=${encodeURIComponent(expression)}`);
      const { data } = (await answer.json()) as { data: { result: { value: [number, string] }[] } };
      return data.result.map(({ value: [, value] }) => Number(value));
    },
    start,
    kill: () => processes.stop(NAME, "SIGKILL"),
  };
}
