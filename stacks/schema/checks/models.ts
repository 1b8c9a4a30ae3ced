import { ACCELERATOR_SPECS, instanceFor } from "../../../components/gpu/accelerators.ts";
import { ENGINES_WITH_KERNEL_CACHE } from "../../../components/serving/cache.ts";
import { MULTI_NODE_ENGINES } from "../../../components/serving/engine.ts";
import { LEAST_FILESTORE_GIB } from "../../../components/storage/shared-files.ts";
import { memoryBalance, USABLE_SHARE, type MemoryBalance } from "../../../capacity/memory.ts";
import { cheapestFit } from "../../../capacity/sizing.ts";
import { priceOf } from "../../../pricing/catalog.ts";
import { machineSku } from "../../../pricing/price.ts";
import type { PlatformConfig } from "../platform.ts";
import type { ConfigProblem } from "../problem.ts";
import { servedNames } from "../served-names.ts";
import { didYouMean } from "../suggest.ts";
import { duplicates, problem, type Check } from "./check.ts";
import { mostReplicas } from "./delivery.ts";
import { EU_REGIONS } from "./residency.ts";

type Model = PlatformConfig["models"][number];
type Pool = PlatformConfig["gpuPools"][number];

function gib(value: number): string {
  return `${value.toFixed(1)} GiB`;
}

function engineCanBeServed(model: Model, index: number): ConfigProblem[] {
  if (model.engine.kind !== "triton") return [];
  const found: ConfigProblem[] = [];
  if (model.engine.backend === "vllm" && model.autoscaling.capacity === undefined)
    found.push(
      problem(
        ["models", index, "engine", "backend"],
        model.engine.backend,
        "Triton's vLLM backend exports neither a queue nor running requests, so only offered load could scale it",
        "set autoscaling.capacity, use backend: tensorrt-llm, or engine kind vllm",
      ),
    );
  if (model.source.kind !== "s3" && model.source.kind !== "gs")
    found.push(
      problem(
        ["models", index, "source", "kind"],
        model.source.kind,
        "Triton reads a model repository, which a hub or an image does not hold",
        "put the repository into a bucket and use source kind s3 or gs",
      ),
    );
  return found;
}

function cacheCanBeUsed({ engine, cache }: Model, index: number): ConfigProblem[] {
  if (cache.kind !== "image" || ENGINES_WITH_KERNEL_CACHE.has(engine.kind)) return [];
  return [
    problem(
      ["models", index, "cache", "kind"],
      cache.kind,
      `${engine.kind} has no compiled kernels that an image could hold`,
      `use cache kind none, or engine kind ${[...ENGINES_WITH_KERNEL_CACHE].join(" or ")}`,
    ),
  ];
}

/** Clouds in whose clusters a pod has no identity for a bucket, by the scheme of its address. */
const NO_IDENTITY_ON = { s3: "gcp", gs: "aws" } as const;

/** A model gets an identity of its own at the bucket of its weights, which only the bucket's own cloud can give. */
function weightsCanBeRead({ cloud, models }: Pick<PlatformConfig, "cloud" | "models">): ConfigProblem[] {
  return models.flatMap(({ source: { kind } }, index): ConfigProblem[] =>
    (kind === "s3" || kind === "gs") && cloud.provider === NO_IDENTITY_ON[kind]
      ? [
          problem(
            ["models", index, "source", "kind"],
            kind,
            `pods on provider '${cloud.provider}' have no identity that a bucket of kind '${kind}' knows`,
            `copy the weights into a bucket of provider '${cloud.provider}' (${kind === "s3" ? "gs" : "s3"}), or use oci`,
          ),
        ]
      : [],
  );
}

