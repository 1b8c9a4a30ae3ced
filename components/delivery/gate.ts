import type { IAnalysisTemplateSpec } from "@kubernetes-models/argo-rollouts/argoproj.io/v1alpha1/AnalysisTemplateSpec";
import { SYSTEM_NODE_LABEL } from "../cluster/handle.ts";
import { refuse } from "../component.ts";
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

/** The gate of what answers under a name. */
export interface ServedGate {
  /** Name clients use: a model's or an adapter's. */
  readonly model: string;
  readonly gate: GateArgs;
  /** Text of the signed report; absent until it is in the repository, and then nothing passes. */
  readonly report?: string;
}

/** @throws pulumi.InputPropertyError for an image without digest */
export function validateGates(gates: readonly ServedGate[]): void {
  for (const { model, gate } of gates)
    if (!/@sha256:[0-9a-f]{64}$/.test(gate.image))
      refuse("gates", `the image '${gate.image}' of the gate of ${model} is not pinned by digest`);
}

/** Annotations of a workload that name the evaluation of everything it answers under. */
export function evaluationsOf(gates: readonly ServedGate[]): Record<string, string> {
  return Object.fromEntries(
    gates.flatMap(({ model, gate: { evaluation } }) =>
      (["report", "model", "prompt", "guardrails", "date"] as const).map((key) => [
        `${model}.evaluation.llmops.io/${key}`,
        evaluation[key],
      ]),
    ),
  );
}

const USER = 65_532;

/** Seconds a report may take to verify; no report means no pod, and then the delivery is aborted. */
const DEADLINE_SECONDS = 300;

/**
 * Where a gate stands. Only before a delivery may a report be too old: a pod that starts again must not fail for the age of what let it in.
 * An engine knows neither prompts nor guardrails, so its pods ask for any signed report about their weights; the gateway's ask for the whole.
 */
export type GatePlace = "delivery" | "gateway" | "engine";

/** Volume of a pod with the signed report about a name. */
export function volumeOf(model: string): string {
  return `evaluation-${model}`;
}

/** ConfigMap with the signed report about a name, for the gate of a delivery. */
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
export function gateTemplate(gates: readonly ServedGate[]): IAnalysisTemplateSpec {
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
                  // All of them must end well.
                  containers: gates.map(({ model, gate }) =>
                    gateContainer(
                      { name: `gate-${model}`, volume: volumeOf(model), place: "delivery" },
                      gate,
                    ),
                  ),
                  volumes: gates.map(({ model }) => ({
                    name: volumeOf(model),
                    configMap: { name: reportName(model) },
                  })),
                },
              },
            },
          },
        },
      },
    ],
  };
}
