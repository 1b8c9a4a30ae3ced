import { describe, expect, it } from "vitest";
import { ofType, type ResourceGraph } from "../../graph/graph.ts";
import { valueAt } from "../../graph/values.ts";
import { capture } from "../../plan/capture.ts";
import type { ServedGate } from "../delivery/gate.ts";
import { hash, servedGate } from "../delivery/testing/gate.ts";
import { engineContainer, type Engine, type ModelSource } from "./engine.ts";
import { engineGauges } from "./engine-metrics.ts";
import { ModelService, validateModelServiceArgs } from "./model-service.ts";
import type { ModelServiceArgs } from "./model-service-args.ts";
import { replicaResources } from "./resources.ts";

const image = `engine@sha256:${"a".repeat(64)}`;
const tokenizer = { image: "registry.example/tokenizer", digest: `sha256:${"d".repeat(64)}` };
const settings = { image, maxModelLen: 8192, maxNumSeqs: 64 };
const hub: ModelSource = { kind: "hub", repository: "mistralai/Mistral-7B", revision: "c".repeat(40) };
const s3: ModelSource = { kind: "s3", uri: "s3://models/mistral", digest: `sha256:${"b".repeat(64)}` };
const oci: ModelSource = {
  kind: "oci",
  image: "registry.example/mistral",
  digest: `sha256:${"d".repeat(64)}`,
};
const vllm: Engine = { kind: "vllm", ...settings };
const ENGINES: readonly Pick<ModelServiceArgs, "engine" | "source">[] = [
  { engine: vllm, source: hub },
  { engine: { kind: "sglang", ...settings }, source: hub },
  { engine: { kind: "triton", backend: "vllm", tokenizer, ...settings }, source: s3 },
  { engine: { kind: "tgi", ...settings }, source: hub },
];
const args: ModelServiceArgs = {
  model: "mistral",
  namespace: "claims",
  engine: vllm,
  source: hub,
  tensorParallel: 1,
  nodes: 1,
  maxReplicas: 4,
  weightsGiB: 13.5,
  nodeSelector: { "llmops.io/gpu-pool": "l4" },
  termination: { preStopSeconds: 15, drainSeconds: 90, gracePeriodSeconds: 120 },
  gates: [],
  labels: { "llmops.io/client": "acme" },
};

function graphOf(changes: Partial<ModelServiceArgs> = {}): Promise<ResourceGraph> {
  return capture({ stack: "test", program: () => new ModelService("m", { ...args, ...changes }, {}) });
}

interface Probe {
  readonly timeoutSeconds: number;
  readonly httpGet?: { readonly path: string };
  readonly exec?: { readonly command: readonly string[] };
}

interface PodSpec {
  readonly containers: readonly Record<string, unknown>[];
  readonly volumes: readonly object[];
  readonly [key: string]: unknown;
}

function podOf(graph: ResourceGraph): PodSpec {
  const [deployment] = ofType(graph, "kubernetes:apps/v1:Deployment");
  const spec = deployment?.inputs["spec"] as { template: { spec: unknown } };
  return spec.template.spec as PodSpec;
}