/** Whose class holds the shared cache: on an existing cluster its own, elsewhere the one the stack makes. */
function cacheHasAClass({ cloud, models }: Pick<PlatformConfig, "cloud" | "models">): ConfigProblem[] {
  return models.flatMap(({ cache }, index): ConfigProblem[] => {
    if (cache.kind !== "shared") return [];
    const path = ["models", index, "cache"];
    const { storageClass, sizeGiB } = cache;
    if (cloud.provider !== "aws" && cloud.provider !== "gcp")
      return storageClass === undefined
        ? [
            problem(
              [...path, "storageClass"],
              storageClass,
              `provider '${cloud.provider}' gives no shared files`,
              "name a class of the cluster whose volumes many nodes can write to",
            ),
          ]
        : [];
    return [
      ...(storageClass === undefined
        ? []
        : [
            problem(
              [...path, "storageClass"],
              storageClass,
              `on provider '${cloud.provider}' the stack makes the class itself`,
              "remove it",
            ),
          ]),
      ...(cloud.provider === "gcp" && sizeGiB < LEAST_FILESTORE_GIB
        ? [
            problem(
              [...path, "sizeGiB"],
              sizeGiB,
              `sizeGiB ${sizeGiB} < ${LEAST_FILESTORE_GIB}: Filestore has no smaller instance`,
              `set it to at least ${LEAST_FILESTORE_GIB}`,
            ),
          ]
        : []),
    ];
  });
}

/** Throughput of EFS is elastic, so what replicas read is billed. */
function sharedFilesAreBudgeted({
  cloud,
  models,
  budget,
}: Pick<PlatformConfig, "cloud" | "models" | "budget">): ConfigProblem[] {
  if (cloud.provider !== "aws" || budget.usage.sharedFileGiB !== undefined) return [];
  return models.every(({ cache }) => cache.kind !== "shared")
    ? []
    : [
        problem(
          ["budget", "usage", "sharedFileGiB"],
          undefined,
          "the models' shared cache is billed by what is read and written, so without it the cost is not complete",
          "declare budget.usage.sharedFileGiB: { expected: <number>, max: <number> }",
        ),
      ];
}

/** The driver of shared files asks AWS for an access point for each claim. */
function fileDriverReachesAws({ cloud, models }: Pick<PlatformConfig, "cloud" | "models">): ConfigProblem[] {
  if (cloud.provider !== "aws" || cloud.network.nat !== "none") return [];
  const { interfaceEndpoints } = cloud.network;
  if (interfaceEndpoints.includes("elasticfilesystem")) return [];
  return models.every(({ cache }) => cache.kind !== "shared")
    ? []
    : [
        problem(
          ["cloud", "network", "interfaceEndpoints"],
          interfaceEndpoints,
          "nat is none, so the driver of the models' shared cache reaches no API of EFS",
          "add elasticfilesystem",
        ),
      ];
}

/** First version of Kubernetes that mounts images as volumes without a feature gate: https://kubernetes.io/docs/tasks/configure-pod-container/image-volumes */
const IMAGE_VOLUMES_SINCE = 35;

/** Settings of a model that need an image as a volume. */
function imageVolumes({ engine, source, cache }: Model): string[] {
  return [
    ...(source.kind === "oci" ? ["source.kind"] : []),
    ...(cache.kind === "image" ? ["cache.kind"] : []),
    ...(engine.kind === "triton" ? ["engine.tokenizer"] : []),
    ...(engine.kind === "vllm" && engine.adapters !== undefined ? ["engine.adapters"] : []),
  ];
}

/** An older control plane drops the volume, and the engine would start without its files. */
function imageVolumesExist({ cloud, models }: Pick<PlatformConfig, "cloud" | "models">): ConfigProblem[] {
  if (cloud.provider !== "aws") return [];
  const { version } = cloud.cluster;
  const minor = Number(version.split(".")[1]);
  if (minor >= IMAGE_VOLUMES_SINCE) return [];
  return models.flatMap((model, index) =>
    imageVolumes(model).map((setting) =>
      problem(
        ["models", index, ...setting.split(".")],
        version,
        `needs an image as a volume, which Kubernetes ${version} does not mount without a feature gate that EKS does not set`,
        `set cloud.cluster.version to 1.${IMAGE_VOLUMES_SINCE} or later`,
      ),
    ),
  );
}

