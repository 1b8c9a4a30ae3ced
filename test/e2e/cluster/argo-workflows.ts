import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse, stringify } from "yaml";
import { z } from "zod";
import { WORKFLOWS_NAMESPACE } from "../../../components/loops/address.ts";
import { ofType, type ResourceGraph } from "../../../graph/graph.ts";
import { ensureGoModule, type GoModule } from "../../../tools/go-module.ts";
import { ARGO_WORKFLOWS, ensureTool } from "../../../tools/go-tool.ts";
import type { ApiServer } from "./api-server.ts";
import type { KubeObject } from "./kube-object.ts";
import { tokenOf, writeKubeconfig } from "./kubeconfig.ts";

/** Files of the project: definitions and roles. */
export const ARGO_WORKFLOWS_FILES: GoModule = {
  module: "github.com/argoproj/argo-workflows/v4",
  version: ARGO_WORKFLOWS.version,
  sum: "h1:/1lru5oXUd+k6KEDUps6rLX5OKfi1jTfabgXTly/VFU=",
};

const CONFIGURATION = "workflow-controller-configmap";

/** Values the plan gives the chart, as far as they reach the controller. */
const chartValues = z.object({
  controller: z.object({
    extraArgs: z.array(z.string()),
    serviceAccount: z.object({ name: z.string() }),
    workflowRestrictions: z.record(z.string(), z.unknown()),
  }),
  executor: z.object({
    image: z.object({ registry: z.string(), repository: z.string(), tag: z.string() }),
    resources: z.record(z.string(), z.unknown()),
    securityContext: z.record(z.string(), z.unknown()),
  }),
});

type ChartValues = z.output<typeof chartValues>;

/**
 * What the chart makes of its values. Ports of metrics are fixed, so they stay closed here.
 * @see https://github.com/argoproj/argo-helm/blob/main/charts/argo-workflows/templates/controller/workflow-controller-config-map.yaml
 */
function configuration({ controller, executor }: ChartValues): KubeObject {
  return {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: CONFIGURATION, namespace: WORKFLOWS_NAMESPACE },
    data: {
      config: stringify({
        executor: { resources: executor.resources, securityContext: executor.securityContext },
        workflowRestrictions: controller.workflowRestrictions,
        nodeEvents: { enabled: true },
        metricsConfig: { enabled: false },
      }),
    },
  };
}

interface Rule {
  readonly resources: readonly string[];
}

/** The project's role for one namespace; the chart's reads no Secrets but those of an agent that HTTP steps use. */
function role(): KubeObject {
  const folder = join(ensureGoModule(ARGO_WORKFLOWS_FILES), "manifests", "namespace-install");
  const file = join(folder, "workflow-controller-rbac", "workflow-controller-role.yaml");
  const found = parse(readFileSync(file, "utf8")) as KubeObject & { readonly rules: readonly Rule[] };
  return {
    ...found,
    metadata: { ...found.metadata, namespace: WORKFLOWS_NAMESPACE },
    rules: found.rules.filter(({ resources }) => !resources.includes("secrets")),
  };
}

/**
 * Starts the controller of Argo Workflows with the values a plan gives its chart, and the rights: the chart's in its own namespace, in
 * that of the loops what the plan grants its account. Its definitions and both namespaces must be there.
 * @throws Error with the last output when it does not start
 */
export async function startArgoWorkflows(api: ApiServer, graph: ResourceGraph): Promise<void> {
  const bin = join(await ensureTool(ARGO_WORKFLOWS, (text) => process.stderr.write(`${text}\n`)), "bin");
  const release = ofType(graph, "kubernetes:helm.sh/v3:Release").find(
    ({ inputs }) => inputs["name"] === "argo-workflows",
  );
  const values = chartValues.parse(release?.inputs["values"]);
  const { controller, executor } = values;
  const account = { namespace: WORKFLOWS_NAMESPACE, name: controller.serviceAccount.name };
  const rights = role();
  await api.mustApply({ apiVersion: "v1", kind: "ServiceAccount", metadata: account });
  await api.mustApply(rights);
  await api.mustApply({
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "RoleBinding",
    metadata: account,
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: rights.metadata.name },
    subjects: [{ kind: "ServiceAccount", ...account }],
  });
  await api.mustApply(configuration(values));
  const name = "workflow-controller";
  const { registry, repository, tag } = executor.image;
  api.processes.start(name, {
    command: join(bin, name),
    args: [
      `--kubeconfig=${writeKubeconfig(api, { name, token: await tokenOf(api, account) })}`,
      `--namespace=${WORKFLOWS_NAMESPACE}`,
      `--configmap=${CONFIGURATION}`,
      `--executor-image=${registry}/${repository}:${tag}`,
      "--namespaced",
      ...controller.extraArgs,
    ],
    // A second instead of ten between two looks at the same workflow.
    env: { ...process.env, LEADER_ELECTION_DISABLE: "true", DEFAULT_REQUEUE_TIME: "1s" },
    cwd: api.folder,
  });
  await api.processes.ready(name, () =>
    Promise.resolve(api.processes.output(name).includes("Starting Workflow Controller")),
  );
}
