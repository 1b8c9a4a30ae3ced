import * as k8s from "@pulumi/kubernetes";
import { clusterDns } from "../cluster/dns.ts";
import { SYSTEM_NODE_LABEL } from "../cluster/handle.ts";
import { LlmopsComponent, type ComponentOptions } from "../component.ts";
import { MLFLOW_CLIENT_LABEL } from "../evaluation/address.ts";
import {
  accountEnvironment,
  accountVariables,
  MLFLOW_ACCOUNT_SECRET,
  mlflowService,
  toMlflow,
  type MlflowClient,
} from "../evaluation/mlflow-client.ts";
import { nightly } from "../nightly.ts";
import { restrictedContainer, restrictedPod } from "../restricted.ts";

/** The nightly comparison of traces. */
export interface DriftJobArgs {
  /** Image built from jobs/drift/Dockerfile, pinned by digest. */
  readonly image: string;
  /** A Service of the cluster. */
  readonly mlflow: MlflowClient;
  /** Experiment the collector sends traces to. */
  readonly traces: string;
  /** Cron expression, UTC. */
  readonly schedule: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** Namespace of the job; nothing else runs in it. */
const NAMESPACE = "drift";
const SELECTOR = { "app.kubernetes.io/name": "drift" } as const;

/**
 * Compares yesterday's traces with those of a week before, and writes the result to MLflow as a run. The pod reaches DNS and MLflow only.
 * @throws RangeError when the address is not a Service of the cluster
 */
export class DriftJob extends LlmopsComponent {
  constructor(name: string, args: DriftJobArgs, opts: ComponentOptions) {
    super("observability", "DriftJob", name, opts);
    const { url, account } = args.mlflow;
    const mlflow = mlflowService(url);
    if (mlflow === undefined)
      throw new RangeError(`${url}: MLflow must be a Service, <name>.<namespace>.svc`);
    const namespace = new k8s.core.v1.Namespace(
      this.childName("namespace"),
      {
        metadata: {
          name: NAMESPACE,
          labels: {
            ...args.labels,
            ...MLFLOW_CLIENT_LABEL,
            "pod-security.kubernetes.io/enforce": "restricted",
          },
        },
      },
      { parent: this },
    );
    const inside = { parent: this, dependsOn: namespace };
    const metadata = { name: "drift", namespace: NAMESPACE, labels: { ...args.labels, ...SELECTOR } };
    new k8s.networking.v1.NetworkPolicy(
      this.childName("network"),
      {
        metadata,
        spec: {
          podSelector: {},
          policyTypes: ["Ingress", "Egress"],
          ingress: [],
          egress: [clusterDns(), toMlflow(mlflow)],
        },
      },
      inside,
    );
    if (account !== undefined)
      new k8s.core.v1.Secret(
        this.childName("account"),
        {
          metadata: { ...metadata, name: MLFLOW_ACCOUNT_SECRET },
          stringData: accountVariables(account),
        },
        inside,
      );
    new k8s.batch.v1.CronJob(
      this.childName("job"),
      {
        metadata,
        spec: {
          ...nightly(args.schedule),
          jobTemplate: {
            spec: {
              backoffLimit: 2,
              activeDeadlineSeconds: 1_800,
              template: { metadata: { labels: { ...args.labels, ...SELECTOR } }, spec: podSpec(args) },
            },
          },
        },
      },
      inside,
    );
    this.registerOutputs({});
  }
}

function podSpec({ image, mlflow, traces }: DriftJobArgs): k8s.types.input.core.v1.PodSpec {
  return {
    restartPolicy: "Never",
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    nodeSelector: SYSTEM_NODE_LABEL,
    securityContext: restrictedPod(65_532),
    containers: [
      {
        name: "drift",
        image,
        args: ["--mlflow", mlflow.url, "--traces", traces],
        ...accountEnvironment(mlflow),
        resources: { requests: { cpu: "250m", memory: "512Mi" }, limits: { memory: "1Gi" } },
        securityContext: restrictedContainer(),
        volumeMounts: [{ name: "scratch", mountPath: "/tmp" }],
      },
    ],
    volumes: [{ name: "scratch", emptyDir: { sizeLimit: "256Mi" } }],
  };
}
