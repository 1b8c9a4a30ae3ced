import type { IAnalysisTemplateSpec } from "@kubernetes-models/argo-rollouts/argoproj.io/v1alpha1/AnalysisTemplateSpec";
import { SYSTEM_NODE_LABEL } from "../cluster/handle.ts";
import { restrictedContainer, restrictedPod } from "../restricted.ts";

/** What is put into service: an evaluation counts for exactly this. */
export interface ServedVersion {
  /** `sha256:<hex>` of the weights, or `gitCommit:<hex>` of their repository. */
  readonly model: string;
  /** Hash of the system prompts, or `none`. */
  readonly prompt: string;
  /** Hash of the guardrails. */
  readonly guardrails: string;
}

/** Reference to a signed evaluation, as the stack file declares it. */
export interface EvaluationReference extends ServedVersion {
  /** Digest of the signed report. */
  readonly report: string;
  /** Hash of the cases that were asked. */
  readonly dataSets: string;
  /** ISO date. */
  readonly date: string;
}

/** Gate in front of every change that would get traffic. */
export interface GateArgs {
  /** Image built from `loops/Dockerfile`, pinned by digest. */
  readonly image: string;
  /** Ed25519 public key of whoever signs evaluations, PEM. */
  readonly signerPem: string;
  readonly environment: string;
  readonly minSamples: number;
  readonly maxAgeDays: number;
  readonly served: ServedVersion;
  readonly evaluation: EvaluationReference;
}

const USER = 65_532;

/** Seconds a report may take to verify; no report means no pod, and then the delivery is aborted. */
const DEADLINE_SECONDS = 300;

/** Whether a report may be too old; a pod that starts again must not fail for the age of what let it in. */
export type ReportAge = "judged" | "any";

/** ConfigMap with the signed report of a model. */
export function reportName(model: string): string {
  return `${model}-evaluation`;
}

/** The gate as a container of a pod. */
export interface GateContainer {
  name: string;
  image: string;
  args: string[];
  env: { name: string; value: string }[];
  resources: { requests: { cpu: string; memory: string }; limits: { memory: string } };
  securityContext: ReturnType<typeof restrictedContainer>;
  volumeMounts: { name: string; mountPath: string; readOnly: true }[];
}

/** Where the gate finds the report. */
const MOUNT = "/evaluation";

/** A container that ends well only where the signed report in a volume admits exactly what is served. */
export function gateContainer(
  { name, volume, age }: { readonly name: string; readonly volume: string; readonly age: ReportAge },
  gate: GateArgs,
): GateContainer {
  const { served, evaluation } = gate;
  return {
    name,
    image: gate.image,
    args: [
      "gate",
      `--file=${MOUNT}/report.json`,
      `--report=${evaluation.report}`,
      `--model=${served.model}`,
      `--prompt=${served.prompt}`,
      `--guardrails=${served.guardrails}`,
      `--data-sets=${evaluation.dataSets}`,
      `--environment=${gate.environment}`,
      `--min-samples=${gate.minSamples}`,
      `--max-age-days=${age === "any" ? age : gate.maxAgeDays}`,
    ],
    env: [{ name: "EVALUATION_SIGNER", value: gate.signerPem }],
    resources: { requests: { cpu: "100m", memory: "128Mi" }, limits: { memory: "128Mi" } },
    securityContext: restrictedContainer(),
    volumeMounts: [{ name: volume, mountPath: MOUNT, readOnly: true }],
  };
}

/**
 * Verifies the signed evaluation inside the cluster, before the new version gets a request. A missing report, another
 * signer, another version and an old date all fail.
 */
export function gateTemplate(model: string, gate: GateArgs): IAnalysisTemplateSpec {
  return {
    metrics: [
      {
        name: "signed-evaluation",
        count: 1,
        failureLimit: 0,
        provider: {
          job: {
            spec: {
              backoffLimit: 0,
              activeDeadlineSeconds: DEADLINE_SECONDS,
              ttlSecondsAfterFinished: 86_400,
              template: {
                spec: {
                  restartPolicy: "Never",
                  automountServiceAccountToken: false,
                  enableServiceLinks: false,
                  nodeSelector: { ...SYSTEM_NODE_LABEL },
                  securityContext: restrictedPod(USER),
                  containers: [gateContainer({ name: "gate", volume: "evaluation", age: "judged" }, gate)],
                  volumes: [{ name: "evaluation", configMap: { name: reportName(model) } }],
                },
              },
            },
          },
        },
      },
    ],
  };
}