/** Simple requests stay with the tenant, on own GPUs, and within what the smaller model can read. */
function tiersCanAnswer(
  model: Model,
  index: number,
  { models }: Pick<PlatformConfig, "models">,
): ConfigProblem[] {
  return model.tiers.flatMap(({ model: name, maxInputTokens }, at): ConfigProblem[] => {
    const path = ["models", index, "tiers", at];
    const smaller = models.find((candidate) => candidate.name === name);
    const others = models.filter((other) => other !== model && other.tenant === model.tenant);
    const names = others.map((other) => other.name).join(", ");
    if (smaller === undefined || smaller === model || smaller.tenant !== model.tenant)
      return [
        problem(
          [...path, "model"],
          name,
          `'${name}' is no other model of tenant '${model.tenant}'`,
          names === "" ? "serve a smaller model first, or remove the tier" : `use one of ${names}`,
        ),
      ];
    if (maxInputTokens >= smaller.engine.maxModelLen)
      return [
        problem(
          [...path, "maxInputTokens"],
          maxInputTokens,
          `maxInputTokens ${maxInputTokens} >= maxModelLen ${smaller.engine.maxModelLen} of '${name}': it could not answer`,
          `set it below ${smaller.engine.maxModelLen}`,
        ),
      ];
    return [];
  });
}

/** Input found in a cache that costs more than input is a mistake in the stack file. */
function cachedInputIsCheaper({ providers }: PlatformConfig): ConfigProblem[] {
  return providers.flatMap((provider, index) =>
    provider.models.flatMap(({ cachedInputUsdPerMillion: cached, inputUsdPerMillion: input }, at) =>
      cached === undefined || Number(cached) <= Number(input)
        ? []
        : [
            problem(
              ["providers", index, "models", at, "cachedInputUsdPerMillion"],
              cached,
              `cached input of ${cached} USD costs more than input of ${input} USD`,
              "correct it, or leave it out: cached input then costs what input costs",
            ),
          ],
    ),
  );
}

/** GPUs of one node that a layer of the model can be divided over. */
function divisions(
  { architecture: { kvHeads } }: Model,
  gpusPerNode: number,
): Model["gpu"]["tensorParallel"][] {
  return ([1, 2, 4, 8] as const).filter(
    (gpus) => gpus <= gpusPerNode && (kvHeads % gpus === 0 || gpus % kvHeads === 0),
  );
}

/** List price of a node's share, USD/h; Infinity where no table has it, so that a pool with a price comes first. */
function shareUsdPerHour(pool: Pool, gpus: number, { cloud }: PlatformConfig): number {
  if (cloud.provider !== "aws" && cloud.provider !== "gcp") return Infinity;
  const type = pool.instanceType ?? instanceFor(cloud.provider, pool.accelerator, pool.gpusPerNode);
  const price =
    type === undefined ? undefined : priceOf(machineSku(cloud.provider, cloud.region, type, "on-demand"));
  return price === undefined ? Infinity : (Number(price.usdPerHour) * gpus) / pool.gpusPerNode;
}

/** The stack's cheapest pool that holds a model, and how. */
function poolThatHolds(model: Model, config: PlatformConfig): string | undefined {
  const [best] = config.gpuPools
    .flatMap((pool) =>
      divisions(model, pool.gpusPerNode)
        .filter(
          (tensorParallel) => memoryOf(model, pool, tensorParallel).cacheTokens >= model.engine.maxModelLen,
        )
        .map((tensorParallel) => ({
          pool: pool.name,
          tensorParallel,
          usdPerHour: shareUsdPerHour(pool, tensorParallel, config),
        })),
    )
    .sort((a, b) => a.usdPerHour - b.usdPerHour || a.tensorParallel - b.tensorParallel);
  if (best === undefined) return undefined;
  const price = Number.isFinite(best.usdPerHour) ? `, ${best.usdPerHour.toFixed(2)} USD/h` : "";
  return `pool '${best.pool}' holds it with tensorParallel ${best.tensorParallel}${price}`;
}

