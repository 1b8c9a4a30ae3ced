import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import * as k8s from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";
import { HelmAddon } from "../components/addon/helm-addon.ts";
import type { AuditDestination } from "../components/audit/destination.ts";
import type { ClusterHandle } from "../components/cluster/handle.ts";
import { ModelRollout } from "../components/delivery/model-rollout.ts";
import type { ServedGate } from "../components/delivery/gate.ts";
import { surroundingHashes } from "../policies/controls/served.ts";
import { answersOf } from "./answers.ts";
import { gatewayConfiguration } from "./gateway-configuration.ts";
import type { PlatformConfig } from "./schema/platform.ts";

type Model = PlatformConfig["models"][number];

/** Folder of signed evaluation reports; each file is named after its digest. */
const REPORTS = new URL("./evaluations/", import.meta.url);

/** Controller of deliveries, where a model asks for more than rolling updates. */
export function rolloutsController(
  name: string,
  config: PlatformConfig,
  cluster: ClusterHandle,
): HelmAddon | undefined {
  if (config.models.every(({ delivery }) => delivery.strategy === "rolling")) return undefined;
  const namespace = new k8s.core.v1.Namespace(
    `${name}-argo-rollouts-namespace`,
    { metadata: { name: "argo-rollouts", labels: { "pod-security.kubernetes.io/enforce": "restricted" } } },
    { provider: cluster.provider },
  );
  return new HelmAddon(
    `${name}-argo-rollouts`,
    { chart: "argo-rollouts", namespace: "argo-rollouts" },
    { providers: { kubernetes: cluster.provider }, dependsOn: namespace },
  );
}

/** Text of a signed report in the repository; undefined while nobody has committed it, and then nothing is promoted. */
function signedReport(digest: string): string | undefined {
  const file = new URL(`${digest.replace("sha256:", "")}.json`, REPORTS);
  return existsSync(fileURLToPath(file)) ? readFileSync(file, "utf8") : undefined;
}

/** Gates of everything a model answers under; none where evaluations are advice. The schema lets none be missing where they are required. */
export function gatesOf(
  config: PlatformConfig,
  model: Model,
  audit: Pick<AuditDestination, "bucket" | "subjectKeys">,
): ServedGate[] {
  const { evaluation, loops } = config;
  const { image } = loops;
  const { signer } = evaluation;
  if (evaluation.gate === "advisory" || image === undefined || signer === undefined) return [];
  // The file is plain data; its text is what the cluster gets.
  const configuration = JSON.parse(JSON.stringify(gatewayConfiguration(config, audit))) as Parameters<
    typeof surroundingHashes
  >[0];
  return answersOf(model).flatMap(({ name, weights, evaluation: reference }): ServedGate[] => {
    if (reference === undefined) return [];
    const report = signedReport(reference.report);
    return [
      {
        model: name,
        gate: {
          image,
          signerPem: signer,
          environment: config.environment,
          minSamples: evaluation.minSamples,
          maxAgeDays: evaluation.maxAgeDays,
          served: { model: weights, ...surroundingHashes(configuration, name) },
          evaluation: reference,
        },
        ...(report === undefined ? {} : { report }),
      },
    ];
  });
}

/** What a delivery stands on. */
export interface DeliveryTarget {
  readonly cluster: ClusterHandle;
  readonly audit: Pick<AuditDestination, "bucket" | "subjectKeys">;
  readonly labels: Readonly<Record<string, string>>;
  readonly after: readonly pulumi.Resource[];
}

/** Delivery of one model by Argo Rollouts; undefined for rolling updates, which the Deployment does itself. */
export function deliver(
  name: string,
  config: PlatformConfig,
  model: Model,
  { cluster, audit, labels, after }: DeliveryTarget,
): ModelRollout | undefined {
  const { delivery } = model;
  if (delivery.strategy === "rolling") return undefined;
  return new ModelRollout(
    `${name}-delivery-${model.name}`,
    {
      model: model.name,
      namespace: model.tenant,
      engine: model.engine,
      ttftP95Ms: model.slo.ttftP95Ms,
      delivery,
      drainSeconds: delivery.preStopSeconds + delivery.drainSeconds,
      gates: gatesOf(config, model, audit),
      labels,
    },
    { providers: { kubernetes: cluster.provider }, dependsOn: [...after] },
  );
}
