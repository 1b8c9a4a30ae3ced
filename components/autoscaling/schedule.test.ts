import { describe, expect, it } from "vitest";
import { scheduleTriggers } from "./schedule.ts";

describe("a schedule", () => {
  it("becomes one cron trigger per window, in the zone's own time", () => {
    const triggers = scheduleTriggers({
      timezone: "Europe/Madrid",
      windows: [
        { days: ["mon", "tue", "wed", "thu", "fri"], from: "07:45", to: "20:00", replicas: 2 },
        { days: ["sat"], from: "09:00", to: "24:00", replicas: 1 },
      ],
    });
    expect(triggers).toEqual([
      {
        type: "cron",
        name: "hours-0",
        metadata: {
          timezone: "Europe/Madrid",
          start: "45 7 * * 1,2,3,4,5",
          end: "0 20 * * 1,2,3,4,5",
          desiredReplicas: "2",
        },
      },
      {
        type: "cron",
        name: "hours-1",
        metadata: { timezone: "Europe/Madrid", start: "0 9 * * 6", end: "0 0 * * 0", desiredReplicas: "1" },
      },
    ]);
  });
});
