/** A control plane in one of two versions of a stack. */
export interface ControlPlane {
  readonly urn: string;
  /** Kubernetes version, for example `1.35`. */
  readonly version: string;
}

/** A change of version that the cloud refuses or that loses what the versions between would have said. */
export interface VersionJump {
  readonly urn: string;
  readonly what: string;
}

/** Input that pins the version of a control plane, by type. */
const VERSION_INPUTS: Readonly<Record<string, string>> = {
  "aws:eks/cluster:Cluster": "version",
  "gcp:container/cluster:Cluster": "minMasterVersion",
};

/** Version a resource pins for its control plane; undefined where it is none or leaves the version to its cloud. */
export function pinnedVersion(type: string, inputs: Readonly<Record<string, unknown>>): string | undefined {
  const value = inputs[VERSION_INPUTS[type] ?? ""];
  return typeof value === "string" ? value : undefined;
}

/**
 * Control planes that would go back or skip a minor.
 * @see https://kubernetes.io/releases/version-skew-policy/
 * @see https://docs.aws.amazon.com/eks/latest/userguide/update-cluster.html
 */
export function jumpsOf(before: readonly ControlPlane[], after: readonly ControlPlane[]): VersionJump[] {
  const old = new Map(before.map(({ urn, version }) => [urn, version]));
  return after.flatMap(({ urn, version }) => {
    const from = old.get(urn);
    if (from === undefined) return [];
    const steps = Number(version.split(".")[1]) - Number(from.split(".")[1]);
    const sameMajor = version.split(".")[0] === from.split(".")[0];
    if (sameMajor && (steps === 0 || steps === 1)) return [];
    return [
      {
        urn,
        what: `${urn} goes from Kubernetes ${from} to ${version}: ${sameMajor && steps < 0 ? "a control plane cannot go back" : "one minor at a time, each in a change of its own"}`,
      },
    ];
  });
}
