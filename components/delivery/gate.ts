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

/** ConfigMap with the signed report of a model. */
export function reportName(model: string): string {
  return `${model}-evaluation`;
}

/**
 * Verifies the signed evaluation inside the cluster, before the new version gets a request. A missing report, another
 * signer, another version and an old date all fail.
 */
export function gateTemplate(model: string, gate: GateArgs): IAnalysisTemplateSpec {
  const { served, evaluation } = gate;
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
                  containers: [
                    {
                      name: "gate",
                      image: gate.image,
                      args: [
                        "gate",
                        "--file=/evaluation/report.json",
                        `--report=${evaluation.report}`,
                        `--model=${served.model}`,
                        `--prompt=${served.prompt}`,
                        `--guardrails=${served.guardrails}`,
                        `--data-sets=${evaluation.dataSets}`,
                        `--environment=${gate.environment}`,
                        `--min-samples=${gate.minSamples}`,
                        `--max-age-days=${gate.maxAgeDays}`,
                      ],
                      env: [{ name: "EVALUATION_SIGNER", value: gate.signerPem }],
                      resources: {
                        requests: { cpu: "100m", memory: "128Mi" },
                        limits: { memory: "128Mi" },
                      },
                      securityContext: restrictedContainer(),
                      volumeMounts: [{ name: "evaluation", mountPath: "/evaluation", readOnly: true }],
                    },
                  ],
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
