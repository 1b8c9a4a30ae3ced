import type * as k8s from "@pulumi/kubernetes";
import { SYSTEM_NODE_LABEL } from "../cluster/handle.ts";
import { restrictedContainer, restrictedPod } from "../restricted.ts";
import { EVALUATION_PATHS } from "./address.ts";

/** Reference to a key of a Secret in the namespace `evaluation` that somebody else fills. */
export interface SecretKey {
  readonly name: string;
  readonly key: string;
}

/** One program of the image of evaluations. */
export interface EvaluationPodArgs {
  /** Image built from evals/Dockerfile, pinned by digest. */
  readonly image: string;
  readonly program: "evals/bin/evaluate.ts" | "evals/bin/online.ts";
  /** ConfigMap with the file `config.json`. */
  readonly configMap: string;
  readonly gatewayKey: SecretKey;
  /** Secret with the file `password`; absent without MLflow. */
  readonly mlflowSecret?: string | undefined;
}

const USER = 65_532;

const folderOf = (path: string): string => path.slice(0, path.lastIndexOf("/"));
const fileOf = (path: string): string => path.slice(path.lastIndexOf("/") + 1);

type PodSpec = k8s.types.input.core.v1.PodSpec;

/** A pod that keeps nothing, has no token of the cluster, and reads its secrets as files. */
export function evaluationPod(
  { image, program, configMap, gatewayKey, mlflowSecret }: EvaluationPodArgs,
  container: Partial<k8s.types.input.core.v1.Container> = {},
): PodSpec {
  const { configuration, key, mlflow } = EVALUATION_PATHS;
  const volumes = [
    { name: "configuration", path: folderOf(configuration), source: { configMap: { name: configMap } } },
    {
      name: "gateway-key",
      path: folderOf(key),
      source: {
        secret: { secretName: gatewayKey.name, items: [{ key: gatewayKey.key, path: fileOf(key) }] },
      },
    },
    ...(mlflowSecret === undefined
      ? []
      : [{ name: "mlflow", path: folderOf(mlflow), source: { secret: { secretName: mlflowSecret } } }]),
  ];
  return {
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    nodeSelector: SYSTEM_NODE_LABEL,
    securityContext: { ...restrictedPod(USER), fsGroup: USER },
    containers: [
      {
        name: "evaluation",
        image,
        args: [program, configuration],
        resources: { requests: { cpu: "100m", memory: "256Mi" }, limits: { memory: "512Mi" } },
        securityContext: restrictedContainer(),
        volumeMounts: [
          ...volumes.map(({ name, path }) => ({ name, mountPath: path, readOnly: true })),
          { name: "scratch", mountPath: "/tmp" },
        ],
        ...container,
      },
    ],
    volumes: [
      ...volumes.map(({ name, source }) => ({ name, ...source })),
      { name: "scratch", emptyDir: { sizeLimit: "256Mi" } },
    ],
  };
}
