/** A day in UTC, ISO: `2027-12-31`. */
export type Day = string;

/** Milliseconds of a day. */
const DAY_MS = 24 * 3600 * 1000;

/** Day of a time. */
export function dayOf(time: string): Day {
  return new Date(time).toISOString().slice(0, 10);
}

/** The day so many whole days after another. */
export function addDays(day: Day, days: number): Day {
  return new Date(Date.parse(`${dayOf(day)}T00:00:00Z`) + days * DAY_MS).toISOString().slice(0, 10);
}