describe("engineContainer", () => {
  it.each([
    [
      vllm,
      hub,
      [
        "mistralai/Mistral-7B",
        `--revision=${"c".repeat(40)}`,
        "--served-model-name=mistral",
        "--tensor-parallel-size=2",
        "--max-model-len=8192",
        "--max-num-seqs=64",
        "--gpu-memory-utilization=0.90",
        "--shutdown-timeout=90",
        "--disable-access-log-for-endpoints=/health,/metrics,/ping",
        "--port=8000",
      ],
    ],
    [
      { kind: "sglang", ...settings },
      oci,
      [
        "--model-path=/model",
        "--served-model-name=mistral",
        "--tp-size=2",
        "--context-length=8192",
        "--max-running-requests=64",
        "--enable-metrics",
        "--host=0.0.0.0",
        "--port=30000",
      ],
    ],
    [
      { kind: "triton", backend: "tensorrt-llm", tokenizer, ...settings },
      s3,
      [
        "--model-repository=s3://models/mistral",
        "--tokenizer=/tokenizer",
        "--backend=tensorrtllm",
        "--host=0.0.0.0",
        "--openai-port=9000",
      ],
    ],
    [
      { kind: "tgi", ...settings },
      hub,
      [
        "--model-id=mistralai/Mistral-7B",
        `--revision=${"c".repeat(40)}`,
        "--num-shard=2",
        "--max-total-tokens=8192",
        "--max-concurrent-requests=64",
        "--graceful-termination-timeout=90",
        "--port=8080",
      ],
    ],
  ] satisfies [Engine, ModelSource, string[]][])("starts $kind", (engine, source, expected) => {
    const launch = {
      name: "mistral",
      source,
      tensorParallel: 2,
      nodes: 1,
      drainSeconds: 90,
      cacheFolder: "/cache",
    };
    expect(engineContainer(engine, launch).args).toEqual(expected);
  });

  it.each([
    [
      { kind: "vllm", ...settings },
      ["--otlp-traces-endpoint=http://collector.telemetry.svc:4317"],
      "mistral",
    ],
    [
      { kind: "sglang", ...settings },
      ["--enable-trace", "--otlp-traces-endpoint=collector.telemetry.svc:4317"],
      "mistral",
    ],
    [{ kind: "tgi", ...settings }, [], undefined],
  ] satisfies [Engine, string[], string | undefined][])(
    "lets $kind send spans where it can, and nothing else",
    (engine, flags, service) => {
      const launch = {
        name: "mistral",
        source: hub,
        tensorParallel: 2,
        nodes: 1,
        drainSeconds: 90,
        cacheFolder: "/cache",
      };
      const plain = engineContainer(engine, launch);
      const traced = engineContainer(engine, { ...launch, traces: "collector.telemetry.svc:4317" });
      expect(traced.args.filter((flag) => !plain.args.includes(flag))).toEqual(flags);
      expect(plain.args.filter((flag) => !traced.args.includes(flag))).toEqual([]);
      expect(traced.env["OTEL_SERVICE_NAME"]).toBe(service);
      expect(plain.env["OTEL_SERVICE_NAME"]).toBeUndefined();
    },
  );

  it("streams weights from a bucket and asks no hub", () => {
    const launch = {
      name: "mistral",
      source: s3,
      tensorParallel: 1,
      nodes: 1,
      drainSeconds: 90,
      cacheFolder: "/cache",
    };
    const { args: flags, env } = engineContainer(vllm, launch);
    expect(flags).toContain("--load-format=runai_streamer");
    expect(env["HF_HUB_OFFLINE"]).toBe("1");
  });

  it("serves adapters beside the base model, with room for the largest rank", async () => {
    const digest = `sha256:${"e".repeat(64)}`;
    const adapters = [
      { name: "claims", image: "registry.example/claims", digest, rank: 16 },
      { name: "motor", image: "registry.example/motor", digest, rank: 64 },
    ] as const;
    const engine: Engine = { ...settings, kind: "vllm", adapters, maxNumBatchedTokens: 1024 };
    const launch = {
      name: "mistral",
      source: hub,
      tensorParallel: 1,
      nodes: 1,
      drainSeconds: 90,
      cacheFolder: "/cache",
    };
    const { args: flags } = engineContainer(engine, launch);
    expect(flags).toContain("--max-num-batched-tokens=1024");
    expect(flags.slice(-6)).toEqual([
      "--enable-lora",
      "--max-loras=2",
      "--max-lora-rank=64",
      "--lora-modules",
      "claims=/adapters/claims",
      "motor=/adapters/motor",
    ]);
    expect(podOf(await graphOf({ engine })).volumes).toEqual(
      expect.arrayContaining([
        { name: "adapter-claims", image: { reference: `registry.example/claims@${digest}` } },
        { name: "adapter-motor", image: { reference: `registry.example/motor@${digest}` } },
      ]),
    );
  });

  it("knows which engine has no gauges of its own", () => {
    const engines: Engine[] = [
      vllm,
      { kind: "sglang", ...settings },
      { kind: "tgi", ...settings },
      { kind: "triton", backend: "tensorrt-llm", tokenizer, ...settings },
      { kind: "triton", backend: "vllm", tokenizer, ...settings },
    ];
    expect(engines.map((engine) => engineGauges(engine)?.waiting)).toEqual([
      "vllm:num_requests_waiting",
      "sglang:num_queue_reqs",
      "tgi_queue_size",
      "nv_trt_llm_request_metrics",
      undefined,
    ]);
  });
});

