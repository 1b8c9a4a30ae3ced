import type { Engine } from "./engine.ts";

/** Selectors of an engine's own gauges, without labels of the pod. */
export interface EngineGauges {
  /** Requests that wait. */
  readonly waiting: string;
  /** Requests that run. */
  readonly running: string;
  /** Extra label matchers, for example of one series of a family. */
  readonly waitingMatchers: readonly string[];
  readonly runningMatchers: readonly string[];
  /** Histogram of the time between two tokens, seconds; absent where an engine has none that is confirmed. */
  readonly tokenLatency?: string;
  /** Share of the key-value cache in use, 0 to 1; absent where an engine has none that is confirmed. */
  readonly cacheUsage?: string;
  /** Counters of the tokens looked up in and found in the prefix cache; absent where none is confirmed. */
  readonly prefixCache?: { readonly queries: string; readonly hits: string };
  /** Histogram of the time to the first token, seconds; absent where an engine has none that is confirmed. */
  readonly firstToken?: string;
  /** Version whose source the names were read from. */
  readonly asOfVersion: string;
  readonly source: string;
}

/** Names of the gauges of each engine, or undefined where it has none: then only the gateway's signal can scale it. */
export function engineGauges(engine: Engine): EngineGauges | undefined {
  const plain = { waitingMatchers: [], runningMatchers: [] };
  switch (engine.kind) {
    case "vllm":
      return {
        waiting: "vllm:num_requests_waiting",
        running: "vllm:num_requests_running",
        tokenLatency: "vllm:inter_token_latency_seconds",
        cacheUsage: "vllm:kv_cache_usage_perc",
        prefixCache: { queries: "vllm:prefix_cache_queries_total", hits: "vllm:prefix_cache_hits_total" },
        firstToken: "vllm:time_to_first_token_seconds",
        ...plain,
        asOfVersion: "0.30.0",
        source: "https://docs.vllm.ai/en/latest/usage/metrics.html",
      };
    case "sglang":
      return {
        waiting: "sglang:num_queue_reqs",
        running: "sglang:num_running_reqs",
        firstToken: "sglang:time_to_first_token_seconds",
        ...plain,
        asOfVersion: "0.5.20",
        source: "https://docs.sglang.ai/references/production_metrics.html",
      };
    case "triton":
      return engine.backend === "vllm"
        ? undefined
        : {
            waiting: "nv_trt_llm_request_metrics",
            running: "nv_trt_llm_request_metrics",
            waitingMatchers: ['request_type="waiting"'],
            runningMatchers: ['request_type="active"'],
            asOfVersion: "26.07",
            source: "https://github.com/triton-inference-server/tensorrtllm_backend",
          };
    case "tgi":
      return {
        waiting: "tgi_queue_size",
        running: "tgi_batch_current_size",
        ...plain,
        asOfVersion: "3.3",
        source: "https://huggingface.co/docs/text-generation-inference/reference/metrics",
      };
  }
}
