/** Namespace of the controller and of its workflows. */
export const LOOPS_NAMESPACE = "loops";

/** Namespace of the controller of Argo Workflows: like every operator of somebody else outside of those the admission policies watch. */
export const WORKFLOWS_NAMESPACE = "argo-workflows";

/** Where Alertmanager sends alerts that ask for a loop. */
export const LOOPS_URL = `http://loops.${LOOPS_NAMESPACE}.svc/alerts`;

/** Secret with the token of Alertmanager, in its namespace and in that of the controller. */
export const LOOPS_TOKEN = { name: "loops-token", key: "token" } as const;

/** Where Kubernetes puts the credentials of a pod's account. */
export const ACCOUNT_FOLDER = "/var/run/secrets/kubernetes.io/serviceaccount";
