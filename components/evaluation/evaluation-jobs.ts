import { createHash } from "node:crypto";
import * as k8s from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";
import { LlmopsComponent, type ComponentOptions } from "../component.ts";
import { nightly } from "../nightly.ts";
import { UNAWAITED } from "../unawaited.ts";
import { EVALUATION_NAMESPACE } from "./address.ts";
import { evaluationPod, type SecretKey } from "./evaluation-pod.ts";

/** Evaluations of every model, each night and after each change. */
export interface EvaluationJobsArgs {
  readonly image: string;
  /** Content of the configuration file; a change of it is a change of what is evaluated. */
  readonly configuration: string;
  readonly gatewayKey: SecretKey;
  /** Password of MLflow's account; absent without MLflow. */
  readonly mlflowPassword?: pulumi.Input<string>;
  /** Cron expression, UTC. */
  readonly schedule: string;
  /** Most minutes of an evaluation; what it asks takes GPUs from callers. */
  readonly maxMinutes: number;
  readonly labels: Readonly<Record<string, string>>;
}

const SELECTOR = { "app.kubernetes.io/name": "evaluation" } as const;
const SECRET = "evaluation-mlflow";

/**
 * A CronJob, and a Job whose name carries the hash of what is evaluated, so that another model, prompt or guardrail makes another Job. A deployment
 * does not wait for it.
 */
export class EvaluationJobs extends LlmopsComponent {
  constructor(name: string, args: EvaluationJobsArgs, opts: ComponentOptions) {
    super("evaluation", "EvaluationJobs", name, opts);
    const hash = createHash("sha256").update(args.configuration).digest("hex").slice(0, 10);
    const metadata = { namespace: EVALUATION_NAMESPACE, labels: { ...args.labels, ...SELECTOR } };
    const configMap = `evaluation-${hash}`;
    const child = { parent: this };
    new k8s.core.v1.ConfigMap(
      this.childName("configuration"),
      { metadata: { ...metadata, name: configMap }, data: { "config.json": args.configuration } },
      child,
    );
    if (args.mlflowPassword !== undefined)
      new k8s.core.v1.Secret(
        this.childName("mlflow"),
        { metadata: { ...metadata, name: SECRET }, stringData: { password: args.mlflowPassword } },
        child,
      );
    const spec = {
      backoffLimit: 0,
      activeDeadlineSeconds: args.maxMinutes * 60,
      template: {
        metadata: { labels: { ...args.labels, ...SELECTOR } },
        spec: {
          restartPolicy: "Never",
          ...evaluationPod({
            image: args.image,
            program: "evals/bin/evaluate.ts",
            configMap,
            gatewayKey: args.gatewayKey,
            mlflowSecret: args.mlflowPassword === undefined ? undefined : SECRET,
          }),
        },
      },
    };
    new k8s.batch.v1.CronJob(
      this.childName("nightly"),
      {
        metadata: { ...metadata, name: "evaluation" },
        spec: {
          ...nightly(args.schedule),
          jobTemplate: { spec },
        },
      },
      child,
    );
    new k8s.batch.v1.Job(
      this.childName("change"),
      {
        metadata: {
          ...metadata,
          name: `evaluation-${hash}`,
          annotations: UNAWAITED,
        },
        spec,
      },
      { ...child, deleteBeforeReplace: true },
    );
    this.registerOutputs({});
  }
}
