import { Counter, Gauge, Histogram, Registry } from "prom-client";
import type { Slots } from "./slots.ts";

/** Counters of one engine under the names vLLM uses, so that queries written for vLLM work on it. */
export interface EngineMetrics {
  readonly registry: Registry;
  /** Prompt tokens read. */
  prompt(tokens: number): void;
  /** Seconds from the request to its first token. */
  firstToken(seconds: number): void;
  /** Seconds between two tokens of an answer. */
  token(seconds: number): void;
  /** A request that ended; `abort` is a client that went away. */
  finished(reason: "stop" | "length" | "abort", tokens: number, seconds: number): void;
}

/** @see https://docs.vllm.ai/en/latest/usage/metrics.html for the names */
export function engineMetrics(model: string, slots: Slots): EngineMetrics {
  const registry = new Registry();
  registry.setDefaultLabels({ model_name: model });
  const registers = [registry];
  new Gauge({
    name: "vllm:num_requests_running",
    help: "Requests that generate",
    registers,
    collect() {
      this.set(slots.running);
    },
  });
  new Gauge({
    name: "vllm:num_requests_waiting",
    help: "Requests that wait for a slot",
    registers,
    collect() {
      this.set(slots.waiting);
    },
  });
  const promptTokens = new Counter({
    name: "vllm:prompt_tokens_total",
    help: "Prompt tokens read",
    registers,
  });
  const generationTokens = new Counter({
    name: "vllm:generation_tokens_total",
    help: "Tokens generated",
    registers,
  });
  const success = new Counter({
    name: "vllm:request_success_total",
    help: "Requests by how they ended",
    labelNames: ["finished_reason"],
    registers,
  });
  const ttft = new Histogram({
    name: "vllm:time_to_first_token_seconds",
    help: "Seconds to the first token",
    buckets: [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24],
    registers,
  });
  const interToken = new Histogram({
    name: "vllm:inter_token_latency_seconds",
    help: "Seconds between two tokens",
    buckets: [0.01, 0.025, 0.05, 0.075, 0.1, 0.2, 0.5, 1],
    registers,
  });
  const latency = new Histogram({
    name: "vllm:e2e_request_latency_seconds",
    help: "Seconds of the whole request",
    buckets: [0.1, 0.3, 0.5, 1, 2, 5, 10, 30, 60],
    registers,
  });
  return {
    registry,
    prompt: (tokens) => {
      promptTokens.inc(tokens);
    },
    firstToken: (seconds) => {
      ttft.observe(seconds);
    },
    token: (seconds) => {
      interToken.observe(seconds);
    },
    finished: (reason, tokens, seconds) => {
      generationTokens.inc(tokens);
      success.inc({ finished_reason: reason });
      latency.observe(seconds);
    },
  };
}
