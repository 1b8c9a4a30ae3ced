import { describe, expect, it } from "vitest";
import { isAlert, type AlertRule } from "../../../monitoring/rule.ts";
import { everything, shipped } from "../../rules/environment.ts";
import { Promtool } from "../../rules/promtool.ts";
import { readBy } from "../../rules/read-by.ts";
import { ALERT_CASES, type AlertCase } from "./cases.ts";

const FILES = { shipped: shipped(), everything: everything() };
type File = keyof typeof FILES;

function alertsOf(file: File): AlertRule[] {
  return FILES[file].groups.flatMap(({ rules }) => rules.filter(isAlert));
}

/** Minutes between evaluations: days are evaluated every half hour and weeks every two; what a rule reads from its group is fresh each time. */
function evaluationOf({ interval, at }: AlertCase): number {
  if (interval < 10) return interval;
  return at < 5_000 ? 30 : 120;
}

function run(each: AlertCase): string {
  const { alert, file = "shipped", interval, series, at, fires, labels = {} } = each;
  const rule = alertsOf(file).find((every) => every.alert === alert);
  if (rule === undefined) throw new Error(`there is no alert ${alert} in ${file}`);
  const engine = new Promtool(readBy(FILES[file].groups, alert));
  const different = engine.test({
    interval: `${interval}m`,
    evaluation: `${evaluationOf(each)}m`,
    series,
    alerts: [
      {
        at: `${at}m`,
        alert,
        expected:
          fires === "yes"
            ? [{ labels: { ...rule.labels, ...labels }, annotations: { ...rule.annotations } }]
            : [],
      },
    ],
  });
  engine.close();
  return different;
}

describe("alerts in the real Prometheus rule engine", () => {
  it.each(["shipped", "everything"] as const)("of the %s file are well-formed", (file) => {
    const engine = new Promtool(FILES[file].groups);
    expect(engine.check()).toBe("");
    engine.close();
  });

  it.each(
    ALERT_CASES.map(
      (each) =>
        [
          each.alert,
          each.file ?? "shipped",
          each.fires === "yes" ? "fires for" : "is silent for",
          each.what,
          each,
        ] as const,
    ),
  )("%s (%s) %s %s", (_alert, _file, _fires, _what, each) => {
    expect(run(each)).toBe("");
  });

  it("each fire at least once and stay silent at least once", () => {
    const tried = (fires: AlertCase["fires"]): string[] =>
      [...new Set(ALERT_CASES.filter((each) => each.fires === fires).map(({ alert }) => alert))].sort();
    const names = [...new Set([...alertsOf("shipped"), ...alertsOf("everything")].map(({ alert }) => alert))];
    expect([tried("yes"), tried("no")]).toEqual([names.sort(), names.sort()]);
  });

  it.each(["shipped", "everything"] as const)(
    "of the %s file are silent without data, but for the one that misses the gateway",
    (file) => {
      const engine = new Promtool(FILES[file].groups);
      const silent = alertsOf(file).filter(({ alert }) => alert !== "LlmopsGatewayAbsent");
      const alerts = silent.map(({ alert }) => ({ at: "600m", alert, expected: [] }));
      expect(engine.test({ interval: "30m", evaluation: "30m", series: [], alerts })).toBe("");
      engine.close();
    },
  );
});
