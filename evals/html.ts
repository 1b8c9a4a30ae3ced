import escapeHtml from "escape-html";
import type { EvalCase } from "./case.ts";
import {
  changeChart,
  COLOURS,
  distributionChart,
  failureChart,
  percent,
  scoreChart,
  type DrawnRuns,
} from "./charts.ts";
import type { EvaluationReport } from "./report.ts";

function change({ comparison }: EvaluationReport, { candidate, baseline }: DrawnRuns): string {
  if (comparison === null || baseline === null) return "<p>There was no baseline: limits only.</p>";
  const { difference, lower, upper, samples, margin, neededSamples } = comparison;
  return `${changeChart(comparison, candidate, baseline)}<p>${percent(difference)} (98 % interval ${percent(lower)} to ${percent(upper)}) on ${samples} cases; a loss of ${percent(margin)} must be ruled out. A conclusive answer takes about ${neededSamples} cases.</p>`;
}

function findings({ suites }: EvaluationReport): string {
  const rows = suites.map(
    (suite) =>
      `<tr><td>${escapeHtml(suite.name)}</td><td>${suite.samples}</td><td>${suite.grader}</td><td style="color:${COLOURS[suite.decision]}">${suite.decision}</td><td>${escapeHtml(suite.reason)}</td></tr>`,
  );
  return `<table><tr><th>suite</th><th>cases</th><th>scored by</th><th>decision</th><th>why</th></tr>${rows.join("")}</table>`;
}

/**
 * A report as one page without scripts or outside files.
 * @param cases what was asked
 * @param runs the two runs it was made from, case by case
 */
export function reportPage(report: EvaluationReport, cases: readonly EvalCase[], runs: DrawnRuns): string {
  const { model, stack, finishedAt, samples, decision, reasons, completeness, evaluated, engine, judge } =
    report;
  const graders = new Map(cases.map(({ suite, id, grader }) => [`${suite}/${id}`, grader.kind]));
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Evaluation of ${escapeHtml(model)}</title>
<style>body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1f2328}svg{width:100%;font:12px system-ui,sans-serif}table{border-collapse:collapse;width:100%}td,th{border-bottom:1px solid #d0d7de;padding:.3rem .5rem;text-align:left}code{word-break:break-all}</style></head><body>
<h1>${escapeHtml(model)}: <span style="color:${COLOURS[decision]}">${decision}</span></h1>
<p>${escapeHtml(stack)}, ${escapeHtml(finishedAt)}, ${samples} cases${engine === "stand-in" ? "; a stand-in answered, not a language model" : ""}</p>
${completeness.kind === "complete" ? "" : `<p><strong>Incomplete: ${completeness.answers} of ${completeness.questions} answers. ${escapeHtml(completeness.reason)}</strong></p>`}
${reasons.length === 0 ? "" : `<ul>${reasons.map((reason) => `<li>${escapeHtml(reason)}</li>`).join("")}</ul>`}
<h2>Suites</h2>${scoreChart(report)}
<h2>Change</h2>${change(report, runs)}
<h2>Failures by grader</h2>${failureChart(runs, graders)}
<h2>Latency</h2>${distributionChart("Share of cases by latency", "ms", runs, ({ latencyMs }) => latencyMs)}
<h2>Cost</h2>${distributionChart("Share of cases by billed tokens", "tokens", runs, ({ tokens }) => tokens)}
<h2>Findings</h2>${findings(report)}
<h2>What was evaluated</h2><table>${Object.entries(evaluated)
    .map(([name, value]) => `<tr><th>${escapeHtml(name)}</th><td><code>${escapeHtml(value)}</code></td></tr>`)
    .join("")}</table>
${judge === null ? "" : `<p>Judge ${escapeHtml(judge.version)}: kappa ${judge.kappa.toFixed(2)} on ${judge.labels} labels; it ${judge.mayGate === "yes" ? "may gate" : "is advisory"}.</p>`}
</body></html>
`;
}
