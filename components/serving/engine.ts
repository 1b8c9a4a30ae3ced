/** Inference engines; TGI is legacy: upstream has been in maintenance mode since 2025-12. */
export type EngineKind = "vllm" | "sglang" | "triton" | "tgi";

/** What every engine is told. */
export interface EngineSettings {
  /** Container image, pinned by digest. */
  readonly image: string;
  /** Longest context served, tokens. */
  readonly maxModelLen: number;
  /** Most sequences in one batch. */
  readonly maxNumSeqs: number;
}

/** What an engine with chunked prefill is told. */
export interface ChunkedEngineSettings extends EngineSettings {
  /** Most tokens in one step; bounds how long a prompt delays other streams. @default the engine's own */
  readonly maxNumBatchedTokens?: number | undefined;
}

/** An image that only holds files. */
export interface PinnedImage {
  /** Image without digest. */
  readonly image: string;
  readonly digest: string;
}

/** A fine-tuned adapter (LoRA) served beside its base model under a name of its own. */
export interface LoraAdapter extends PinnedImage {
  /** Name clients use. */
  readonly name: string;
  /** Rank it was trained with. */
  readonly rank: 8 | 16 | 32 | 64 | 128 | 256;
}

/** An engine and its settings. */
export type Engine =
  | ({
      readonly kind: "vllm";
      readonly adapters?: readonly LoraAdapter[] | undefined;
    } & ChunkedEngineSettings)
  | ({ readonly kind: "sglang" } & ChunkedEngineSettings)
  | ({
      readonly kind: "triton";
      readonly backend: "tensorrt-llm" | "vllm";
      readonly tokenizer: PinnedImage;
    } & EngineSettings)
  | ({ readonly kind: "tgi" } & EngineSettings);

/** Where the weights come from, pinned to immutable content. */
export type ModelSource =
  | { readonly kind: "s3" | "gs"; readonly uri: string; readonly digest: string }
  | { readonly kind: "oci"; readonly image: string; readonly digest: string }
  | {
      readonly kind: "hub";
      readonly repository: string;
      readonly revision: string;
      /** Secret of the tenant's namespace with the access token of a gated repository; somebody else fills it. */
      readonly token?: { readonly name: string; readonly key: string } | undefined;
    };

/** How an engine is asked whether it is well, and the seconds its answer may take. */
export type EngineProbe = (
  | { readonly path: string }
  /** A command in its container. */
  | { readonly command: readonly string[] }
) & { readonly timeoutSeconds: number };

/** What an engine is started with. */
export interface EngineLaunch {
  readonly name: string;
  readonly source: ModelSource;
  /** GPUs a layer is divided over, on one node. */
  readonly tensorParallel: number;
  /** Nodes the layers of one replica are divided over. */
  readonly nodes: number;
  /** Seconds running requests get after SIGTERM. */
  readonly drainSeconds: number;
  /** Folder of downloads and compiled kernels. */
  readonly cacheFolder: string;
  /** Host and port that take spans by OTLP over gRPC; the image must have OpenTelemetry's packages. @default no spans */
  readonly traces?: string;
}

/** How an engine's container runs. */
export interface EngineContainer {
  /** Absent: the image's own entry point. */
  readonly command?: readonly string[];
  readonly args: readonly string[];
  /** Arguments on the further nodes of a replica that needs several; they answer nobody. */
  readonly workerArgs: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Port of the API and of the metrics. */
  readonly port: number;
  readonly probes: {
    /** Asks for a first answer where it can, so that kernels are compiled before the first caller. */
    readonly started: EngineProbe;
    readonly ready: EngineProbe;
    /** Never generates: a busy engine must not be killed. */
    readonly live: EngineProbe;
  };
}

/** Folder of Triton's tokenizer: its frontend turns chats into prompts. */
export const TOKENIZER_MOUNT = "/tokenizer";

/** Folder of an OCI model volume. */
export const MODEL_MOUNT = "/model";

/** Where the cache of downloads and compiled kernels is mounted. */
export const CACHE_MOUNT = "/cache";

/** User and group of every engine. */
export const ENGINE_USER = 10_001;

/** Name of that user, which no image lists in /etc/passwd. */
const ENGINE_USER_NAME = "engine";

/** Share of GPU memory an engine may take. */
const GPU_MEMORY_UTILISATION = "0.90";

