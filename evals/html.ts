import type { EvaluationReport } from "./report.ts";

const ENTITIES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

function escape(text: string): string {
  return text.replace(/[&<>"]/g, (character) => ENTITIES[character] ?? character);
}

const COLOURS = {
  passed: "#1a7f37",
  failed: "#cf222e",
  inconclusive: "#9a6700",
  advisory: "#57606a",
} as const;

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

/** Score of each suite as a bar. */
function bars(report: EvaluationReport): string {
  const scored = report.suites.filter(({ grader }) => grader !== "measured");
  const rows = scored.map(({ name, samples, score, decision }, index) => {
    const share = samples === 0 ? 0 : score / samples;
    const y = index * 24;
    return `<text x="0" y="${y + 15}">${escape(name)}</text><rect x="120" y="${y + 3}" width="400" height="16" fill="#eaeef2"/><rect x="120" y="${y + 3}" width="${(share * 400).toFixed(1)}" height="16" fill="${COLOURS[decision]}"/><text x="530" y="${y + 15}">${percent(share)} of ${samples}, ${decision}</text>`;
  });
  return `<svg viewBox="0 0 720 ${scored.length * 24 + 4}" role="img" aria-label="Score of each suite">${rows.join("")}</svg>`;
}

/** Interval of the change against the margin. */
function interval({
  lower,
  upper,
  difference,
  margin,
  decision,
}: NonNullable<EvaluationReport["comparison"]>): string {
  const most = Math.max(0.1, Math.abs(lower), Math.abs(upper)) * 1.1;
  const x = (value: number): string => (360 + (value / most) * 340).toFixed(1);
  return `<svg viewBox="0 0 720 60" role="img" aria-label="Change of the quality"><line x1="20" x2="700" y1="30" y2="30" stroke="#d0d7de"/><line x1="${x(0)}" x2="${x(0)}" y1="10" y2="50" stroke="#57606a"/><line x1="${x(-margin)}" x2="${x(-margin)}" y1="10" y2="50" stroke="#cf222e" stroke-dasharray="4"/><line x1="${x(lower)}" x2="${x(upper)}" y1="30" y2="30" stroke="${COLOURS[decision]}" stroke-width="6"/><circle cx="${x(difference)}" cy="30" r="6" fill="${COLOURS[decision]}"/><text x="${x(-margin)}" y="58" text-anchor="middle">-${percent(margin)}</text><text x="${x(0)}" y="58" text-anchor="middle">0</text></svg>`;
}

/** A report as one page without scripts or outside files. */
export function reportPage(report: EvaluationReport): string {
  const { model, stack, finishedAt, samples, decision, reasons, comparison, evaluated, engine, judge } =
    report;
  const rows = report.suites.map(
    (suite) =>
      `<tr><td>${escape(suite.name)}</td><td>${suite.samples}</td><td>${suite.grader}</td><td style="color:${COLOURS[suite.decision]}">${suite.decision}</td><td>${escape(suite.reason)}</td></tr>`,
  );
  const compared =
    comparison === null
      ? "<p>There was no baseline: limits only.</p>"
      : `${interval(comparison)}<p>${percent(comparison.difference)} (98 % interval ${percent(comparison.lower)} to ${percent(comparison.upper)}) on ${comparison.samples} cases; a loss of ${percent(comparison.margin)} must be ruled out. A conclusive answer takes about ${comparison.neededSamples} cases.</p>`;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Evaluation of ${escape(model)}</title>
<style>body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1f2328}svg{width:100%;font:12px system-ui,sans-serif}table{border-collapse:collapse;width:100%}td,th{border-bottom:1px solid #d0d7de;padding:.3rem .5rem;text-align:left}code{word-break:break-all}</style></head><body>
<h1>${escape(model)}: <span style="color:${COLOURS[decision]}">${decision}</span></h1>
<p>${escape(stack)}, ${escape(finishedAt)}, ${samples} cases${engine === "stand-in" ? "; a stand-in answered, not a language model" : ""}</p>
${reasons.length === 0 ? "" : `<ul>${reasons.map((reason) => `<li>${escape(reason)}</li>`).join("")}</ul>`}
<h2>Suites</h2>${bars(report)}
<h2>Change</h2>${compared}
<h2>Findings</h2><table><tr><th>suite</th><th>cases</th><th>scored by</th><th>decision</th><th>why</th></tr>${rows.join("")}</table>
<h2>What was evaluated</h2><table>${Object.entries(evaluated)
    .map(([name, value]) => `<tr><th>${escape(name)}</th><td><code>${escape(value)}</code></td></tr>`)
    .join("")}</table>
${judge === null ? "" : `<p>Judge ${escape(judge.version)}: kappa ${judge.kappa.toFixed(2)} on ${judge.labels} labels; it ${judge.mayGate === "yes" ? "may gate" : "is advisory"}.</p>`}
</body></html>
`;
}