/** What to do about a model that does not fit, with the cheapest pool or else machine that would hold it. */
function biggerGpu(model: Model, config: PlatformConfig, otherwise: string): string {
  const pool = poolThatHolds(model, config);
  if (pool !== undefined) return `${otherwise}; ${pool}`;
  const { cloud } = config;
  if (cloud.provider !== "aws" && cloud.provider !== "gcp") return otherwise;
  const fit = cheapestFit(model.architecture, model.engine.maxModelLen, {
    cloud: cloud.provider,
    region: cloud.region,
  });
  return fit === undefined
    ? otherwise
    : `${otherwise}; the cheapest that holds it in ${cloud.region} is ${fit.tensorParallel} x ${fit.accelerator} of ${fit.machine}, ${fit.usdPerHour.toFixed(2)} USD/h`;
}

function memoryOf({ architecture, engine, gpu }: Model, pool: Pool, tensorParallel: number): MemoryBalance {
  return memoryBalance(architecture, {
    tensorParallel,
    pipelineParallel: gpu.nodes,
    gpuMemoryGiB: ACCELERATOR_SPECS[pool.accelerator].memoryGiB,
    ...("maxNumBatchedTokens" in engine && engine.maxNumBatchedTokens !== undefined
      ? { batchedTokens: engine.maxNumBatchedTokens }
      : {}),
  });
}

function fitsMemory(model: Model, index: number, pool: Pool, config: PlatformConfig): ConfigProblem[] {
  const { tensorParallel } = model.gpu;
  const memory = memoryOf(model, pool, tensorParallel);
  const { usableGiB, weightsGiB, activationGiB, cacheTokens } = memory;
  const room = `each of ${tensorParallel} x ${pool.accelerator} x ${USABLE_SHARE}`;
  if (weightsGiB + activationGiB > usableGiB)
    return [
      problem(
        ["models", index, "gpu"],
        model.gpu,
        `weights ${gib(weightsGiB)} + activations ${gib(activationGiB)} > usable ${gib(usableGiB)} (${room})`,
        biggerGpu(
          model,
          config,
          "raise tensorParallel, choose a pool with more memory, or quantise the weights",
        ),
      ),
    ];
  if (cacheTokens < model.engine.maxModelLen)
    return [
      problem(
        ["models", index, "engine", "maxModelLen"],
        model.engine.maxModelLen,
        `weights ${gib(weightsGiB)} + activations ${gib(activationGiB)} leave ${gib(memory.cacheGiB)} of ${gib(usableGiB)} for the key-value cache (${room}): ${cacheTokens} tokens < maxModelLen ${model.engine.maxModelLen}`,
        biggerGpu(
          model,
          config,
          "lower maxModelLen, raise tensorParallel, or choose a pool with more memory",
        ),
      ),
    ];
  return [];
}

function placement(model: Model, index: number, config: PlatformConfig): ConfigProblem[] {
  const pool = config.gpuPools.find((candidate) => candidate.name === model.gpu.pool);
  if (pool === undefined) {
    const names = config.gpuPools.map((candidate) => candidate.name);
    const meant = didYouMean(model.gpu.pool, names);
    return [
      problem(
        ["models", index, "gpu", "pool"],
        model.gpu.pool,
        `there is no GPU pool '${model.gpu.pool}'`,
        meant === undefined
          ? `use one of ${names.join(", ") || "(no pools configured)"}`
          : `did you mean '${meant}'?`,
      ),
    ];
  }
  const { tensorParallel } = model.gpu;
  if (tensorParallel > pool.gpusPerNode)
    return [
      problem(
        ["models", index, "gpu", "tensorParallel"],
        tensorParallel,
        `tensorParallel ${tensorParallel} > ${pool.gpusPerNode} GPUs of a node of pool '${pool.name}'`,
        "use a pool with more GPUs per node, or lower tensorParallel",
      ),
    ];
  const { kvHeads } = model.architecture;
  const shardable = divisions(model, tensorParallel).includes(tensorParallel)
    ? []
    : [
        problem(
          ["models", index, "gpu", "tensorParallel"],
          tensorParallel,
          `${kvHeads} key-value heads cannot be divided over ${tensorParallel} GPUs`,
          "choose a divisor of the key-value heads",
        ),
      ];
  return [...shardable, ...engineCanBeServed(model, index), ...fitsMemory(model, index, pool, config)];
}

