import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Command } from "commander";
import { dashboardFiles, dashboardsOf } from "../components/observability/dashboards/files.ts";
import { fill, panelProblems, type PanelProblem } from "../reporting/panels.ts";
import { snapshotPage } from "../reporting/snapshot.ts";
import { dashboardScope, runbooks } from "../stacks/dashboard-scope.ts";
import { readStack } from "../stacks/schema/stack-file.ts";
import { EXIT, print, printJson, progress, STACKS_FOLDER } from "./context.ts";
import { positive } from "./number-options.ts";
import { prometheusAt } from "./report.ts";
import { plainTable } from "./table.ts";

interface DashboardsOptions {
  readonly stack: string;
  readonly out?: string;
  readonly prometheus?: string;
  readonly prometheusToken?: string;
  readonly hours: number;
  readonly json?: true;
}

/** Points of a line, whatever the period. */
const POINTS = 180;
const NOTE = "Values of the dashboard's own queries, drawn without Grafana.";

async function run({
  stack,
  out,
  prometheus: url,
  prometheusToken,
  hours,
  json,
}: DashboardsOptions): Promise<void> {
  const scope = dashboardScope(readStack(STACKS_FOLDER, stack));
  const files = dashboardFiles({ scope, runbooks: runbooks() });
  const dashboards = dashboardsOf(scope);
  if (out !== undefined) {
    mkdirSync(out, { recursive: true });
    for (const [name, text] of Object.entries(files)) writeFileSync(join(out, name), `${text}\n`);
    progress(`wrote ${Object.keys(files).length} dashboards to ${out}`);
  }
  const problems: PanelProblem[] = [];
  if (url !== undefined) {
    const prometheus = prometheusAt(url, prometheusToken);
    const to = new Date();
    const look = {
      period: { from: new Date(to.getTime() - hours * 3_600_000), to },
      stepSeconds: Math.max(15, Math.round((hours * 3600) / POINTS)),
    };
    for (const spec of dashboards) {
      progress(`asking ${url} for ${spec.title} ...`);
      const panels = await fill(prometheus, spec, look);
      problems.push(...(await panelProblems(prometheus, spec, panels, look)));
      if (out !== undefined)
        writeFileSync(join(out, `${spec.uid}.html`), snapshotPage(spec, panels, look, NOTE));
    }
  }
  if (problems.length > 0) process.exitCode = EXIT.findings;
  const counts = dashboards.map(({ uid, title, groups }) => ({
    uid,
    title,
    panels: groups.reduce((sum, { panels }) => sum + panels.length, 0),
  }));
  if (json === true) {
    printJson({ stack, dashboards: counts, checked: url !== undefined, problems });
    return;
  }
  for (const { title, panels } of counts) print(`${title}: ${panels} panels`);
  if (url === undefined) return;
  if (problems.length === 0) {
    print("every panel shows something");
    return;
  }
  const table = plainTable({
    head: ["dashboard", "panel", "problem"],
    wordWrap: true,
    colWidths: [20, 34, 90],
  });
  for (const { dashboard, panel, problem } of problems) table.push([dashboard, panel, problem]);
  print(table.toString());
}

/** `llmops dashboards`: the files for Grafana, and whether each panel shows something. */
export function dashboardsCommand(): Command {
  return new Command("dashboards")
    .description("write the dashboards for a Grafana elsewhere, and run every query against a Prometheus")
    .requiredOption("-s, --stack <stack>", "stack, for example acme-prod")
    .option(
      "--out <folder>",
      "folder for the files; with --prometheus also a page with the values of each dashboard",
    )
    .option("--prometheus <url>", "address of a Prometheus; exit code 1 when a panel is empty")
    .option("--prometheus-token <file>", "file with a bearer token for it")
    .option("--hours <number>", "how far to look back", positive, 6)
    .option("--json", "print JSON")
    .action(run);
}
