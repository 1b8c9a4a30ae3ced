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
