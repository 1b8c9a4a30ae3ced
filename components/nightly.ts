import type * as k8s from "@pulumi/kubernetes";

/**
 * When a CronJob runs: never beside itself, late at most an hour, with its last runs kept to be looked at.
 * @param schedule cron expression, UTC
 */
export function nightly(schedule: string): Omit<k8s.types.input.batch.v1.CronJobSpec, "jobTemplate"> {
  return {
    schedule,
    timeZone: "Etc/UTC",
    concurrencyPolicy: "Forbid",
    startingDeadlineSeconds: 3_600,
    successfulJobsHistoryLimit: 3,
    failedJobsHistoryLimit: 3,
  };
}