const ENGINE_PORTS: Readonly<Record<EngineKind, number>> = {
  vllm: 8000,
  sglang: 30_000,
  triton: 9000,
  tgi: 8080,
};

function modelReference(source: ModelSource): string {
  switch (source.kind) {
    case "hub":
      return source.repository;
    case "oci":
      return MODEL_MOUNT;
    case "s3":
    case "gs":
      return source.uri;
  }
}

function revision(source: ModelSource): string[] {
  return source.kind === "hub" ? [`--revision=${source.revision}`] : [];
}

/**
 * Environment of every engine. torch asks for the name of its user when it is loaded, and fails where neither a variable nor the image
 * knows it. A hub is only asked for the pinned revision at start; every other source needs no hub at all.
 * @see https://github.com/vllm-project/vllm/issues/44548
 * @see https://github.com/vllm-project/vllm/pull/46734
 */
function engineEnvironment({ source, cacheFolder }: EngineLaunch): Record<string, string> {
  return {
    HOME: cacheFolder,
    USER: ENGINE_USER_NAME,
    LOGNAME: ENGINE_USER_NAME,
    HF_HOME: `${cacheFolder}/huggingface`,
    ...(source.kind === "hub" ? {} : { HF_HUB_OFFLINE: "1" }),
  };
}

function chunk(flag: string, { maxNumBatchedTokens }: ChunkedEngineSettings): string[] {
  return maxNumBatchedTokens === undefined ? [] : [`${flag}=${maxNumBatchedTokens}`];
}

/** Adapters served beside a base model; only vLLM serves any. */
export function adaptersOf<Adapter>(engine: {
  readonly kind: Engine["kind"];
  readonly adapters?: readonly Adapter[] | undefined;
}): readonly Adapter[] {
  return engine.adapters ?? [];
}

/** Folder of an adapter's image volume. */
export function adapterMount(name: string): string {
  return `/adapters/${name}`;
}

function lora({ adapters = [] }: Extract<Engine, { kind: "vllm" }>): string[] {
  if (adapters.length === 0) return [];
  return [
    "--enable-lora",
    `--max-loras=${adapters.length}`,
    `--max-lora-rank=${Math.max(...adapters.map(({ rank }) => rank))}`,
    "--lora-modules",
    ...adapters.map(({ name }) => `${name}=${adapterMount(name)}`),
  ];
}

/** Seconds the first answer of a replica may take. */
const FIRST_ANSWER_SECONDS = 60;

/** Seconds an answer may take for which nothing is computed. */
const PLAIN_ANSWER_SECONDS = { ready: 2, live: 5 } as const;

/** Asks the engine's own API from inside the container; any answer but 200 fails. */
function warmUpCompletion(port: number, model: string): string[] {
  const body = JSON.stringify({ model, prompt: "Hello", max_tokens: 8 });
  return [
    "python3",
    "-c",
    `import urllib.request as r; r.urlopen(r.Request("http://127.0.0.1:${port}/v1/completions", data=b'${body}', headers={"content-type": "application/json"}), timeout=${FIRST_ANSWER_SECONDS - 10}).read()`,
  ];
}

/** Ports on which the nodes of a replica find each other. */
const GROUP_PORTS = { vllm: 29_500, sglang: 20_000 } as const;

/**
 * How the nodes of a replica find each other; the controller of LeaderWorkerSet sets the variables.
 * @see https://github.com/kubernetes-sigs/lws/blob/v0.8.0/pkg/utils/pod/pod_utils.go
 */
function group(kind: keyof typeof GROUP_PORTS, nodes: number): string[] {
  if (nodes === 1) return [];
  const common = [`--nnodes=${nodes}`, "--node-rank=$(LWS_WORKER_INDEX)"];
  switch (kind) {
    case "vllm":
      return [
        `--pipeline-parallel-size=${nodes}`,
        "--distributed-executor-backend=mp",
        "--master-addr=$(LWS_LEADER_ADDRESS)",
        `--master-port=${GROUP_PORTS.vllm}`,
        ...common,
      ];
    case "sglang":
      return [
        `--pp-size=${nodes}`,
        `--dist-init-addr=$(LWS_LEADER_ADDRESS):${GROUP_PORTS.sglang}`,
        ...common,
      ];
  }
}

/** Engines that can send spans of their requests. */
export const TRACING_ENGINES: ReadonlySet<EngineKind> = new Set<EngineKind>(["vllm", "sglang"]);

