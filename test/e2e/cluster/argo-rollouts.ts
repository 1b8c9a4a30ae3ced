import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { ensureGoModule, type GoModule } from "../../../tools/go-module.ts";
import { ARGO_ROLLOUTS, ensureTool } from "../../../tools/go-tool.ts";
import type { ApiServer } from "./api-server.ts";
import type { KubeObject } from "./kube-object.ts";
import { tokenOf, writeKubeconfig } from "./kubeconfig.ts";
import { freePort } from "./processes.ts";

/** Files of the project: definitions and roles. */
export const ARGO_ROLLOUTS_FILES: GoModule = {
  module: "github.com/argoproj/argo-rollouts",
  version: ARGO_ROLLOUTS.version,
  sum: "h1:+oZciUkeJYVb1vPMOhat4JQlk525j/aT2yizEkVkjLs=",
};

const ACCOUNT = { namespace: "argo-rollouts", name: "argo-rollouts" } as const;

interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
}

/** Groups of Kubernetes and of Argo itself: the chart's values turn off the rights for traffic routers of others. */
const GROUPS = new Set([
  "",
  "apps",
  "argoproj.io",
  "batch",
  "coordination.k8s.io",
  "extensions",
  "networking.k8s.io",
]);

function clusterRole(): KubeObject {
  const file = join(
    ensureGoModule(ARGO_ROLLOUTS_FILES),
    "manifests",
    "role",
    "argo-rollouts-clusterrole.yaml",
  );
  const role = parse(readFileSync(file, "utf8")) as KubeObject & { readonly rules: readonly Rule[] };
  return {
    ...role,
    rules: role.rules.filter(({ apiGroups }) => apiGroups.every((group) => GROUPS.has(group))),
  };
}

/**
 * Starts the controller of Argo Rollouts with the rights the chart gives it. Its definitions and namespace must be there.
 * @throws Error with the last output when it does not become healthy
 */
export async function startArgoRollouts(api: ApiServer): Promise<void> {
  const bin = join(await ensureTool(ARGO_ROLLOUTS, (text) => process.stderr.write(`${text}\n`)), "bin");
  const role = clusterRole();
  await api.mustApply({ apiVersion: "v1", kind: "ServiceAccount", metadata: ACCOUNT });
  await api.mustApply(role);
  await api.mustApply({
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "ClusterRoleBinding",
    metadata: { name: role.metadata.name },
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: role.metadata.name },
    subjects: [{ kind: "ServiceAccount", ...ACCOUNT }],
  });
  const [metrics, health] = [await freePort(), await freePort()];
  api.processes.start("argo-rollouts", {
    command: join(bin, "rollouts-controller"),
    args: [
      `--kubeconfig=${writeKubeconfig(api, { name: ACCOUNT.name, token: await tokenOf(api, ACCOUNT) })}`,
      "--leader-elect=false",
      `--metricsPort=${metrics}`,
      `--healthzPort=${health}`,
    ],
    cwd: api.folder,
  });
  await api.processes.ready("argo-rollouts", async () => {
    const { status } = await fetch(`http://127.0.0.1:${health}/healthz`);
    return status === 200;
  });
}
