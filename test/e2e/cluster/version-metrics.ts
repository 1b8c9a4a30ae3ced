import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { GATEWAY_NAMESPACE } from "../../../components/gateway/address.ts";
import type { ScrapeTarget } from "./prometheus.ts";

/** How a version behaves once it serves. `unmeasured`: its pods export nothing. */
export type Behaviour = "good" | "slow" | "failing" | "unmeasured";

/** Requests a pod and the gateway count each second. */
const PER_SECOND = 20;
const EDGES = [0.1, 0.5, 1, 5, 10] as const;
/** Seconds to the first token. */
const FIRST_TOKEN = { good: 0.2, slow: 4 } as const;

/** A pod that serves. */
export interface ServingPod {
  readonly name: string;
  readonly behaviour: Behaviour;
}

/** Plays what vLLM's pods of one model and the gateway export, under their names. */
export class VersionMetrics {
  /** Requests that wait in all pods together. */
  waiting = 0;
  readonly #model: string;
  readonly #namespace: string;
  readonly #server: Server;
  readonly #start = Date.now();
  #pods: readonly ServingPod[] = [];
  #calls = { last: Date.now(), completed: 0, failed: 0 };

  private constructor(model: string, namespace: string) {
    this.#model = model;
    this.#namespace = namespace;
    this.#server = createServer((request, response) => {
      const pod = this.#pods.find(({ name }) => request.url === `/${name}`);
      response.writeHead(200, { "content-type": "text/plain; version=0.0.4" });
      response.end(pod === undefined ? this.#gateway() : this.#engine(pod));
    });
  }

  static async start(model: string, namespace: string): Promise<VersionMetrics> {
    const metrics = new VersionMetrics(model, namespace);
    await new Promise<void>((resolve) => metrics.#server.listen(0, "127.0.0.1", resolve));
    return metrics;
  }

  /** What is scraped while these pods serve. */
  serve(pods: readonly ServingPod[]): ScrapeTarget[] {
    this.#pods = pods;
    const address = `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
    return [
      { address, labels: { __metrics_path__: "/gateway", namespace: GATEWAY_NAMESPACE, pod: "gateway-0" } },
      ...pods
        .filter(({ behaviour }) => behaviour !== "unmeasured")
        .map(({ name }) => ({
          address,
          labels: { __metrics_path__: `/${name}`, namespace: this.#namespace, pod: name },
        })),
    ];
  }

  close(): void {
    this.#server.close();
  }

  #engine({ behaviour }: ServingPod): string {
    const count = Math.round(((Date.now() - this.#start) / 1000) * PER_SECOND);
    const seconds = behaviour === "slow" ? FIRST_TOKEN.slow : FIRST_TOKEN.good;
    const name = "vllm:time_to_first_token_seconds";
    return [
      ...EDGES.map((edge) => `${name}_bucket{le="${edge}"} ${seconds <= edge ? count : 0}`),
      `${name}_bucket{le="+Inf"} ${count}`,
      `${name}_sum ${count * seconds}`,
      `${name}_count ${count}`,
      `vllm:num_requests_waiting ${this.waiting / this.#pods.length}`,
      "vllm:num_requests_running 0",
      "",
    ].join("\n");
  }

  #gateway(): string {
    const now = Date.now();
    const calls = ((now - this.#calls.last) / 1000) * PER_SECOND;
    const failing = this.#pods.filter(({ behaviour }) => behaviour === "failing").length;
    const failed = this.#pods.length === 0 ? 0 : (calls * failing) / this.#pods.length;
    this.#calls = {
      last: now,
      completed: this.#calls.completed + calls - failed,
      failed: this.#calls.failed + failed,
    };
    const requests = (result: string, total: number): string =>
      `llmops_gateway_requests_total{model="${this.#model}",result="${result}"} ${total}`;
    return [
      requests("completed", this.#calls.completed),
      requests("failed", this.#calls.failed),
      `llmops_gateway_guard_verdicts_total{guard="pii",side="output",action="pass"} ${this.#calls.completed}`,
      `llmops_gateway_guard_verdicts_total{guard="pii",side="output",action="block"} 0`,
      "",
    ].join("\n");
  }
}
