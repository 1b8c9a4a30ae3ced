import { createHash } from "node:crypto";
import type * as k8s from "@pulumi/kubernetes";
import { restrictedContainer } from "../restricted.ts";
import { CACHE_MOUNT, type Engine, type EngineKind, type ModelSource, type PinnedImage } from "./engine.ts";

/**
 * What a new replica finds of the work of earlier ones: downloads and compiled kernels.
 * `none`: nothing, each pod starts from an empty folder.
 * `image`: kernels compiled beforehand, in an image by digest that the kubelet keeps on the node and each pod copies.
 * `shared`: one file system of the model's own, which its replicas write to and read from.
 */
export type ReplicaCache =
  | { readonly kind: "none" }
  | ({ readonly kind: "image" } & PinnedImage)
  | {
      readonly kind: "shared";
      /** Class of the cluster whose volumes many nodes can write to. */
      readonly storageClass: string;
      readonly sizeGiB: number;
    };

/**
 * Engines whose compiled kernels may be copied to other machines; Triton's are in its model repository, TGI compiles none.
 * @see https://docs.vllm.ai/en/v0.11.2/design/torch_compile/
 * @see https://docs.sglang.io/docs/references/torch_compile_cache
 */
export const ENGINES_WITH_KERNEL_CACHE: ReadonlySet<EngineKind> = new Set<EngineKind>(["vllm", "sglang"]);

/** What compiled kernels depend on besides the engine's own key. */
export interface CacheContent {
  readonly engine: Engine;
  readonly source: ModelSource;
  readonly tensorParallel: number;
  readonly nodes: number;
  readonly nodeSelector: Readonly<Record<string, string>>;
}

/**
 * Folder an engine keeps downloads and kernels in. On a shared file system each combination of image, weights, GPUs and
 * division has its own, so that a new version never runs what another one compiled.
 */
export function cacheFolder(cache: ReplicaCache, content: CacheContent): string {
  if (cache.kind !== "shared") return CACHE_MOUNT;
  const { engine, source, tensorParallel, nodes, nodeSelector } = content;
  const key = createHash("sha256")
    .update(
      JSON.stringify([engine.image, { ...source, token: undefined }, tensorParallel, nodes, nodeSelector]),
    )
    .digest("hex");
  return `${CACHE_MOUNT}/${key.slice(0, 16)}`;
}

/** Name of the claim of a shared cache. */
export function cacheClaimName(model: string): string {
  return `${model}-cache`;
}

/** What a pod needs for its cache. */
export interface CacheParts {
  readonly volumes: k8s.types.input.core.v1.Volume[];
  /** Containers that fill it before the engine starts. */
  readonly initContainers: k8s.types.input.core.v1.Container[];
}

const PREBUILT = { name: "prebuilt-cache", mountPath: "/prebuilt" } as const;

/** Volumes of a cache; the engine mounts the one named `cache`. */
export function cacheParts(cache: ReplicaCache, model: string, engineImage: string): CacheParts {
  switch (cache.kind) {
    case "none":
      return { volumes: [{ name: "cache", emptyDir: {} }], initContainers: [] };
    case "image":
      return {
        volumes: [
          { name: "cache", emptyDir: {} },
          { name: PREBUILT.name, image: { reference: `${cache.image}@${cache.digest}` } },
        ],
        initContainers: [
          {
            name: "cache",
            // Engines write beside what they find, and an image volume is read-only.
            image: engineImage,
            command: ["cp", "--recursive", `${PREBUILT.mountPath}/.`, CACHE_MOUNT],
            resources: { requests: { cpu: "1", memory: "1Gi" }, limits: { memory: "1Gi" } },
            securityContext: restrictedContainer(),
            volumeMounts: [
              { ...PREBUILT, readOnly: true },
              { name: "cache", mountPath: CACHE_MOUNT },
            ],
          },
        ],
      };
    case "shared":
      return {
        volumes: [{ name: "cache", persistentVolumeClaim: { claimName: cacheClaimName(model) } }],
        initContainers: [],
      };
  }
}
