/** Level of the Pod Security Standards a namespace enforces. @see https://kubernetes.io/docs/concepts/security/pod-security-standards/ */
export type PodSecurityLevel = "privileged" | "baseline" | "restricted";

/** Labels by which a namespace enforces a level, and warns of and records what breaks it. */
export function podSecurityLabels(level: PodSecurityLevel): Record<string, string> {
  return Object.fromEntries(
    (["enforce", "audit", "warn"] as const).map((mode) => [`pod-security.kubernetes.io/${mode}`, level]),
  );
}
