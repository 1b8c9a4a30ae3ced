import { describe, expect, it } from "vitest";
import { CronError, cronWindow } from "./cron.ts";

const office = { timezone: "Europe/Madrid", start: "0 8 * * 1,2,3,4,5", end: "30 18 * * 1,2,3,4,5" };

describe("a window between two cron expressions", () => {
  it.each([
    ["a minute before it opens", "2026-01-05T06:59:00Z", false],
    ["as it opens, in winter", "2026-01-05T07:00:00Z", true],
    ["as it opens, in summer", "2026-07-06T06:00:00Z", true],
    ["a minute before it closes", "2026-01-05T17:29:00Z", true],
    ["as it closes", "2026-01-05T17:30:00Z", false],
    ["on a Saturday", "2026-01-10T10:00:00Z", false],
  ])("%s", (_, time, expected) => {
    expect(cronWindow(office)(Date.parse(time))).toBe(expected);
  });

  it("may end at midnight of the day after", () => {
    const isOpen = cronWindow({ timezone: "UTC", start: "0 20 * * 6", end: "0 0 * * 0" });
    expect(
      ["2026-01-10T19:59:00Z", "2026-01-10T23:59:00Z", "2026-01-11T00:00:00Z"].map((at) =>
        isOpen(Date.parse(at)),
      ),
    ).toEqual([false, true, false]);
  });

  it.each([
    [{ ...office, start: "*/5 * * * *" }, "'*/5 * * * *': only '<minute> <hour> * * <days>' is simulated"],
    [{ ...office, timezone: "Europe/Atlantis" }, "'Europe/Atlantis' is not a time zone"],
  ])("refuses what it cannot simulate", (window, message) => {
    expect(() => cronWindow(window)).toThrow(CronError);
    expect(() => cronWindow(window)).toThrow(message);
  });
});
