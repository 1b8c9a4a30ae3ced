import { createHash } from "node:crypto";
import { callKubernetes, KubernetesError, type KubernetesAccess } from "./kubernetes.ts";
import type { AskingAlert } from "./decision.ts";

/** Where workflows run. */
export interface WorkflowTarget extends KubernetesAccess {
  readonly namespace: string;
}

/** Name of the workflow an alert leads to: the same alert never leads to two. */
export function workflowName({ loop, model, fingerprint, startsAt }: AskingAlert): string {
  const id = createHash("sha256").update(`${fingerprint} ${startsAt}`).digest("hex").slice(0, 10);
  return `${loop}-${model}-${id}`;
}

function pathOf({ namespace }: WorkflowTarget): string {
  return `/apis/argoproj.io/v1alpha1/namespaces/${namespace}/workflows`;
}

/**
 * Starts the workflow of an alert from its template; one that is there already is left alone.
 * @throws KubernetesError when the API server refuses it
 */
export async function submitWorkflow(
  target: WorkflowTarget,
  asking: AskingAlert,
  { template, namespace }: { readonly template: string; readonly namespace: string },
): Promise<string> {
  const name = workflowName(asking);
  try {
    await callKubernetes(target, "POST", pathOf(target), {
      apiVersion: "argoproj.io/v1alpha1",
      kind: "Workflow",
      metadata: { name, namespace: target.namespace, labels: { "llmops.io/loop": asking.loop } },
      spec: {
        workflowTemplateRef: { name: template },
        arguments: {
          parameters: [
            { name: "model", value: asking.model },
            { name: "namespace", value: namespace },
            { name: "alert", value: asking.alert },
          ],
        },
      },
    });
  } catch (error) {
    if (!(error instanceof KubernetesError) || error.status !== 409) throw error;
  }
  return name;
}

/**
 * Ends the workflow of an alert that is over, also one that waits for approval.
 * @throws KubernetesError when the API server refuses it
 */
export async function stopWorkflow(target: WorkflowTarget, asking: AskingAlert): Promise<string> {
  const name = workflowName(asking);
  await callKubernetes(target, "PATCH", `${pathOf(target)}/${name}`, { spec: { shutdown: "Terminate" } });
  return name;
}
