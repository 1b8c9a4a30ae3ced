import { adaptersOf } from "../../../components/serving/engine.ts";
import { SHORTEST_WATCH_MINUTES, WATCH_DELAY_MINUTES } from "../../../components/delivery/strategy.ts";
import type { PlatformConfig } from "../platform.ts";
import type { ConfigProblem } from "../problem.ts";
import { problem, type Check } from "./check.ts";

type Model = PlatformConfig["models"][number];

/** Replicas a delivery runs besides the old ones. */
function spareReplicas({ delivery }: Model): number {
  return delivery.surge.kind === "spare-gpus" ? delivery.surge.replicas : 0;
}

/** Most replicas at one time: what the scaler may reach, and those a delivery adds. */
export function mostReplicas(model: Model): number {
  return model.autoscaling.maxReplicas + spareReplicas(model);
}

/** Both colours serve at the moment of the switch, so a blue-green delivery starts only where the new one has room. */
function colourHasRoom(model: Model, index: number): ConfigProblem[] {
  const { minReplicas } = model.autoscaling;
  if (model.delivery.strategy !== "blue-green" || spareReplicas(model) >= minReplicas) return [];
  return [
    problem(
      ["models", index, "delivery", "surge", "replicas"],
      spareReplicas(model),
      `${spareReplicas(model)} spare replicas < minReplicas ${minReplicas}: the new colour could never take over`,
      `set it to at least ${minReplicas}, or use strategy: canary with surge: {kind: in-place}`,
    ),
  ];
}

/** Otherwise the next share, or the rest of the replicas, follows before anything was measured. */
function firstStepIsWatched({ delivery }: Model, index: number): ConfigProblem[] {
  if (delivery.strategy !== "canary") return [];
  const minutes = delivery.steps[0]?.minutes ?? 0;
  if (minutes >= SHORTEST_WATCH_MINUTES) return [];
  return [
    problem(
      ["models", index, "delivery", "steps", 0, "minutes"],
      minutes,
      `the watch measures after ${WATCH_DELAY_MINUTES} minutes, then each minute, and aborts at the second failure`,
      `set it to at least ${SHORTEST_WATCH_MINUTES}`,
    ),
  ];
}

/** Where evaluations are required, everything a model answers under needs what its gates look at. */
function gateIsComplete({ models, evaluation, loops }: PlatformConfig): ConfigProblem[] {
  if (evaluation.gate === "advisory" || models.length === 0) return [];
  const needed = (path: readonly (string | number)[], value: unknown, fix: string): ConfigProblem[] =>
    value === undefined
      ? [problem(path, value, "evaluation.gate is required, and the gates of the models look at it", fix)]
      : [];
  const reference =
    "write the digest of the signed report and what it covers; `llmops policy check` names the hashes";
  return [
    ...needed(
      ["evaluation", "signer"],
      evaluation.signer,
      "write the public key that evaluations are signed with",
    ),
    ...needed(["loops", "image"], loops.image, "build loops/Dockerfile and write its image with digest"),
    ...models.flatMap((model, index) => [
      ...needed(["models", index, "delivery", "evaluation"], model.delivery.evaluation, reference),
      ...adaptersOf(model.engine).flatMap((adapter, at) =>
        needed(["models", index, "engine", "adapters", at, "evaluation"], adapter.evaluation, reference),
      ),
    ]),
  ];
}

/** Rules about deliveries. */
export const deliveryChecks: readonly Check[] = [
  { needs: ["models"], run: ({ models }) => models.flatMap(colourHasRoom) },
  { needs: ["models"], run: ({ models }) => models.flatMap(firstStepIsWatched) },
  { needs: ["models", "evaluation", "loops"], run: gateIsComplete },
];