/** GPUs of one replica, over all its nodes. */
function gpusOf({ gpu }: Model): number {
  return gpu.tensorParallel * gpu.nodes;
}

/** Replicas and held places of an ordinary day. */
function expectedPlaces({ autoscaling }: Model): number {
  return Math.min(autoscaling.expectedReplicas + autoscaling.warmReplicas, autoscaling.maxReplicas);
}

/** A replica over several nodes: which engines can, how it is delivered, and what its pods must hold. */
function spansNodes(model: Model, index: number): ConfigProblem[] {
  const { nodes } = model.gpu;
  if (nodes === 1) return [];
  const found: ConfigProblem[] = [];
  if (!MULTI_NODE_ENGINES.has(model.engine.kind))
    found.push(
      problem(
        ["models", index, "gpu", "nodes"],
        nodes,
        `${model.engine.kind} does not divide a model over nodes here`,
        `use engine kind ${[...MULTI_NODE_ENGINES].join(" or ")}, or nodes: 1`,
      ),
    );
  if (model.delivery.strategy !== "rolling")
    found.push(
      problem(
        ["models", index, "delivery", "strategy"],
        model.delivery.strategy,
        "Argo Rollouts replaces pods, not groups of them: a replica over several nodes is replaced by LeaderWorkerSet",
        "set delivery.strategy: rolling",
      ),
    );
  if (model.architecture.layers < nodes)
    found.push(
      problem(
        ["models", index, "gpu", "nodes"],
        nodes,
        `${model.architecture.layers} layers cannot be divided over ${nodes} nodes`,
        `set nodes to at most ${model.architecture.layers}`,
      ),
    );
  return found;
}

function poolsHoldReplicas({ models, gpuPools }: PlatformConfig): ConfigProblem[] {
  return gpuPools.flatMap((pool, index) => {
    const users = models.filter((model) => model.gpu.pool === pool.name);
    const demand = (pick: (model: Model) => number): number =>
      users.reduce((sum, model) => sum + pick(model) * gpusOf(model), 0);
    return (
      [
        ["max", demand(mostReplicas)],
        ["expected", demand(expectedPlaces)],
      ] as const
    ).flatMap(([bound, gpus]) =>
      gpus <= pool.nodes[bound] * pool.gpusPerNode
        ? []
        : [
            problem(
              ["gpuPools", index, "nodes", bound],
              pool.nodes[bound],
              `the models on pool '${pool.name}' need ${gpus} GPUs at ${bound} replicas > ${pool.nodes[bound]} nodes x ${pool.gpusPerNode} GPUs`,
              `set ${bound} to at least ${Math.ceil(gpus / pool.gpusPerNode)}, or lower the models' replicas`,
            ),
          ],
    );
  });
}

function tenantsHoldReplicas({ models, tenancy }: PlatformConfig): ConfigProblem[] {
  const names = tenancy.tenants.map((tenant) => tenant.name);
  const homeless = models.flatMap((model, index) => {
    if (names.includes(model.tenant)) return [];
    const meant = didYouMean(model.tenant, names);
    return [
      problem(
        ["models", index, "tenant"],
        model.tenant,
        `there is no tenant '${model.tenant}'`,
        meant === undefined ? `use one of ${names.join(", ")}` : `did you mean '${meant}'?`,
      ),
    ];
  });
  const starved = tenancy.tenants.flatMap((tenant, index) => {
    const gpus = models
      .filter((model) => model.tenant === tenant.name)
      // Places that wait to be displaced count against a quota like pods that run.
      .reduce(
        (sum, model) => sum + (mostReplicas(model) + model.autoscaling.warmReplicas) * gpusOf(model),
        0,
      );
    return gpus <= tenant.gpus
      ? []
      : [
          problem(
            ["tenancy", "tenants", index, "gpus"],
            tenant.gpus,
            `the models of tenant '${tenant.name}' need ${gpus} GPUs at maxReplicas and warmReplicas > its quota of ${tenant.gpus}`,
            `set gpus to at least ${gpus}, or lower maxReplicas or warmReplicas`,
          ),
        ];
  });
  return [...homeless, ...starved];
}

