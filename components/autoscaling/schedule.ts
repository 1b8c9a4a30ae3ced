import type { ScalerTrigger } from "./trigger.ts";

/** Days of the week as a schedule names them. */
export const WEEKDAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"] as const;

/** One day of the week. */
export type Weekday = (typeof WEEKDAYS)[number];

/** Hours in which a least number of replicas runs. */
export interface ScheduleWindow {
  readonly days: readonly Weekday[];
  /** Wall clock, `HH:MM`. */
  readonly from: string;
  /** Wall clock, `HH:MM`, at most `24:00`. */
  readonly to: string;
  /** Least replicas between the two. */
  readonly replicas: number;
}

/** Floors by the clock; outside of every window the scaler's own floor holds. */
export interface Schedule {
  /** IANA name; summer time follows it. */
  readonly timezone: string;
  readonly windows: readonly ScheduleWindow[];
}

function cron(time: string, days: readonly Weekday[]): string {
  const [hours = "0", minutes = "0"] = time.split(":");
  const isMidnight = hours === "24";
  const numbers = days.map((day) => (WEEKDAYS.indexOf(day) + (isMidnight ? 1 : 0)) % 7);
  return `${Number(minutes)} ${isMidnight ? 0 : Number(hours)} * * ${numbers.sort((a, b) => a - b).join(",")}`;
}

/** Triggers that keep the floors of a schedule. @see https://keda.sh/docs/2.20/scalers/cron/ */
export function scheduleTriggers({ timezone, windows }: Schedule): ScalerTrigger[] {
  return windows.map(({ days, from, to, replicas }, index) => ({
    type: "cron",
    name: `hours-${index}`,
    metadata: {
      timezone,
      start: cron(from, days),
      end: cron(to, days),
      desiredReplicas: `${replicas}`,
    },
  }));
}
