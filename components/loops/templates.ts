import type { ITemplate } from "@kubernetes-models/argo-workflows/argoproj.io/v1alpha1/Template";
import type { IWorkflowSpec } from "@kubernetes-models/argo-workflows/argoproj.io/v1alpha1/WorkflowSpec";
import { accountEnvironment, type MlflowClient } from "../evaluation/mlflow-client.ts";
import { SYSTEM_NODE_LABEL } from "../cluster/handle.ts";
import { restrictedContainer, restrictedPod } from "../restricted.ts";
import { ACCOUNT_FOLDER } from "./address.ts";

/** Whether a person must agree before a loop goes on. */
export type Approval = "required" | "automatic";

/** Reference to a Secret that somebody else fills. */
interface SecretKey {
  readonly name: string;
  readonly key: string;
}

/** Where proposals go. */
export interface Proposals {
  readonly url: string;
  readonly token: SecretKey;
}

/** What every workflow needs. */
interface WorkflowArgs {
  /** Image built from `loops/Dockerfile`. */
  readonly image: string;
  readonly approval: Approval;
  readonly proposals: Proposals;
}

/** Pipeline that trains a candidate and ends at a proposal. */
export interface RetrainArgs extends WorkflowArgs {
  /** Client's own image. */
  readonly trainingImage: string;
  /** Its program; `snapshot`, `train`, `evaluate` or `register` and options follow. */
  readonly command: readonly string[];
  /** GPUs of the training step. */
  readonly gpus: number;
  /** Labels of the nodes it runs on. */
  readonly nodeSelector: Readonly<Record<string, string>>;
  /** Room for the snapshot and the candidate, GiB. */
  readonly volumeGiB: number;
  /** Model registry; the four steps log in to it, `propose` does not. */
  readonly mlflow: MlflowClient;
}

/**
 * Program of `loops/Dockerfile`. Argo wraps the command of a step, and where none is given its controller asks the registry for
 * the image's own, for which it has no credentials.
 * @see https://argo-workflows.readthedocs.io/en/stable/workflow-executors/#emissary-emissary
 */
export const LOOPS_COMMAND = ["/nodejs/bin/node", "loops/src/bin/loops.ts"] as const;

/** Account with which the containers that Argo adds to a step report results; never the step's own. */
export const EXECUTOR_ACCOUNT = "loops-executor";

const USER = 65_532;
const DATA = "/data";
const WEEK_SECONDS = 604_800;
const MODEL = "{{workflow.parameters.model}}";
const ALERT = "{{workflow.parameters.alert}}";

const SMALL = { requests: { cpu: "100m", memory: "128Mi" }, limits: { memory: "256Mi" } };

function common(serviceAccountName: string, loop: string): Partial<IWorkflowSpec> {
  return {
    entrypoint: "main",
    serviceAccountName,
    // Only a step that calls the API server gets a token.
    automountServiceAccountToken: false,
    executor: { serviceAccountName: EXECUTOR_ACCOUNT },
    arguments: { parameters: [{ name: "model" }, { name: "namespace" }, { name: "alert" }] },
    securityContext: { ...restrictedPod(USER), fsGroup: USER },
    nodeSelector: { ...SYSTEM_NODE_LABEL },
    // One at a time for a model; a second one waits.
    synchronization: { mutexes: [{ name: `${loop}-${MODEL}` }] },
    activeDeadlineSeconds: WEEK_SECONDS,
    ttlStrategy: { secondsAfterCompletion: WEEK_SECONDS },
  };
}

function proposing(
  { image, proposals }: WorkflowArgs,
  kind: "go-back" | "retrained",
  reference: string,
): ITemplate {
  return {
    name: "propose",
    container: {
      name: "main",
      image,
      command: [...LOOPS_COMMAND],
      args: ["propose", `--kind=${kind}`, `--model=${MODEL}`, `--alert=${ALERT}`, `--reference=${reference}`],
      env: [
        { name: "PROPOSAL_URL", value: proposals.url },
        { name: "PROPOSAL_TOKEN", valueFrom: { secretKeyRef: { ...proposals.token } } },
      ],
      resources: SMALL,
      securityContext: restrictedContainer(),
    },
  };
}

