import type { PlatformConfig } from "./platform.ts";
import { formatPath, showValue, type ConfigProblem } from "./problem.ts";

/** A service the configuration uses that its provider ends. */
export interface Ending extends ConfigProblem {
  /** First day without the service, ISO. */
  readonly end: string;
  /** `announced` still works, `over` works no longer. */
  readonly state: "announced" | "over";
}

/**
 * Last day of Opsgenie; its API answers until then.
 * @see https://support.atlassian.com/opsgenie (read 2026-11-23)
 */
export const OPSGENIE_END = "2027-04-05";

/**
 * Services of a configuration that end or have ended.
 * @param asOf ISO time to judge on
 */
export function endingsOf({ alerting }: Pick<PlatformConfig, "alerting">, asOf: string): Ending[] {
  const state = asOf.slice(0, OPSGENIE_END.length) < OPSGENIE_END ? "announced" : "over";
  return alerting.receivers.flatMap(({ kind }, index) =>
    kind === "opsgenie"
      ? [
          {
            path: formatPath(["alerting", "receivers", index, "kind"]),
            value: showValue(kind),
            reason:
              state === "announced"
                ? `Atlassian ends Opsgenie on ${OPSGENIE_END}; no alert reaches anybody through it from then on`
                : `Atlassian ended Opsgenie on ${OPSGENIE_END}; no alert reaches anybody through it`,
            fix: "use a receiver of kind pagerduty, slack or webhook",
            end: OPSGENIE_END,
            state,
          },
        ]
      : [],
  );
}

/** An ending in one line. */
export function formatEnding({ path, value, reason, fix }: Ending): string {
  return `${path} = ${value}: ${reason}; ${fix}`;
}
