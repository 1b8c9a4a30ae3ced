const MINUTES_PER_DAY = 1440;
const MINUTES_PER_WEEK = 7 * MINUTES_PER_DAY;
const DAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];

/** A cron expression or time zone that is not simulated. */
export class CronError extends Error {
  override readonly name = "CronError";
}

/** Minutes of the week, from Sunday 0:00, at which `minute hour * * days` fires. */
function minutesOfWeek(expression: string): number[] {
  const [, minute, hour, days] = /^(\d{1,2}) (\d{1,2}) \* \* (\*|[0-7](?:,[0-7])*)$/.exec(expression) ?? [];
  if (days === undefined)
    throw new CronError(`'${expression}': only '<minute> <hour> * * <days>' is simulated, days as 0,1,...`);
  const list = days === "*" ? [0, 1, 2, 3, 4, 5, 6] : days.split(",").map((day) => Number(day) % 7);
  return list.map((day) => day * MINUTES_PER_DAY + Number(hour) * 60 + Number(minute));
}

/** Clock of a time zone as minutes of the week. */
function wallClock(timezone: string): (epochMs: number) => number {
  let format: Intl.DateTimeFormat;
  try {
    format = new Intl.DateTimeFormat("en-GB", {
      timeZone: timezone,
      weekday: "short",
      hour: "2-digit",
      minute: "2-digit",
      hourCycle: "h23",
    });
  } catch {
    throw new CronError(`'${timezone}' is not a time zone`);
  }
  return (epochMs) => {
    const parts = Object.fromEntries(
      format.formatToParts(epochMs).map(({ type, value }): [string, string] => [type, value]),
    );
    const day = DAYS.indexOf(parts["weekday"] ?? "");
    return day * MINUTES_PER_DAY + Number(parts["hour"]) * 60 + Number(parts["minute"]);
  };
}

/**
 * Whether a time lies between two cron expressions, as KEDA's cron scaler sees it: when the next end comes before the next start.
 * @throws CronError for expressions or time zones that are not simulated
 * @see https://keda.sh/docs/2.20/scalers/cron/
 */
export function cronWindow(window: {
  readonly timezone: string;
  readonly start: string;
  readonly end: string;
}): (epochMs: number) => boolean {
  const clock = wallClock(window.timezone);
  const starts = minutesOfWeek(window.start);
  const ends = minutesOfWeek(window.end);
  const next = (list: readonly number[], now: number): number =>
    Math.min(...list.map((at) => (at - now + MINUTES_PER_WEEK - 1) % MINUTES_PER_WEEK));
  return (epochMs) => {
    const now = clock(epochMs);
    return next(ends, now) < next(starts, now);
  };
}
