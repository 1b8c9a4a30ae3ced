import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse, stringify } from "yaml";
import { pinnedChart } from "../../../charts/catalog.ts";
import { LOOPS_NAMESPACE } from "../../../components/loops/address.ts";
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

/** The executor's image of the chart; nothing is pulled here. */
const EXECUTOR_IMAGE = `quay.io/argoproj/argoexec:${ARGO_WORKFLOWS.version}`;

const ACCOUNT = { namespace: LOOPS_NAMESPACE, name: "workflow-controller" } as const;
const CONFIGURATION = "workflow-controller-configmap";

interface Values {
  readonly controller: { readonly workflowRestrictions: object };
  readonly executor: { readonly resources: object; readonly securityContext: object };
}

/**
 * What the chart makes of our values. Ports of metrics are fixed, so they stay closed here.
 * @see https://github.com/argoproj/argo-helm/blob/main/charts/argo-workflows/templates/controller/workflow-controller-config-map.yaml
 */
function configuration(): KubeObject {
  const { controller, executor } = pinnedChart("argo-workflows").values as unknown as Values;
  return {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: CONFIGURATION, namespace: LOOPS_NAMESPACE },
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
    metadata: { ...found.metadata, namespace: LOOPS_NAMESPACE },
    rules: found.rules.filter(({ resources }) => !resources.includes("secrets")),
  };
}

/**
 * Starts the controller of Argo Workflows for the namespace of the loops, with the rights and the configuration of the chart.
 * Its definitions and the namespace must be there.
 * @throws Error with the last output when it does not start
 */
export async function startArgoWorkflows(api: ApiServer): Promise<void> {
  const bin = join(await ensureTool(ARGO_WORKFLOWS, (text) => process.stderr.write(`${text}\n`)), "bin");
  const rights = role();
  await api.mustApply({ apiVersion: "v1", kind: "ServiceAccount", metadata: ACCOUNT });
  await api.mustApply(rights);
  await api.mustApply({
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "RoleBinding",
    metadata: ACCOUNT,
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: rights.metadata.name },
    subjects: [{ kind: "ServiceAccount", ...ACCOUNT }],
  });
  await api.mustApply(configuration());
  const name = "workflow-controller";
  api.processes.start(name, {
    command: join(bin, name),
    args: [
      `--kubeconfig=${writeKubeconfig(api, { name, token: await tokenOf(api, ACCOUNT) })}`,
      `--namespace=${LOOPS_NAMESPACE}`,
      `--configmap=${CONFIGURATION}`,
      `--executor-image=${EXECUTOR_IMAGE}`,
      "--namespaced",
    ],
    env: { ...process.env, LEADER_ELECTION_DISABLE: "true" },
    cwd: api.folder,
  });
  await api.processes.ready(name, () =>
    Promise.resolve(api.processes.output(name).includes("Starting Workflow Controller")),
  );
}
