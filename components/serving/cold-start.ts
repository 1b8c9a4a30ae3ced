/** Seconds an engine may take from the start of its container to its first answer: weights and kernels. */
export const STARTUP_SECONDS = 1_800;

/** Seconds a new replica gets for node, image and start. */
export const COLD_START_SECONDS = STARTUP_SECONDS + 600;

/** Seconds between a deadline of Kubernetes and the moment `pulumi up` stops waiting, so that Kubernetes says first what failed. */
const REPORT_SECONDS = 300;

/** Replicas of a workload and how many of them may start side by side. */
export interface Starts {
  /** Most replicas that an update replaces. */
  readonly replicas: number;
  readonly sideBySide: number;
}

/**
 * How long `pulumi up` waits for cold replicas, as an option of the resource; the provider alone gives up after ten minutes.
 * @see https://www.pulumi.com/docs/iac/concepts/resources/options/customtimeouts/
 */
export function coldStartTimeouts({ replicas, sideBySide }: Starts): { create: string; update: string } {
  const seconds = (turns: number): string => `${turns * COLD_START_SECONDS + REPORT_SECONDS}s`;
  // The autoscaler adds replicas later than the stack creates the first.
  return { create: seconds(1), update: seconds(Math.ceil(replicas / sideBySide)) };
}
