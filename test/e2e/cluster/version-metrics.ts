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

/** One line of what is scraped. */
function sample(name: string, labels: Readonly<Record<string, string | number>>, value: number): string {
  const pairs = Object.entries(labels).map(([label, text]) => `${label}="${text}"`);
  return `${name}{${pairs.join(",")}} ${value}\n`;
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
    this.#server = createServer((_request, response) => {
      response.writeHead(200, { "content-type": "text/plain; version=0.0.4" });
      response.end([this.#gateway(), ...this.#pods.map((pod) => this.#engine(pod))].join(""));
    });
  }

  static async start(model: string, namespace: string): Promise<VersionMetrics> {
    const metrics = new VersionMetrics(model, namespace);
    await new Promise<void>((resolve) => metrics.#server.listen(0, "127.0.0.1", resolve));
    return metrics;
  }

  /**
   * The one address that is scraped. Each series names its pod, because Prometheus needs up to ten seconds until it scrapes a
   * new address, which are ten minutes of a compressed delivery.
   * @see https://github.com/prometheus/prometheus/blob/v2.42.0/discovery/manager.go
   */
  get target(): ScrapeTarget {
    return { address: `127.0.0.1:${(this.#server.address() as AddressInfo).port}`, labels: {} };
  }

  /** Pods that serve from now on. */
  serve(pods: readonly ServingPod[]): void {
    this.#pods = pods;
  }

  close(): void {
    this.#server.close();
  }

  #engine({ name, behaviour }: ServingPod): string {
    if (behaviour === "unmeasured") return "";
    const count = Math.round(((Date.now() - this.#start) / 1000) * PER_SECOND);
    const seconds = behaviour === "slow" ? FIRST_TOKEN.slow : FIRST_TOKEN.good;
    const firstToken = "vllm:time_to_first_token_seconds";
    const pod = { namespace: this.#namespace, pod: name };
    return [
      ...EDGES.map((edge) =>
        sample(`${firstToken}_bucket`, { ...pod, le: edge }, seconds <= edge ? count : 0),
      ),
      sample(`${firstToken}_bucket`, { ...pod, le: "+Inf" }, count),
      sample(`${firstToken}_sum`, pod, count * seconds),
      sample(`${firstToken}_count`, pod, count),
      sample("vllm:num_requests_waiting", pod, this.waiting / this.#pods.length),
      sample("vllm:num_requests_running", pod, 0),
    ].join("");
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
    const { completed } = this.#calls;
    const pod = { namespace: GATEWAY_NAMESPACE, pod: "gateway-0" };
    const requests = { ...pod, model: this.#model };
    const verdicts = { ...pod, guard: "pii", side: "output" };
    return [
      sample("llmops_gateway_requests_total", { ...requests, result: "completed" }, completed),
      sample("llmops_gateway_requests_total", { ...requests, result: "failed" }, this.#calls.failed),
      sample("llmops_gateway_guard_verdicts_total", { ...verdicts, action: "pass" }, completed),
      sample("llmops_gateway_guard_verdicts_total", { ...verdicts, action: "block" }, 0),
    ].join("");
  }
}
