/** A service account of a GKE cluster, and the project of its workload identity pool. */
export interface GkeServiceAccount {
  readonly projectId: string;
  readonly projectNumber: string;
  readonly namespace: string;
  readonly serviceAccount: string;
}

/**
 * IAM member that is a Kubernetes service account itself: no account of Google's stands in for it, so no key can exist.
 * @see https://cloud.google.com/kubernetes-engine/docs/how-to/workload-identity
 */
export function workloadPrincipal({
  projectId,
  projectNumber,
  namespace,
  serviceAccount,
}: GkeServiceAccount): string {
  const pool = `projects/${projectNumber}/locations/global/workloadIdentityPools/${projectId}.svc.id.goog`;
  return `principal://iam.googleapis.com/${pool}/subject/ns/${namespace}/sa/${serviceAccount}`;
}