function scheduled({ autoscaling }: Model, index: number): ConfigProblem[] {
  const { schedule, minReplicas, maxReplicas } = autoscaling;
  return (schedule?.windows ?? []).flatMap(({ days, from, to, replicas }, at): ConfigProblem[] => {
    const path = ["models", index, "autoscaling", "schedule", "windows", at];
    const overlapping = schedule?.windows.findIndex(
      (other, position) =>
        position < at && other.days.some((day) => days.includes(day)) && other.from < to && from < other.to,
    );
    return [
      ...(from < to
        ? []
        : [
            problem(
              [...path, "to"],
              to,
              `the window ends at ${to}, not after its start ${from}`,
              "split a window over midnight in two: until 24:00, and from 00:00 of the next day",
            ),
          ]),
      ...(replicas > maxReplicas
        ? [
            problem(
              [...path, "replicas"],
              replicas,
              `replicas ${replicas} > maxReplicas ${maxReplicas}`,
              "lower it, or raise maxReplicas",
            ),
          ]
        : []),
      ...(replicas <= minReplicas
        ? [
            problem(
              [...path, "replicas"],
              replicas,
              `replicas ${replicas} <= minReplicas ${minReplicas}: the window changes nothing`,
              "lower minReplicas, raise replicas, or remove the window",
            ),
          ]
        : []),
      ...(overlapping === undefined || overlapping < 0
        ? []
        : [
            problem(
              path,
              { days, from, to },
              `overlaps window ${overlapping}: nobody can read which floor holds`,
              "separate the two windows",
            ),
          ]),
    ];
  });
}

function lifecycle(model: Model, index: number): ConfigProblem[] {
  const { preStopSeconds, drainSeconds, gracePeriodSeconds } = model.delivery;
  const { minReplicas, expectedReplicas, maxReplicas, queueDepthThreshold } = model.autoscaling;
  const found: ConfigProblem[] = [];
  if (gracePeriodSeconds <= preStopSeconds + drainSeconds)
    found.push(
      problem(
        ["models", index, "delivery", "gracePeriodSeconds"],
        gracePeriodSeconds,
        `grace ${gracePeriodSeconds} s <= preStop ${preStopSeconds} s + drain ${drainSeconds} s: running requests would be killed`,
        `set gracePeriodSeconds above ${preStopSeconds + drainSeconds}`,
      ),
    );
  if (!(minReplicas <= expectedReplicas && expectedReplicas <= maxReplicas))
    found.push(
      problem(
        ["models", index, "autoscaling"],
        model.autoscaling,
        `minReplicas <= expectedReplicas <= maxReplicas does not hold: ${minReplicas} <= ${expectedReplicas} <= ${maxReplicas}`,
        "order the three numbers",
      ),
    );
  if (queueDepthThreshold > model.engine.maxNumSeqs)
    found.push(
      problem(
        ["models", index, "autoscaling", "queueDepthThreshold"],
        queueDepthThreshold,
        `queueDepthThreshold ${queueDepthThreshold} > maxNumSeqs ${model.engine.maxNumSeqs}: a replica would scale only after more requests wait than it can run`,
        `set it to at most ${model.engine.maxNumSeqs}; 5 is a common value`,
      ),
    );
  const { capacity, schedule } = model.autoscaling;
  const floors = schedule?.windows.map(({ replicas }) => replicas) ?? [];
  // Outside of a schedule's hours its author accepts that bursts wait.
  const floor = floors.length === 0 ? minReplicas : Math.max(minReplicas, Math.min(...floors));
  if (capacity !== undefined && floor < capacity.burstReplicas)
    found.push(
      problem(
        ["models", index, "autoscaling", "minReplicas"],
        floor,
        `minReplicas ${floor} < burstReplicas ${capacity.burstReplicas}: bursts come faster than a replica starts`,
        `set minReplicas to at least ${capacity.burstReplicas}`,
      ),
    );
  if (capacity !== undefined && capacity.concurrency > model.engine.maxNumSeqs)
    found.push(
      problem(
        ["models", index, "autoscaling", "capacity", "concurrency"],
        capacity.concurrency,
        `concurrency ${capacity.concurrency} > maxNumSeqs ${model.engine.maxNumSeqs}: a replica could never run as many, so it would never count as full`,
        `set it to at most ${model.engine.maxNumSeqs}, or raise engine.maxNumSeqs`,
      ),
    );
  found.push(...scheduled(model, index));
  if (model.slo.e2eP99Ms <= model.slo.ttftP95Ms)
    found.push(
      problem(
        ["models", index, "slo", "e2eP99Ms"],
        model.slo.e2eP99Ms,
        `the whole request (${model.slo.e2eP99Ms} ms) cannot be faster than its first token (${model.slo.ttftP95Ms} ms)`,
        "raise e2eP99Ms",
      ),
    );
  return found;
}

