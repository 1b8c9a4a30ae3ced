import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { accountingRules } from "../../components/finops/accounting-rules.ts";
import { onlineMetrics } from "../../evals/online/metrics.ts";
import { METRICS } from "../../monitoring/metrics.ts";
import { isAlert } from "../../monitoring/rule.ts";
import { everything, gatewayRegistry, shipped } from "./environment.ts";

const RUNBOOKS = join(import.meta.dirname, "..", "..", "docs", "runbooks");

/** Sections of the runbook pages by alert, with their text. */
function sections(): Map<string, string> {
  const found = new Map<string, string>();
  for (const file of readdirSync(RUNBOOKS)) {
    const [, ...parts] = readFileSync(join(RUNBOOKS, file), "utf8").split(/^## (?=Llmops)/m);
    for (const part of parts) found.set(`${file}#${part.split("\n")[0] ?? ""}`, part);
  }
  return found;
}

/** Rules of the budget of an environment, beside those of the file. */
const BUDGET = accountingRules({
  budgetUsd: 7300,
  pools: [{ name: "l4", usdPerHour: "1.25", gpusPerNode: 1 }],
  models: [{ name: "m", namespace: "t", pool: "l4", servedNames: ["m"], outputWeight: 4 }],
  clients: [{ id: "c", tenant: "t" }],
  runbooks: "https://runbooks.example",
}).flatMap(({ rules }) => rules);

describe("runbooks", () => {
  const alerts = [
    ...new Map([...shipped().alerts, ...everything().alerts].map((alert) => [alert.name, alert])).values(),
    ...BUDGET.filter(isAlert).map((rule) => ({
      name: rule.alert,
      runbookUrl: rule.annotations.runbook_url,
    })),
  ];

  it("have a section for every alert of a file and of the budget, and for nothing else", () => {
    const named = alerts.map(({ name, runbookUrl }) => {
      const page = /([\w-]+\.md)#(\w+)$/.exec(runbookUrl);
      expect(page?.[2]).toBe(name.toLowerCase());
      return `${page?.[1] ?? ""}#${name}`;
    });
    expect([...sections().keys()].sort()).toEqual(named.sort());
  });

  it.each([...sections()])("%s says how to diagnose, mitigate, verify and escalate", (_alert, text) => {
    const steps = [...text.matchAll(/^- \*\*(\w+)\*\*: (.*(?:\n {2}.*)*)/gm)];
    expect(steps.map(([, step]) => step)).toEqual(["Diagnose", "Mitigate", "Verify", "Escalate"]);
    for (const [, , said] of steps) expect(said?.length).toBeGreaterThan(25);
    const [, , verify] = steps[2] ?? [];
    const [, , diagnose] = steps[0] ?? [];
    expect(`${diagnose ?? ""} ${verify ?? ""}`).toMatch(/`[^`]+`/);
  });

  it("name only metrics that exist", () => {
    const names = new Set([
      ...Object.values(METRICS).map(({ name }): string => name),
      ...[gatewayRegistry(), onlineMetrics().registry]
        .flatMap((registry) => registry.getMetricsAsArray())
        .flatMap(({ name }) => [name, `${name}_count`]),
      ...BUDGET.flatMap((rule) => (isAlert(rule) ? [] : [rule.record])),
      ...shipped()
        .groups.flatMap(({ rules }) => rules)
        .flatMap((rule) => (isAlert(rule) ? [] : [rule.record])),
      ...everything()
        .groups.flatMap(({ rules }) => rules)
        .flatMap((rule) => (isAlert(rule) ? [] : [rule.record])),
    ]);
    for (const [where, text] of sections())
      for (const [name] of text.matchAll(/\b(?:llmops_gateway_|llmops_eval_|llmops:|slo:)[\w:]+/g))
        expect([where, name, names.has(name)]).toEqual([where, name, true]);
  });

  it("name pages that exist", () => {
    for (const [, text] of sections())
      for (const [, link] of text.matchAll(/\]\(([^)#]+)/g))
        expect(existsSync(join(RUNBOOKS, link ?? ""))).toBe(true);
  });
});
