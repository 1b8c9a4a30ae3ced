import { Command, InvalidArgumentError } from "commander";
import { stringify } from "yaml";
import { memoryBalance } from "../capacity/memory.ts";
import { exportHpa, type ScaledObjectParts } from "../components/autoscaling/hpa-export.ts";
import type { ScalingBehaviour } from "../components/autoscaling/model-scaler.ts";
import type { ScalerTrigger } from "../components/autoscaling/trigger.ts";
import { ACCELERATOR_SPECS } from "../components/gpu/accelerators.ts";
import { calibrationJob } from "../components/serving/calibration-job.ts";
import { enginePort } from "../components/serving/engine.ts";
import { ofType } from "../graph/graph.ts";
import { planStack } from "../plan/stack-plan.ts";
import { readStack } from "../stacks/schema/stack-file.ts";
import { mirroredImage } from "../supply-chain/mirror.ts";
import { print, printJson, progress, STACKS_FOLDER } from "./context.ts";
import { exportKServeCommand, exportLlmDCommand, exportTrueFoundryCommand } from "./export-models.ts";

/** A ScaledObject of our own component, as it stands in the graph. */
interface OwnScaledObject {
  readonly metadata: { readonly name: string; readonly namespace: string };
  readonly spec: {
    readonly minReplicaCount: number;
    readonly maxReplicaCount: number;
    readonly advanced: { readonly horizontalPodAutoscalerConfig: { readonly behavior: ScalingBehaviour } };
    readonly triggers: readonly ScalerTrigger[];
  };
}

function partsOf({ metadata, spec }: OwnScaledObject): ScaledObjectParts {
  return {
    ...metadata,
    minReplicas: spec.minReplicaCount,
    maxReplicas: spec.maxReplicaCount,
    behavior: spec.advanced.horizontalPodAutoscalerConfig.behavior,
    triggers: spec.triggers,
  };
}

async function run({ stack, json }: { readonly stack: string; readonly json?: true }): Promise<void> {
  const { plan } = await planStack(stack, readStack(STACKS_FOLDER, stack));
  const exports = ofType(plan.graph, "kubernetes:keda.sh/v1alpha1:ScaledObject").map(({ inputs }) =>
    exportHpa(partsOf(inputs as unknown as OwnScaledObject)),
  );
  if (json === true) {
    printJson(exports);
    return;
  }
  for (const { autoscaler, lost } of exports) {
    print(`---\n${stringify(autoscaler, { lineWidth: 0 })}`.trimEnd());
    for (const what of lost) progress(`note: ${what}`);
  }
  print(`---\n# Values of the chart prometheus-adapter`);
  print(
    stringify(
      { rules: { external: exports.flatMap(({ adapterRules }) => adapterRules) } },
      { lineWidth: 0 },
    ).trimEnd(),
  );
}

interface CalibrationOptions {
  readonly stack: string;
  readonly model: string;
  readonly json?: true;
}

/**
 * Prints the Job that measures one model of a stack.
 * @throws InvalidArgumentError when the stack has no such model or names no gateway image
 */
function calibration({ stack, model: name, json }: CalibrationOptions): void {
  const config = readStack(STACKS_FOLDER, stack);
  const model = config.models.find((candidate) => candidate.name === name);
  if (model === undefined)
    throw new InvalidArgumentError(
      `--model: stack ${stack} has no model '${name}'; it has ${config.models.map((each) => each.name).join(", ") || "none"}`,
    );
  const pool = config.gpuPools.find((candidate) => candidate.name === model.gpu.pool);
  const { image } = config.gateway;
  if (pool === undefined || image === undefined)
    throw new InvalidArgumentError(
      `--stack: ${stack} has no ${pool === undefined ? "such GPU pool" : "gateway.image"}`,
    );
  const { tensorParallel } = model.gpu;
  const { cacheTokens } = memoryBalance(model.architecture, {
    tensorParallel,
    gpuMemoryGiB: ACCELERATOR_SPECS[pool.accelerator].memoryGiB,
  });
  const manifests = calibrationJob({
    model: model.name,
    namespace: model.tenant,
    enginePort: enginePort(model.engine),
    image: config.registryMirror === undefined ? image : mirroredImage(image, config.registryMirror),
    what: `${model.name} on ${model.engine.kind}, ${tensorParallel} x ${pool.accelerator}`,
    cacheTokens,
    maxNumSeqs: model.engine.maxNumSeqs,
    maxModelLen: model.engine.maxModelLen,
    labels: { "llmops.io/client": config.client, "llmops.io/environment": config.environment },
  });
  if (json === true) printJson(manifests);
  else for (const manifest of manifests) print(`---\n${stringify(manifest, { lineWidth: 0 })}`.trimEnd());
  progress(
    `note: measures every replica of ${model.tenant}/${model.name} without gateway or records; keep callers away and scale it to one replica (annotation autoscaling.keda.sh/paused-replicas: "1"). Then: kubectl logs -n llm-gateway job/calibrate-${model.name} | tail -n 1 > measured.json && npx llmops calibrate --file measured.json`,
  );
}

/** `llmops export`: parts of a stack for clusters that lack what the blueprint installs. */
export function exportCommand(): Command {
  return new Command("export")
    .description("write parts of a stack for other tools")
    .addCommand(
      new Command("hpa")
        .description(
          "every model's scaler as a HorizontalPodAutoscaler and rules of the Prometheus adapter, for clusters without KEDA",
        )
        .requiredOption("-s, --stack <stack>", "stack to export")
        .option("--json", "print JSON")
        .action(run),
    )
    .addCommand(exportKServeCommand())
    .addCommand(exportLlmDCommand())
    .addCommand(exportTrueFoundryCommand())
    .addCommand(
      new Command("calibration")
        .description("a Job that measures one model's replica; `llmops calibrate` reads what it prints")
        .requiredOption("-s, --stack <stack>", "stack the model is deployed by")
        .requiredOption("--model <name>", "model to measure")
        .option("--json", "print JSON")
        .action(calibration),
    );
}
