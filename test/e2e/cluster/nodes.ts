import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parse, stringify } from "yaml";
import { ensureGoModule } from "../../../tools/go-module.ts";
import { ensureTool, KWOK } from "../../../tools/go-tool.ts";
import type { ApiServer } from "./api-server.ts";
import type { KubeObject } from "./kube-object.ts";

/** Files of the module that say how nodes and pods behave. */
const KWOK_FILES = {
  module: "sigs.k8s.io/kwok",
  version: KWOK.version,
  sum: "h1:OTIOTwgROqPMovcTwxICx2eYQ4AwLpSx5EpjbDKF4SQ=",
} as const;

const STAGES = [
  "node/fast/node-initialize.yaml",
  "node/heartbeat/node-heartbeat.yaml",
  "pod/fast/pod-ready.yaml",
  "pod/fast/pod-complete.yaml",
  "pod/fast/pod-delete.yaml",
] as const;

/** How long the pods of the simulated nodes take. */
export interface NodeBehaviour {
  /** Least milliseconds from the binding of a pod until it is ready; kwok may take half as long again. @default 0 */
  readonly podStartMs?: number;
  /** Owners whose pods kwok leaves to somebody who runs their programs. @default none: pods of Jobs succeed at once */
  readonly played?: readonly string[];
}

interface Stage {
  readonly metadata: { readonly name: string };
  readonly spec: Readonly<Record<string, unknown>> & {
    readonly selector: { readonly matchExpressions: readonly object[] };
  };
}

/** A stage of a pod's life, later and only for pods that nobody plays. */
function shaped(stage: Stage, { podStartMs = 0, played = [] }: NodeBehaviour): Stage {
  if (!["pod-ready", "pod-complete"].includes(stage.metadata.name)) return stage;
  const { selector, ...rest } = stage.spec;
  const owners = { key: ".metadata.ownerReferences.[].kind", operator: "NotIn", values: played };
  return {
    ...stage,
    spec: {
      ...rest,
      selector: {
        matchExpressions: [...selector.matchExpressions, ...(played.length === 0 ? [] : [owners])],
      },
      ...(stage.metadata.name === "pod-ready" && podStartMs > 0
        ? { delay: { durationMilliseconds: podStartMs } }
        : {}),
    },
  };
}

/** Starts kwok, which plays the kubelets of every node. */
export async function startKubelets(api: ApiServer, behaviour: NodeBehaviour = {}): Promise<void> {
  const tool = await ensureTool(KWOK, (text) => process.stderr.write(`${text}\n`));
  const root = join(ensureGoModule(KWOK_FILES), "kustomize", "stage");
  const files = STAGES.map((name) => {
    const stage = parse(readFileSync(join(root, name), "utf8")) as Stage;
    const file = join(api.folder, `stage-${stage.metadata.name}.yaml`);
    writeFileSync(file, stringify(shaped(stage, behaviour)));
    return file;
  });
  api.processes.start("kwok", {
    command: join(tool, "bin", "kwok"),
    args: [
      `--kubeconfig=${api.kubeconfig}`,
      "--manage-all-nodes=true",
      ...files.map((file) => `--config=${file}`),
    ],
  });
}

/** Size and labels of a node. */
export interface NodeArgs {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly gpus: number;
  readonly cpus: number;
  readonly memoryGiB: number;
}

/** A node as a GPU pool would bring it: tainted, so that only pods that tolerate it come. */
export function gpuNode({ name, labels, gpus, cpus, memoryGiB }: NodeArgs): KubeObject {
  const size = {
    cpu: `${cpus}`,
    memory: `${memoryGiB}Gi`,
    pods: "110",
    "ephemeral-storage": "200Gi",
    "nvidia.com/gpu": `${gpus}`,
  };
  return {
    apiVersion: "v1",
    kind: "Node",
    metadata: { name, labels: { "kubernetes.io/hostname": name, ...labels } },
    spec: { taints: [{ key: "nvidia.com/gpu", value: "present", effect: "NoSchedule" }] },
    status: { capacity: size, allocatable: size },
  };
}

/**
 * Adds a node and its status, which takes a call of its own.
 * @throws Error with the server's message
 */
export async function addNode(api: ApiServer, node: KubeObject): Promise<void> {
  const { status, ...spec } = node;
  const created = await api.send("POST", "/api/v1/nodes", spec);
  if (created.status !== 201) throw new Error(`Node ${node.metadata.name}: ${created.body.message ?? ""}`);
  const patched = await api.send("PATCH", `/api/v1/nodes/${node.metadata.name}/status`, { status });
  if (patched.status !== 200) throw new Error(`Node ${node.metadata.name}: ${patched.body.message ?? ""}`);
}
