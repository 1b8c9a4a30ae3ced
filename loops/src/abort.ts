import { z } from "zod";
import { callKubernetes, type KubernetesAccess } from "./kubernetes.ts";

const rollout = z.object({
  status: z.object({ stableRS: z.string().optional(), currentPodHash: z.string().optional() }).prefault({}),
});

/** What an abort led to. */
export type Abort =
  | { readonly kind: "aborted"; readonly from: string; readonly to: string }
  /** Only one version is there: going back is a change for a person to merge. */
  | { readonly kind: "nothing-in-progress" };

/**
 * Aborts a delivery, so that traffic returns to the version that served before. It asks for `get` on the rollout and
 * `patch` on its status, and for nothing else.
 * @throws KubernetesError when the API server refuses it
 */
export async function abortRollout(
  access: KubernetesAccess,
  { namespace, name }: { readonly namespace: string; readonly name: string },
): Promise<Abort> {
  const path = `/apis/argoproj.io/v1alpha1/namespaces/${namespace}/rollouts/${name}`;
  const { status } = rollout.parse(await callKubernetes(access, "GET", path));
  const { stableRS, currentPodHash } = status;
  if (
    stableRS === undefined ||
    stableRS === "" ||
    currentPodHash === undefined ||
    stableRS === currentPodHash
  )
    return { kind: "nothing-in-progress" };
  await callKubernetes(access, "PATCH", `${path}/status`, { status: { abort: true } });
  return { kind: "aborted", from: currentPodHash, to: stableRS };
}
