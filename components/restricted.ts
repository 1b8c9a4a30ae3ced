/**
 * Security context of a pod that meets the restricted Pod Security Standard.
 * @param user user and group it runs as
 * @see https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted
 */
export function restrictedPod(user: number): {
  runAsNonRoot: true;
  runAsUser: number;
  runAsGroup: number;
  seccompProfile: { type: "RuntimeDefault" };
} {
  return {
    runAsNonRoot: true,
    runAsUser: user,
    runAsGroup: user,
    seccompProfile: { type: "RuntimeDefault" },
  };
}

/** Security context of a container that meets the same standard and changes nothing outside of its volumes. */
export function restrictedContainer(): {
  allowPrivilegeEscalation: false;
  readOnlyRootFilesystem: true;
  capabilities: { drop: string[] };
} {
  return { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ["ALL"] } };
}