function zeroReplicasNeedHold({ models, gateway }: PlatformConfig): ConfigProblem[] {
  if (gateway.holdSeconds > 0) return [];
  return models.flatMap((model, index) =>
    model.autoscaling.minReplicas > 0
      ? []
      : [
          problem(
            ["models", index, "autoscaling", "minReplicas"],
            0,
            "zero replicas without a hold queue would turn the first request into an error",
            "set gateway.holdSeconds above the pod start time, or minReplicas to at least 1",
          ),
        ],
  );
}

function providersInUnion({ providers }: PlatformConfig): ConfigProblem[] {
  return [
    ...duplicates(
      ["providers"],
      providers.map((provider) => provider.name),
    ),
    ...providers.flatMap(({ region }, index) =>
      region === "eu" || EU_REGIONS.has(region)
        ? []
        : [
            problem(
              ["providers", index, "region"],
              region,
              `requests would be processed in '${region}', outside the EU-27 (GDPR Art. 44)`,
              "use the provider's EU endpoint and write region: eu, or remove the provider",
            ),
          ],
    ),
  ];
}

/** Rules about models and external providers. */
export const modelChecks: readonly Check[] = [
  {
    needs: ["models"],
    run: ({ models }) => [
      ...duplicates(["models"], models.flatMap(servedNames)),
      ...models.flatMap(lifecycle),
      ...models.flatMap(spansNodes),
      ...models.flatMap(cacheCanBeUsed),
      ...models.flatMap((model, index) => tiersCanAnswer(model, index, { models })),
    ],
  },
  {
    needs: ["models", "gpuPools", "cloud"],
    run: (config) => config.models.flatMap((model, index) => placement(model, index, config)),
  },
  { needs: ["models", "cloud"], run: imageVolumesExist },
  { needs: ["models", "cloud"], run: weightsCanBeRead },
  { needs: ["models", "cloud"], run: cacheHasAClass },
  { needs: ["models", "cloud"], run: fileDriverReachesAws },
  { needs: ["models", "cloud", "budget"], run: sharedFilesAreBudgeted },
  { needs: ["models", "gpuPools"], run: poolsHoldReplicas },
  { needs: ["models", "tenancy"], run: tenantsHoldReplicas },
  { needs: ["models", "gateway"], run: zeroReplicasNeedHold },
  { needs: ["providers"], run: providersInUnion },
  { needs: ["providers"], run: cachedInputIsCheaper },
];
