import { Cron } from "croner";

/** Times a schedule fires in 2026, at most one more than `most`. @throws TypeError for a pattern that is none */
export function runsInYear(schedule: string, most: number): number {
  const cron = new Cron(schedule, { timezone: "UTC", paused: true });
  const end = Date.UTC(2027, 0, 1);
  let runs = 0;
  let at = cron.nextRun(new Date(Date.UTC(2026, 0, 1) - 1));
  while (at !== null && at.getTime() < end && runs <= most) {
    runs += 1;
    at = cron.nextRun(at);
  }
  return runs;
}

/** Most evaluations a year that a schedule may start. */
export const MAX_RUNS_PER_YEAR = 1_500;

/** Evaluations of a month, by the clock and after changes. */
export function runsPerMonth({
  schedule,
  changesPerMonth,
}: {
  readonly schedule: string;
  readonly changesPerMonth: number;
}): number {
  return Math.ceil(runsInYear(schedule, MAX_RUNS_PER_YEAR) / 12) + changesPerMonth;
}
