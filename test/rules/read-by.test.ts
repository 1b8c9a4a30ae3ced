import { expect, it } from "vitest";
import type { AlertRule, RuleGroup } from "../../monitoring/rule.ts";
import { readBy } from "./read-by.ts";

function alert(name: string, expr: string): AlertRule {
  return {
    alert: name,
    expr,
    for: "0m",
    labels: { severity: "warning", signal: "cost" },
    annotations: { summary: "", runbook_url: "" },
  };
}

const GROUPS: readonly RuleGroup[] = [
  {
    name: "hours",
    rules: [
      { record: "a:hour", expr: "increase(a_total[1h])" },
      { record: "b:hour", expr: "b" },
      { record: "sum:hour", expr: "a:hour or vector(0)", labels: { source: "one" } },
      { record: "sum:hour", expr: "c:hour", labels: { source: "two" } },
      { record: "c:hour", expr: "c" },
    ],
  },
  {
    name: "months",
    interval: "5m",
    rules: [alert("Dear", 'sum(sum:hour{source="one"}) > 1'), alert("B", "b:hour > 1")],
  },
  { name: "others", rules: [alert("Unnamed", '{job="x"} > 1')] },
];

it("keeps an alert with all it reads, in groups and order, and nothing else", () => {
  const [hours, months] = GROUPS;
  expect(readBy(GROUPS, "Dear")).toEqual([
    { ...hours, rules: hours?.rules.filter((rule) => !("record" in rule && rule.record === "b:hour")) },
    { ...months, rules: [months?.rules[0]] },
  ]);
});

it.each([
  ["Unknown", "there is no alert Unknown"],
  ["Unnamed", '{job="x"} names no series'],
])("refuses %s", (name, problem) => {
  expect(() => readBy(GROUPS, name)).toThrow(problem);
});