/**
 * Flags by which an engine sends spans, under the trace its caller began.
 * @see https://docs.vllm.ai/en/latest/examples/online_serving/opentelemetry/
 * @see https://docs.sglang.io/docs/references/production_request_trace
 */
function spans(kind: "vllm" | "sglang", { traces }: EngineLaunch): string[] {
  if (traces === undefined) return [];
  return kind === "vllm"
    ? [`--otlp-traces-endpoint=http://${traces}`]
    : ["--enable-trace", `--otlp-traces-endpoint=${traces}`];
}

/** Name of the model in its spans. @see https://opentelemetry.io/docs/languages/sdk-configuration/general/ */
function spanEnvironment({ traces, name }: EngineLaunch): Record<string, string> {
  return traces === undefined ? {} : { OTEL_SERVICE_NAME: name };
}

/** Engines one replica of which may span nodes. */
export const MULTI_NODE_ENGINES: ReadonlySet<EngineKind> = new Set<EngineKind>(["vllm", "sglang"]);

function vllm(engine: Extract<Engine, { kind: "vllm" }>, launch: EngineLaunch): EngineContainer {
  const { source } = launch;
  const args = [
    modelReference(source),
    ...revision(source),
    ...(source.kind === "s3" || source.kind === "gs" ? ["--load-format=runai_streamer"] : []),
    `--served-model-name=${launch.name}`,
    `--tensor-parallel-size=${launch.tensorParallel}`,
    `--max-model-len=${engine.maxModelLen}`,
    `--max-num-seqs=${engine.maxNumSeqs}`,
    ...chunk("--max-num-batched-tokens", engine),
    `--gpu-memory-utilization=${GPU_MEMORY_UTILISATION}`,
    // Without it SIGTERM aborts running requests (vLLM >= 0.18).
    `--shutdown-timeout=${launch.drainSeconds}`,
    "--disable-access-log-for-endpoints=/health,/metrics,/ping",
    `--port=${ENGINE_PORTS.vllm}`,
    ...spans("vllm", launch),
    ...group("vllm", launch.nodes),
    ...lora(engine),
  ];
  return {
    args,
    workerArgs: [...args, "--headless"],
    env: {
      ...engineEnvironment(launch),
      VLLM_CACHE_ROOT: `${launch.cacheFolder}/vllm`,
      VLLM_NO_USAGE_STATS: "1",
      ...spanEnvironment(launch),
    },
    port: ENGINE_PORTS.vllm,
    // /health asks whether the engine's process runs, and generates nothing.
    probes: {
      started: {
        command: warmUpCompletion(ENGINE_PORTS.vllm, launch.name),
        timeoutSeconds: FIRST_ANSWER_SECONDS,
      },
      ready: { path: "/health", timeoutSeconds: PLAIN_ANSWER_SECONDS.ready },
      live: { path: "/health", timeoutSeconds: PLAIN_ANSWER_SECONDS.live },
    },
  };
}

/**
 * Seconds SGLang takes at most to find out that it generates; at least one, even when it is well. `/health` is the same handler.
 * @see https://github.com/sgl-project/sglang/blob/0025436eab0556737d615b36a4dd3e1e26e82f3d/python/sglang/srt/entrypoints/http_server.py
 */
const SGLANG_HEALTH_SECONDS = 20;

/** SGLang's own watchdog ends a process whose engine hangs; its list of models needs no engine. */
const SGLANG_PROBES: EngineContainer["probes"] = {
  started: { path: "/health_generate", timeoutSeconds: SGLANG_HEALTH_SECONDS + 5 },
  ready: { path: "/health_generate", timeoutSeconds: SGLANG_HEALTH_SECONDS + 5 },
  live: { path: "/v1/models", timeoutSeconds: PLAIN_ANSWER_SECONDS.live },
};

function sglang(engine: ChunkedEngineSettings, launch: EngineLaunch): EngineContainer {
  const args = [
    `--model-path=${modelReference(launch.source)}`,
    ...revision(launch.source),
    `--served-model-name=${launch.name}`,
    `--tp-size=${launch.tensorParallel}`,
    `--context-length=${engine.maxModelLen}`,
    `--max-running-requests=${engine.maxNumSeqs}`,
    ...chunk("--chunked-prefill-size", engine),
    "--enable-metrics",
    "--host=0.0.0.0",
    `--port=${ENGINE_PORTS.sglang}`,
    ...spans("sglang", launch),
    ...group("sglang", launch.nodes),
  ];
  return {
    command: ["python3", "-m", "sglang.launch_server"],
    args,
    workerArgs: args,
    env: { ...engineEnvironment(launch), ...spanEnvironment(launch) },
    port: ENGINE_PORTS.sglang,
    probes: SGLANG_PROBES,
  };
}

