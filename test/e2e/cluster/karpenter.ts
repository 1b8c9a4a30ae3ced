import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { instanceGpus } from "../../../components/gpu/accelerators.ts";
import type { GoModule } from "../../../tools/go-module.ts";
import { ensureTool, KARPENTER } from "../../../tools/go-tool.ts";
import { define, type ApiServer } from "./api-server.ts";
import { definitionsOf } from "./custom-resources.ts";
import type { KubeObject } from "./kube-object.ts";
import { freePort } from "./processes.ts";

/** Files of the project: definitions, also of the simulated cloud's machines. */
const KARPENTER_FILES: GoModule = {
  module: "sigs.k8s.io/karpenter",
  version: KARPENTER.version,
  sum: "h1:GjqvOHLjl2+OXM0ti5VEZSQuvcitB0pETd8zdChXEtI=",
};

const MACHINES = { group: "karpenter.kwok.sh", kind: "KWOKNodeClass", name: "simulated" } as const;

/** A kind of machine that the simulated cloud has, in a zone, under a contract. */
export interface Offer {
  readonly instanceType: string;
  readonly zone: string;
  /** How the machine is paid: a rung of the ladder. */
  readonly capacityType: string;
  /** USD/h. */
  readonly price: number;
}

/** One machine type in the form of Karpenter's simulated cloud. */
function machineType(name: string, offers: readonly Offer[]): object {
  const machine = instanceGpus("aws", name);
  if (machine === undefined) throw new RangeError(`size of '${name}' is not known`);
  return {
    name,
    architecture: "amd64",
    operatingSystems: ["linux"],
    resources: {
      cpu: `${machine.vcpus}`,
      memory: `${machine.memoryGiB}Gi`,
      pods: "58",
      "ephemeral-storage": "200Gi",
      "nvidia.com/gpu": `${machine.gpus}`,
    },
    offerings: offers.map(({ zone, capacityType, price }) => ({
      price,
      available: true,
      requirements: [
        { key: "topology.kubernetes.io/zone", operator: "In", values: [zone] },
        { key: "karpenter.sh/capacity-type", operator: "In", values: [capacityType] },
      ],
    })),
  };
}

interface NodePoolSpec {
  readonly template: { readonly spec: object };
}

/** A NodePool whose machines come from the simulated cloud instead of EC2; all else as it is. */
export function onSimulatedCloud(pool: KubeObject): KubeObject {
  const spec = pool["spec"] as NodePoolSpec;
  return {
    ...pool,
    spec: {
      ...spec,
      template: { ...spec.template, spec: { ...spec.template.spec, nodeClassRef: MACHINES } },
    },
  };
}

/**
 * Starts Karpenter on a simulated cloud, and defines its kinds. Its nodes need kubelets: `startKubelets`.
 * @throws Error with the last output when it does not become ready
 */
export async function startKarpenter(api: ApiServer, offers: readonly Offer[]): Promise<void> {
  const bin = join(await ensureTool(KARPENTER, (text) => process.stderr.write(`${text}\n`)), "bin");
  for (const folder of ["pkg/apis/crds", "kwok/apis/crds"])
    await define(api, definitionsOf({ ...KARPENTER_FILES, folder }));
  await api.mustApply({
    apiVersion: `${MACHINES.group}/v1alpha1`,
    kind: MACHINES.kind,
    metadata: { name: MACHINES.name },
  });
  const file = join(api.folder, "machine-types.json");
  const types = Map.groupBy(offers, ({ instanceType }) => instanceType);
  writeFileSync(file, JSON.stringify([...types].map(([name, some]) => machineType(name, some))));
  const [metrics, health] = [await freePort(), await freePort()];
  api.processes.start("karpenter", {
    command: join(bin, "kwok"),
    args: [
      `--instance-types-file-path=${file}`,
      `--metrics-port=${metrics}`,
      `--health-probe-port=${health}`,
      "--disable-leader-election=true",
    ],
    env: { ...process.env, KUBECONFIG: api.kubeconfig, SYSTEM_NAMESPACE: "kube-system" },
    cwd: api.folder,
  });
  await api.processes.ready("karpenter", async () => {
    const { status } = await fetch(`http://127.0.0.1:${health}/readyz`);
    return status === 200;
  });
}
