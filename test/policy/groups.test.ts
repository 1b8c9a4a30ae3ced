import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { planStack } from "../../plan/stack-plan.ts";
import { blocking } from "../../policies/report.ts";
import { readStack } from "../../stacks/schema/stack-file.ts";
import { set, type Change } from "./changes.ts";
import { judged, type Planned } from "./environments.ts";

const GROUP = "kubernetes:leaderworkerset.x-k8s.io/v1:LeaderWorkerSet";
const WORKER = "spec.leaderWorkerTemplate.workerTemplate.spec";
let planned: Planned;

beforeAll(async () => {
  const shipped = readStack(join(import.meta.dirname, "..", "..", "stacks"), "acme-prod");
  const config = {
    ...shipped,
    models: shipped.models.map((model) => ({
      ...model,
      gpu: { ...model.gpu, nodes: 2 },
      autoscaling: { ...model.autoscaling, warmReplicas: 1 },
      delivery: {
        strategy: "rolling" as const,
        surge: { kind: "in-place" as const },
        preStopSeconds: 15,
        drainSeconds: 90,
        gracePeriodSeconds: 120,
      },
    })),
  };
  planned = { config, planned: await planStack("acme-prod", config) };
});

function stopped(change: Change): string[] {
  const before = new Set(blocking(judged(planned)).map(({ control }) => control));
  const found = blocking(judged(planned, { change })).map(({ control }) => control);
  return [...new Set(found)].filter((control) => !before.has(control));
}

describe("a replica over several nodes", () => {
  it("meets every control of workloads and engines", () => {
    const about = [
      "AIA-GOV-02",
      "AIA-GOV-03",
      "AIA-SEC-04",
      "AIA-SEC-03",
      "AIA-SEC-05",
      "AIA-OVR-03",
      "AIA-DPR-05",
    ];
    const { results } = judged(planned);
    const open = results
      .filter(({ control, status }) => about.includes(control) && status !== "pass")
      .map(({ control, status, findings }) => `${control} ${status} ${findings[0]?.message ?? ""}`);
    expect(open).toEqual([]);
  });

  it.each<[string, Change, string]>([
    [
      "a worker's image by tag",
      set(GROUP, "claims-assistant", `${WORKER}.containers.0.image`, "vllm:latest"),
      "AIA-GOV-03",
    ],
    [
      "a worker as root",
      set(GROUP, "claims-assistant", `${WORKER}.securityContext.runAsNonRoot`, false),
      "AIA-SEC-05",
    ],
    [
      "an engine everybody reaches",
      set("kubernetes:networking.k8s.io/v1:NetworkPolicy", "model-claims-assistant", "spec.ingress", [
        { from: [{ podSelector: {} }] },
      ]),
      "AIA-SEC-04",
    ],
  ])("is looked at in all its pods: %s", (_what, change, control) => {
    expect(stopped(change)).toEqual([control]);
  });
});