describe("ModelService", () => {
  it("consists of exactly these objects", async () => {
    const { nodes } = await graphOf();
    expect(nodes.filter(({ custom }) => custom).map(({ type }) => type)).toEqual([
      "kubernetes:apps/v1:Deployment",
      "kubernetes:core/v1:Service",
      "kubernetes:core/v1:ServiceAccount",
      "kubernetes:monitoring.coreos.com/v1:PodMonitor",
      "kubernetes:networking.k8s.io/v1:NetworkPolicy",
      "kubernetes:policy/v1:PodDisruptionBudget",
    ]);
  });

  it("gives Triton its tokenizer from a pinned image", async () => {
    const { nodes } = await graphOf({
      engine: { kind: "triton", backend: "vllm", tokenizer, ...settings },
      source: s3,
    });
    const pod = nodes.find(({ type }) => type === "kubernetes:apps/v1:Deployment")?.inputs["spec"];
    expect(pod).toMatchObject({
      template: {
        spec: {
          containers: [
            {
              volumeMounts: [
                { mountPath: "/dev/shm" },
                { mountPath: "/cache" },
                { name: "tokenizer", mountPath: "/tokenizer", readOnly: true },
              ],
            },
          ],
          volumes: [
            { name: "shm" },
            { name: "cache" },
            { name: "tokenizer", image: { reference: `${tokenizer.image}@${tokenizer.digest}` } },
          ],
        },
      },
    });
  });

  it("divides the layers of a replica over a group of pods, of which one answers", async () => {
    const { nodes } = await graphOf({ nodes: 2, tensorParallel: 8, weightsGiB: 140 });
    const inputs = (type: string): unknown => nodes.find((node) => node.type === type)?.inputs;
    expect(nodes.filter(({ type }) => type === "kubernetes:apps/v1:Deployment")).toEqual([]);
    const group = inputs("kubernetes:leaderworkerset.x-k8s.io/v1:LeaderWorkerSet");
    const container = (rest: object): object => ({
      spec: { containers: [{ resources: { limits: { "nvidia.com/gpu": "8", memory: "84Gi" } }, ...rest }] },
    });
    const joined = [
      "--pipeline-parallel-size=2",
      "--distributed-executor-backend=mp",
      "--master-addr=$(LWS_LEADER_ADDRESS)",
      "--master-port=29500",
      "--nnodes=2",
      "--node-rank=$(LWS_WORKER_INDEX)",
    ];
    expect(group).toMatchObject({
      metadata: { name: "mistral", namespace: "claims" },
      spec: {
        startupPolicy: "LeaderCreated",
        rolloutStrategy: { rollingUpdateConfiguration: { maxSurge: 0, maxUnavailable: 1 } },
        leaderWorkerTemplate: {
          size: 2,
          restartPolicy: "RecreateGroupOnPodRestart",
          leaderTemplate: container({
            args: expect.arrayContaining(joined) as string[],
            readinessProbe: { httpGet: { path: "/health", port: "http" } },
          }),
          workerTemplate: container({ args: expect.arrayContaining([...joined, "--headless"]) as string[] }),
        },
      },
    });
    expect(JSON.stringify(group).match(/readinessProbe/g)).toHaveLength(1);
    expect(JSON.stringify(group).match(/--headless/g)).toHaveLength(1);
    // The autoscaler owns the number of groups.
    expect(group).not.toHaveProperty("spec.replicas");
    const leader = { "llmops.io/model": "mistral", "leaderworkerset.sigs.k8s.io/worker-index": "0" };
    expect(inputs("kubernetes:core/v1:Service")).toMatchObject({ spec: { selector: leader } });
    expect(inputs("kubernetes:monitoring.coreos.com/v1:PodMonitor")).toMatchObject({
      spec: { selector: { matchLabels: leader } },
    });
    const peers = [{ podSelector: { matchLabels: { "llmops.io/model": "mistral" } } }];
    expect(inputs("kubernetes:networking.k8s.io/v1:NetworkPolicy")).toMatchObject({
      spec: { ingress: [{}, {}, { from: peers }], egress: [{}, { to: peers }] },
    });
  });

  it("lets the nodes of SGLang find each other", () => {
    const launch = {
      name: "mistral",
      source: hub,
      tensorParallel: 8,
      nodes: 2,
      drainSeconds: 90,
      cacheFolder: "/cache",
    };
    const { args: leader, workerArgs } = engineContainer({ kind: "sglang", ...settings }, launch);
    expect(leader).toEqual(
      expect.arrayContaining([
        "--pp-size=2",
        "--dist-init-addr=$(LWS_LEADER_ADDRESS):20000",
        "--nnodes=2",
        "--node-rank=$(LWS_WORKER_INDEX)",
      ]),
    );
    expect(workerArgs).toEqual(leader);
  });

  it("leaves the number of replicas to the autoscaler and drains before it ends", async () => {
    const graph = await graphOf();
    const [deployment] = ofType(graph, "kubernetes:apps/v1:Deployment");
    expect(deployment?.inputs["spec"]).not.toHaveProperty("replicas");
    const pod = podOf(graph);
    expect(pod["terminationGracePeriodSeconds"]).toBe(120);
    expect(pod.containers[0]).toMatchObject({
      lifecycle: { preStop: { sleep: { seconds: 15 } } },
      startupProbe: { timeoutSeconds: 60, periodSeconds: 10, failureThreshold: 180 },
    });
  });

  it("names its user, whom no image knows and torch asks for", async () => {
    for (const engine of ENGINES)
      expect(podOf(await graphOf(engine)).containers[0]?.["env"]).toEqual(
        expect.arrayContaining([
          { name: "HOME", value: "/cache" },
          { name: "USER", value: "engine" },
          { name: "LOGNAME", value: "engine" },
        ]),
      );
  });

  it("reads the token of a gated repository from a Secret, and nothing where there is none", async () => {
    const token = { name: "hugging-face", key: "token" };
    const env = async (source: ModelSource): Promise<unknown> =>
      podOf(await graphOf({ source })).containers[0]?.["env"];
    expect(await env({ ...hub, token })).toContainEqual({
      name: "HF_TOKEN",
      valueFrom: { secretKeyRef: token },
    });
    for (const source of [hub, s3, oci]) expect(JSON.stringify(await env(source))).not.toContain("HF_TOKEN");
  });

  it("reaches the agent that hands out its identity where it has one", async () => {
    const graph = await graphOf({ source: s3, identity: [{ cidr: "169.254.170.23/32", port: 80 }] });
    const [policy] = ofType(graph, "kubernetes:networking.k8s.io/v1:NetworkPolicy");
    expect(valueAt(policy?.inputs ?? {}, "spec.egress.1")).toEqual({
      to: [{ ipBlock: { cidr: "169.254.170.23/32" } }],
      ports: [{ protocol: "TCP", port: 80 }],
    });
  });

  it.each([
    ["vllm", [60, 2, 5], ["python3", "/health", "/health"]],
    ["sglang", [25, 25, 5], ["/health_generate", "/health_generate", "/v1/models"]],
    ["triton", [5, 2, 5], ["/health/ready", "/health/ready", "/health/ready"]],
    ["tgi", [20, 20, 5], ["/health", "/health", "/v1/models"]],
  ] as const)(
    "asks %s with time for the answer, and for its life without generating",
    async (kind, seconds, asked) => {
      const engine = ENGINES.find((each) => each.engine.kind === kind);
      const container = podOf(await graphOf(engine)).containers[0] ?? {};
      const probes = ["startupProbe", "readinessProbe", "livenessProbe"].map(
        (key) => container[key] as Probe,
      );
      expect(probes.map(({ timeoutSeconds }) => timeoutSeconds)).toEqual(seconds);
      expect(probes.map(({ httpGet, exec }) => httpGet?.path ?? exec?.command[0])).toEqual(asked);
    },
  );

  it("is waited for as long as its replicas may take, cold and in turns", async () => {
    const waits = async (changes: Partial<ModelServiceArgs>): Promise<unknown[]> => {
      const found: unknown[] = [];
      await capture({
        stack: "test",
        program: () =>
          new ModelService(
            "m",
            { ...args, ...changes },
            {
              transformations: [
                ({ type, opts }) => {
                  if (type === "kubernetes:apps/v1:Deployment") found.push(opts.customTimeouts);
                  return undefined;
                },
              ],
            },
          ),
      });
      return found;
    };
    expect(await waits({})).toEqual([{ create: "2700s", update: "9900s" }]);
    const delivery = { strategy: "rolling", surge: { kind: "spare-gpus", replicas: 2 } } as const;
    expect(await waits({ delivery })).toEqual([{ create: "2700s", update: "5100s" }]);
  });

  it("is ready only after an answer, so that no caller waits for kernels", async () => {
    const startup = async (engine: Engine): Promise<object> =>
      podOf(await graphOf({ engine })).containers[0]?.["startupProbe"] as object;
    expect(await startup(vllm)).toMatchObject({
      exec: { command: ["python3", "-c", expect.stringContaining("http://127.0.0.1:8000/v1/completions")] },
    });
    expect(await startup({ kind: "sglang", ...settings })).toMatchObject({
      httpGet: { path: "/health_generate" },
    });
  });

  it.each<[ModelServiceArgs["delivery"], object]>([
    [undefined, { maxSurge: 0, maxUnavailable: 1 }],
    [
      { strategy: "rolling", surge: { kind: "spare-gpus", replicas: 2 } },
      { maxSurge: 2, maxUnavailable: 0 },
    ],
  ])("replaces pods by %j", async (delivery, rollingUpdate) => {
    const graph = await graphOf(delivery === undefined ? {} : { delivery });
    const [deployment] = ofType(graph, "kubernetes:apps/v1:Deployment");
    expect(deployment?.inputs["spec"]).toMatchObject({ strategy: { rollingUpdate } });
  });

  it("runs no pods itself where a Rollout delivers, which also sets the colour of the Service", async () => {
    const surge = { kind: "spare-gpus", replicas: 2 } as const;
    const graph = await graphOf({ delivery: { strategy: "blue-green", surge, soakMinutes: 30 } });
    const [deployment] = ofType(graph, "kubernetes:apps/v1:Deployment");
    const [service] = ofType(graph, "kubernetes:core/v1:Service");
    expect(deployment?.inputs["spec"]).toMatchObject({ replicas: 0 });
    expect(service?.options.ignoreChanges).toEqual(["spec.selector"]);
  });

  it("runs without root, privileges or a service account token", async () => {
    const pod = podOf(await graphOf());
    expect(pod).toMatchObject({
      automountServiceAccountToken: false,
      securityContext: { runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } },
    });
    expect(pod.containers[0]?.["securityContext"]).toEqual({
      allowPrivilegeEscalation: false,
      capabilities: { drop: ["ALL"] },
    });
  });

  it("lets in the gateway and Prometheus only, and out to the internet only where weights are fetched", async () => {
    const policyOf = (graph: ResourceGraph): Record<string, unknown> =>
      ofType(graph, "kubernetes:networking.k8s.io/v1:NetworkPolicy")[0]?.inputs["spec"] as Record<
        string,
        unknown
      >;
    const spec = policyOf(await graphOf());
    expect(spec["ingress"]).toEqual([
      {
        from: [{ namespaceSelector: { matchLabels: { "llmops.io/component": "gateway" } } }],
        ports: [{ protocol: "TCP", port: 8000 }],
      },
      {
        from: [{ namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "monitoring" } } }],
        ports: [{ protocol: "TCP", port: 8000 }],
      },
    ]);
    expect(spec["egress"]).toHaveLength(1);
    const closed = policyOf(await graphOf({ source: oci }));
    expect([closed["policyTypes"], closed["egress"]]).toEqual([["Ingress", "Egress"], undefined]);
  });

  it("mounts an OCI model by digest", async () => {
    expect(podOf(await graphOf({ source: oci })).volumes).toContainEqual({
      name: "model",
      image: { reference: `registry.example/mistral@sha256:${"d".repeat(64)}` },
    });
  });

  it("copies kernels of a pinned image before the engine starts, without root or a writable root file system", async () => {
    const digest = `sha256:${"f".repeat(64)}`;
    const pod = podOf(await graphOf({ cache: { kind: "image", image: "registry.example/kernels", digest } }));
    expect(pod["initContainers"]).toEqual([
      {
        name: "cache",
        image,
        command: ["cp", "--recursive", "/prebuilt/.", "/cache"],
        resources: { requests: { cpu: "1", memory: "1Gi" }, limits: { memory: "1Gi" } },
        securityContext: {
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ["ALL"] },
        },
        volumeMounts: [
          { name: "prebuilt-cache", mountPath: "/prebuilt", readOnly: true },
          { name: "cache", mountPath: "/cache" },
        ],
      },
    ]);
    expect(pod.volumes).toEqual([
      { name: "shm", emptyDir: { medium: "Memory", sizeLimit: "2Gi" } },
      { name: "cache", emptyDir: {} },
      { name: "prebuilt-cache", image: { reference: `registry.example/kernels@${digest}` } },
    ]);
  });

  it("shares one file system between replicas, in a folder of its own for each image, weights and division", async () => {
    const cache = { kind: "shared", storageClass: "standard-rwx", sizeGiB: 1024 } as const;
    const folderOf = async (changes: Partial<ModelServiceArgs>): Promise<string | undefined> => {
      const [engine] = podOf(await graphOf({ cache, ...changes })).containers;
      const env = engine?.["env"] as readonly { readonly name: string; readonly value: string }[];
      expect(Object.fromEntries(env.map(({ name, value }) => [name, value]))).toMatchObject({
        HF_HOME: expect.stringMatching(/^\/cache\/[0-9a-f]{16}\/huggingface$/) as string,
        VLLM_CACHE_ROOT: expect.stringMatching(/^\/cache\/[0-9a-f]{16}\/vllm$/) as string,
      });
      return env.find(({ name }) => name === "HOME")?.value;
    };
    const graph = await graphOf({ cache });
    const [claim] = ofType(graph, "kubernetes:core/v1:PersistentVolumeClaim");
    expect(claim?.inputs).toMatchObject({
      metadata: { name: "mistral-cache", namespace: "claims" },
      spec: {
        accessModes: ["ReadWriteMany"],
        storageClassName: "standard-rwx",
        resources: { requests: { storage: "1024Gi" } },
      },
    });
    const pod = podOf(graph);
    expect(pod.volumes).toContainEqual({
      name: "cache",
      persistentVolumeClaim: { claimName: "mistral-cache" },
    });
    expect(pod["securityContext"]).toMatchObject({ fsGroup: 10_001, fsGroupChangePolicy: "OnRootMismatch" });
    const folders = [
      await folderOf({}),
      await folderOf({ tensorParallel: 2 }),
      await folderOf({ engine: { ...vllm, image: `engine@sha256:${"0".repeat(64)}` } }),
      await folderOf({ source: oci }),
      await folderOf({ nodeSelector: { "llmops.io/gpu-pool": "h100" } }),
    ];
    expect(new Set(folders).size).toBe(5);
    expect(await folderOf({})).toBe(folders[0]);
    expect(await folderOf({ source: { ...hub, token: { name: "hugging-face", key: "token" } } })).toBe(
      folders[0],
    );
  });

  const gateOf = (model: string, weights: string, report: string): ServedGate =>
    servedGate(model, { model: weights, prompt: "none", guardrails: hash("2") }, report);

  it("starts no pod before a signed evaluation of its weights, and of each adapter with them", async () => {
    const gates = [gateOf("mistral", hash("1"), hash("4")), gateOf("claims-tone", hash("6"), hash("7"))];
    const graph = await graphOf({ gates });
    const { initContainers, volumes } = podOf(graph);
    const asks = (weights: string): string[] => [
      "gate",
      "--file=/evaluation/report.json",
      "--report=any",
      `--model=${weights}`,
      "--prompt=any",
      "--guardrails=any",
      "--data-sets=any",
      "--environment=prod",
      "--min-samples=200",
      "--max-age-days=any",
    ];
    expect(initContainers).toMatchObject([
      { name: "gate-mistral", args: asks(hash("1")), securityContext: { readOnlyRootFilesystem: true } },
      { name: "gate-claims-tone", args: asks(hash("6")) },
    ]);
    const maps = ofType(graph, "kubernetes:core/v1:ConfigMap").map(({ inputs }): unknown =>
      valueAt(inputs, "metadata.name"),
    );
    expect(maps).toHaveLength(2);
    for (const name of maps) expect(volumes).toContainEqual(expect.objectContaining({ configMap: { name } }));
    const [deployment] = ofType(graph, "kubernetes:apps/v1:Deployment");
    const annotations: unknown = valueAt(deployment?.inputs ?? {}, "metadata.annotations");
    expect(annotations).toMatchObject({
      "mistral.evaluation.llmops.io/model": hash("1"),
      "claims-tone.evaluation.llmops.io/model": hash("6"),
      "claims-tone.evaluation.llmops.io/date": "2026-11-17",
    });
  });

  it("starts no pod again for a newer report about the same weights, and another one for other weights", async () => {
    const first = podOf(await graphOf({ gates: [gateOf("mistral", hash("1"), hash("4"))] }));
    const newer = podOf(await graphOf({ gates: [gateOf("mistral", hash("1"), hash("8"))] }));
    expect(newer).toEqual(first);
    const other = podOf(await graphOf({ gates: [gateOf("mistral", hash("9"), hash("4"))] }));
    expect(other.volumes).not.toEqual(first.volumes);
    expect(other["initContainers"]).not.toEqual(first["initContainers"]);
  });

  it("waits for a report that is not there, and asks in the pod that answers only", async () => {
    const { report, ...unsigned } = gateOf("mistral", hash("1"), hash("4"));
    expect(report).toBeDefined();
    const graph = await graphOf({ gates: [unsigned], nodes: 2, source: oci });
    expect(ofType(graph, "kubernetes:core/v1:ConfigMap")).toEqual([]);
    const [group] = ofType(graph, "kubernetes:leaderworkerset.x-k8s.io/v1:LeaderWorkerSet");
    const template = (role: string): unknown =>
      valueAt(group?.inputs ?? {}, `spec.leaderWorkerTemplate.${role}.spec.initContainers`);
    expect(template("leaderTemplate")).toMatchObject([{ name: "gate-mistral" }]);
    expect(template("workerTemplate")).toBeUndefined();
  });

  it("claims nothing and mounts nothing of the node's where no cache is asked for", async () => {
    const graph = await graphOf();
    expect(ofType(graph, "kubernetes:core/v1:PersistentVolumeClaim")).toEqual([]);
    expect(podOf(graph)["initContainers"]).toBeUndefined();
    for (const cache of [
      { kind: "none" },
      { kind: "image", image: "registry.example/kernels", digest: `sha256:${"f".repeat(64)}` },
      { kind: "shared", storageClass: "efs", sizeGiB: 100 },
    ] as const)
      expect(JSON.stringify(podOf(await graphOf({ cache })))).not.toContain("hostPath");
  });

  it.each([
    [
      { tensorParallel: 1, nodes: 1, weightsGiB: 5 },
      { cpus: 6, memoryGiB: 16 },
    ],
    [
      { tensorParallel: 4, nodes: 1, weightsGiB: 61 },
      { cpus: 12, memoryGiB: 74 },
    ],
    [
      { tensorParallel: 1, nodes: 1, weightsGiB: 15, share: { cpus: 3, memoryGiB: 25 } },
      { cpus: 3, memoryGiB: 18 },
    ],
  ])("gives a replica of %j its cores and memory", (changes, expected) => {
    expect(replicaResources(changes)).toEqual(expected);
  });

  it.each([
    [
      { termination: { preStopSeconds: 15, drainSeconds: 90, gracePeriodSeconds: 105 } },
      "termination.gracePeriodSeconds",
      "105 s <= preStop 15 s + drain 90 s: the kubelet would kill running requests",
    ],
    [{ engine: { ...vllm, image: "vllm:latest" } }, "engine.image", "'vllm:latest' is not pinned by digest"],
    [
      { engine: { kind: "triton", backend: "tensorrt-llm", tokenizer, ...settings } },
      "source.kind",
      "Triton reads a model repository from s3 or gs, not from 'hub'",
    ],
    [
      { weightsGiB: 30, share: { cpus: 3, memoryGiB: 25 } },
      "share.memoryGiB",
      "36 GiB to load 30.0 GiB of weights > 25 GiB of the node",
    ],
    [
      {
        engine: { kind: "tgi", ...settings },
        cache: { kind: "image", image: "registry.example/kernels", digest: `sha256:${"f".repeat(64)}` },
      },
      "cache.kind",
      "tgi has no compiled kernels that an image could hold",
    ],
    [
      { nodes: 2, engine: { kind: "tgi", ...settings } },
      "nodes",
      "tgi does not divide a model over nodes here",
    ],
    [
      { nodes: 2, delivery: { strategy: "canary", surge: { kind: "in-place" }, steps: [] } },
      "delivery.strategy",
      "'canary' replaces pods, but a replica is 2 of them",
    ],
  ] satisfies [Partial<ModelServiceArgs>, string, string][])(
    "refuses %j",
    (changes, propertyPath, reason) => {
      expect(() => {
        validateModelServiceArgs({ ...args, ...changes });
      }).toThrow(expect.objectContaining({ propertyPath, reason }));
    },
  );
});
