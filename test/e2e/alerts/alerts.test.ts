import { afterAll, describe, expect, it } from "vitest";
import { isAlert, type AlertRule, type RuleGroup } from "../../../monitoring/rule.ts";
import { everything, shipped } from "../../rules/environment.ts";
import { Promtool } from "../../rules/promtool.ts";
import { ALERT_CASES, type AlertCase } from "./cases.ts";

const FILES = { shipped: shipped(), everything: everything() };
type File = keyof typeof FILES;

function alertsOf(file: File): AlertRule[] {
  return FILES[file].groups.flatMap(({ rules }) => rules.filter(isAlert));
}

const engines = new Map<RuleGroup, Promtool>();

/** The engine with the group an alert is in; whole files are slow over weeks of samples. */
function engineFor(group: RuleGroup): Promtool {
  const engine = engines.get(group) ?? new Promtool([group]);
  engines.set(group, engine);
  return engine;
}

afterAll(() => {
  for (const engine of engines.values()) engine.close();
});

function run({ alert, file = "shipped", interval, series, at, fires, labels = {} }: AlertCase): string {
  const group = FILES[file].groups.find(({ rules }) =>
    rules.some((rule) => isAlert(rule) && rule.alert === alert),
  );
  const rule = group?.rules.filter(isAlert).find((each) => each.alert === alert);
  if (group === undefined || rule === undefined) throw new Error(`there is no alert ${alert} in ${file}`);
  return engineFor(group).test({
    interval: `${interval}m`,
    // Weeks are evaluated every half hour: what a rule reads from its group is fresh at each evaluation.
    evaluation: interval >= 10 ? "30m" : `${interval}m`,
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

  it.each(
    (["shipped", "everything"] as const).flatMap((file) =>
      alertsOf(file)
        .filter(({ alert }) => alert !== "LlmopsGatewayAbsent")
        .map(({ alert }) => [alert, file] as const),
    ),
  )("%s (%s) is silent without data", (alert, file) => {
    expect(run({ alert, file, what: "nothing", interval: 5, series: [], at: 600, fires: "no" })).toBe("");
  });
});