/** One step after the other; with approval a person resumes the workflow first. */
function stepsOf(names: readonly string[], approval: Approval): ITemplate[] {
  const ordered = approval === "required" ? ["approve", ...names] : [...names];
  return [
    {
      name: "main",
      dag: {
        tasks: ordered.map((name, at) => ({
          name,
          template: name,
          dependencies: ordered.slice(Math.max(0, at - 1), at),
        })),
      },
    },
    ...(approval === "required" ? [{ name: "approve", suspend: {} }] : []),
  ];
}

/** Aborts a delivery that is in progress, and asks a person to merge the version before where none is. */
export function rollbackTemplate(args: WorkflowArgs): IWorkflowSpec {
  return {
    ...common("loops-rollback", "rollback"),
    templates: [
      ...stepsOf(["abort", "propose"], args.approval),
      {
        name: "abort",
        automountServiceAccountToken: true,
        container: {
          name: "main",
          image: args.image,
          command: [...LOOPS_COMMAND],
          args: ["abort", "--namespace={{workflow.parameters.namespace}}", `--rollout=${MODEL}`],
          env: [
            { name: "KUBERNETES_URL", value: "https://kubernetes.default.svc" },
            { name: "KUBERNETES_TOKEN_FILE", value: `${ACCOUNT_FOLDER}/token` },
            { name: "NODE_EXTRA_CA_CERTS", value: `${ACCOUNT_FOLDER}/ca.crt` },
          ],
          resources: SMALL,
          securityContext: restrictedContainer(),
        },
      },
      proposing(args, "go-back", "model, prompt and guardrails of the revision before, in Git"),
    ],
  };
}

/**
 * Snapshot of the data, fine-tuning, evaluation, registration, proposal. Nothing in it deploys: its account has no rights
 * on a rollout, and what it registers gets traffic only through a merged change with a signed evaluation.
 */
export function retrainTemplate(args: RetrainArgs): IWorkflowSpec {
  const step = (name: string, gpus = 0): ITemplate => ({
    name,
    ...(gpus === 0 ? {} : { nodeSelector: { ...args.nodeSelector } }),
    ...(gpus === 0
      ? {}
      : { tolerations: [{ key: "nvidia.com/gpu", operator: "Exists", effect: "NoSchedule" }] }),
    container: {
      name: "main",
      image: args.trainingImage,
      command: [...args.command],
      args: [name, `--model=${MODEL}`, `--data=${DATA}`],
      env: [{ name: "MLFLOW_TRACKING_URI", value: args.mlflow.url }],
      ...accountEnvironment(args.mlflow),
      resources: {
        requests: { cpu: "2", memory: "8Gi" },
        limits: { memory: "32Gi", ...(gpus === 0 ? {} : { "nvidia.com/gpu": `${gpus}` }) },
      },
      securityContext: restrictedContainer(),
      volumeMounts: [
        { name: "data", mountPath: DATA },
        { name: "scratch", mountPath: "/tmp" },
      ],
    },
  });
  return {
    ...common("loops-retrain", "retrain"),
    volumes: [{ name: "scratch", emptyDir: {} }],
    volumeClaimTemplates: [
      {
        apiVersion: "v1",
        kind: "PersistentVolumeClaim",
        metadata: { name: "data" },
        spec: {
          accessModes: ["ReadWriteOnce"],
          resources: { requests: { storage: `${args.volumeGiB}Gi` } },
        },
      },
    ],
    volumeClaimGC: { strategy: "OnWorkflowCompletion" },
    templates: [
      ...stepsOf(["snapshot", "train", "evaluate", "register", "propose"], args.approval),
      step("snapshot"),
      step("train", args.gpus),
      step("evaluate", args.gpus),
      step("register"),
      proposing(args, "retrained", "{{workflow.name}}"),
    ],
  };
}
