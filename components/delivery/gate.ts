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

/** Annotations of a workload that name the evaluation of what answers under a name. */
export function evaluationAnnotations(
  served: string,
  { report, model, prompt, guardrails, date }: EvaluationReference,
): Record<string, string> {
  return Object.fromEntries(
    Object.entries({ report, model, prompt, guardrails, date }).map(([key, value]) => [
      `${served}.evaluation.llmops.io/${key}`,
      value,
    ]),
  );
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

/**
 * Where a gate stands. Only before a delivery may a report be too old: a pod that starts again must not fail for the age of what let it in.
 * An engine knows neither prompts nor guardrails, so its pods ask for any signed report about their weights; the gateway's ask for the whole.
 */
export type GatePlace = "delivery" | "gateway" | "engine";

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

/** A container that ends well only where the signed report in a volume admits what is served. */
export function gateContainer(
  { name, volume, place }: { readonly name: string; readonly volume: string; readonly place: GatePlace },
  gate: GateArgs,
): GateContainer {
  const { served, evaluation } = gate;
  const unlessEngine = (value: string): string => (place === "engine" ? "any" : value);
  return {
    name,
    image: gate.image,
    args: [
      "gate",
      `--file=${MOUNT}/report.json`,
      `--report=${unlessEngine(evaluation.report)}`,
      `--model=${served.model}`,
      `--prompt=${unlessEngine(served.prompt)}`,
      `--guardrails=${unlessEngine(served.guardrails)}`,
      `--data-sets=${unlessEngine(evaluation.dataSets)}`,
      `--environment=${gate.environment}`,
      `--min-samples=${gate.minSamples}`,
      `--max-age-days=${place === "delivery" ? gate.maxAgeDays : "any"}`,
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
                  containers: [
                    gateContainer({ name: "gate", volume: "evaluation", place: "delivery" }, gate),
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