/**
 * The frontend has no other health route. It asks for the server's state, generates nothing, and fails until every model is loaded.
 * @see https://github.com/triton-inference-server/server/blob/main/python/openai/openai_frontend/frontend/fastapi/routers/observability.py
 */
const TRITON_PROBES: EngineContainer["probes"] = {
  started: { path: "/health/ready", timeoutSeconds: PLAIN_ANSWER_SECONDS.live },
  ready: { path: "/health/ready", timeoutSeconds: PLAIN_ANSWER_SECONDS.ready },
  live: { path: "/health/ready", timeoutSeconds: PLAIN_ANSWER_SECONDS.live },
};

/**
 * Triton behind its OpenAI frontend, which speaks what the gateway speaks; the repository holds a model of the served name.
 * On SIGTERM its web server finishes open connections; it has no limit of its own, the kubelet's grace period is one.
 * @see https://github.com/triton-inference-server/server/tree/main/python/openai
 */
function triton(engine: Extract<Engine, { kind: "triton" }>, launch: EngineLaunch): EngineContainer {
  return {
    command: ["python3", "/opt/tritonserver/python/openai/openai_frontend/main.py"],
    args: [
      `--model-repository=${modelReference(launch.source)}`,
      `--tokenizer=${TOKENIZER_MOUNT}`,
      `--backend=${engine.backend === "vllm" ? "vllm" : "tensorrtllm"}`,
      "--host=0.0.0.0",
      `--openai-port=${ENGINE_PORTS.triton}`,
    ],
    workerArgs: [],
    env: engineEnvironment(launch),
    port: ENGINE_PORTS.triton,
    probes: TRITON_PROBES,
  };
}

/** Seconds TGI's `/health` may take for a token. */
const TGI_TOKEN_SECONDS = 20;

/**
 * TGI's `/health` computes a token at the start and after each failure, else it asks the shards; its list of models needs neither, and its
 * launcher ends with a shard.
 * @see https://github.com/huggingface/text-generation-inference/blob/1d0847a90e6bee759ab0af1cc854e78b09892d93/backends/v3/src/backend.rs
 */
const TGI_PROBES: EngineContainer["probes"] = {
  started: { path: "/health", timeoutSeconds: TGI_TOKEN_SECONDS },
  ready: { path: "/health", timeoutSeconds: TGI_TOKEN_SECONDS },
  live: { path: "/v1/models", timeoutSeconds: PLAIN_ANSWER_SECONDS.live },
};

function tgi(engine: EngineSettings, launch: EngineLaunch): EngineContainer {
  return {
    args: [
      `--model-id=${modelReference(launch.source)}`,
      ...revision(launch.source),
      `--num-shard=${launch.tensorParallel}`,
      `--max-total-tokens=${engine.maxModelLen}`,
      `--max-concurrent-requests=${engine.maxNumSeqs}`,
      `--graceful-termination-timeout=${launch.drainSeconds}`,
      `--port=${ENGINE_PORTS.tgi}`,
    ],
    workerArgs: [],
    env: engineEnvironment(launch),
    port: ENGINE_PORTS.tgi,
    probes: TGI_PROBES,
  };
}

/** Port of an engine's API; the gateway may reach this one only. */
export function enginePort({ kind }: Engine): number {
  return ENGINE_PORTS[kind];
}

/** Address of a model for whoever may call its engines: the full name, because a name server asked directly completes none. */
export function modelUrl(at: {
  readonly model: string;
  readonly namespace: string;
  readonly port: number;
}): string {
  return `http://${at.model}.${at.namespace}.svc.cluster.local:${at.port}`;
}

/**
 * Command line, environment, ports and probes of an engine.
 * @see https://docs.vllm.ai/en/latest/cli/serve/ and the engines' own references
 */
export function engineContainer(engine: Engine, launch: EngineLaunch): EngineContainer {
  switch (engine.kind) {
    case "vllm":
      return vllm(engine, launch);
    case "sglang":
      return sglang(engine, launch);
    case "triton":
      return triton(engine, launch);
    case "tgi":
      return tgi(engine, launch);
  }
}
