import { Command } from "commander";
import { stringify } from "yaml";
import { exportHpa, type ScaledObjectParts } from "../components/autoscaling/hpa-export.ts";
import type { ScalerTrigger, ScalingBehaviour } from "../components/autoscaling/model-scaler.ts";
import { ofType } from "../graph/graph.ts";
import { planStack } from "../plan/stack-plan.ts";
import { readStack } from "../stacks/schema/stack-file.ts";
import { print, printJson, progress, STACKS_FOLDER } from "./context.ts";

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
    );
}
