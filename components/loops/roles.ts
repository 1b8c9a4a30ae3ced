/** A rule of a Role. */
export interface RoleRule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
  /** Objects it is limited to; none means every object of the namespace. */
  readonly resourceNames?: readonly string[];
}

const ARGO = ["argoproj.io"];

/** The controller starts and ends workflows; what they may do is decided by their own accounts. */
export const CONTROLLER_RULES: readonly RoleRule[] = [
  { apiGroups: ARGO, resources: ["workflows"], verbs: ["create", "get", "patch"] },
];

/** Every workflow's pods report their results. @see https://argo-workflows.readthedocs.io/en/stable/workflow-rbac/ */
export const EXECUTOR_RULES: readonly RoleRule[] = [
  { apiGroups: ARGO, resources: ["workflowtaskresults"], verbs: ["create", "patch"] },
];

/** Account of Argo's controller, as the chart's values name it. */
export const WORKFLOWS_ACCOUNT = "workflow-controller";

/**
 * What Argo's controller does in the namespace of the loops; the chart grants rights in its own namespace only. Less than the
 * project's role: no Secrets, no cron workflows, no shell in a pod.
 * @see https://github.com/argoproj/argo-workflows/blob/v4.1.0/manifests/namespace-install/workflow-controller-rbac/workflow-controller-role.yaml
 */
export const WORKFLOWS_RULES: readonly RoleRule[] = [
  {
    apiGroups: [""],
    resources: ["pods"],
    verbs: ["create", "get", "list", "watch", "update", "patch", "delete"],
  },
  { apiGroups: [""], resources: ["configmaps"], verbs: ["get", "list", "watch"] },
  {
    apiGroups: [""],
    resources: ["persistentvolumeclaims", "persistentvolumeclaims/finalizers"],
    verbs: ["create", "get", "update", "delete"],
  },
  { apiGroups: [""], resources: ["serviceaccounts"], verbs: ["get", "list"] },
  { apiGroups: [""], resources: ["events"], verbs: ["create", "patch"] },
  {
    apiGroups: ARGO,
    resources: [
      "workflows",
      "workflows/finalizers",
      "workflowtasksets",
      "workflowtasksets/finalizers",
      "workflowartifactgctasks",
    ],
    verbs: ["create", "get", "list", "watch", "update", "patch", "delete"],
  },
  { apiGroups: ARGO, resources: ["workflowtemplates"], verbs: ["get", "list", "watch"] },
  { apiGroups: ARGO, resources: ["workflowtaskresults"], verbs: ["list", "watch", "deletecollection"] },
];

/**
 * Authority to go back and nothing else: an abort is a change of the status of a named rollout. The specification, and with
 * it what is served, cannot be changed with it.
 */
export function abortRules(models: readonly string[]): RoleRule[] {
  return [
    { apiGroups: ARGO, resources: ["rollouts"], verbs: ["get"], resourceNames: models },
    { apiGroups: ARGO, resources: ["rollouts/status"], verbs: ["patch"], resourceNames: models },
  ];
}
