import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { dashboardsOf } from "../../../components/observability/dashboards/files.ts";
import { reportHtml } from "../../../reporting/month/html.ts";
import { auditMonth } from "../../../reporting/month/audit-month.ts";
import { makeReport } from "../../../reporting/month/make-report.ts";
import { reportMonth } from "../../../reporting/month/period.ts";
import { fill, panelProblems } from "../../../reporting/panels.ts";
import { Prometheus } from "../../../reporting/prometheus.ts";
import { snapshotPage } from "../../../reporting/snapshot.ts";
import { AUDIT_PUBLIC_KEY, writeAudit } from "./audit-log.ts";
import { FROM, LOOKS, PIPELINE, SCOPE, TO } from "./platform.ts";
import { filledPrometheus } from "./prometheus-server.ts";

const IMAGES = join(import.meta.dirname, "..", "..", "..", "docs", "images");
const NOTE = "Synthetic load; the dashboard's own queries on a real Prometheus, drawn without Grafana.";

/** Takes a picture of a page with the machine's Chromium. */
function screenshot(folder: string, page: string, file: string, height: number): void {
  const { status, stderr, error } = spawnSync(
    "chromium",
    [
      ...["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"],
      ...["--hide-scrollbars", `--user-data-dir=${join(folder, `profile-${file}`)}`],
      ...[`--window-size=1240,${height}`, `--screenshot=${join(IMAGES, file)}`, `file://${page}`],
    ],
    { encoding: "utf8" },
  );
  if (status !== 0) throw new Error(`chromium: ${error?.message ?? stderr.slice(-400)}`);
}

/** Pictures of the dashboards and of the report for docs/images. */
async function draw(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "llmops-pictures-"));
  mkdirSync(IMAGES, { recursive: true });
  const server = await filledPrometheus(PIPELINE.groups, { from: FROM, to: TO });
  try {
    const prometheus = new Prometheus(server.url);
    for (const spec of dashboardsOf(SCOPE)) {
      const look = LOOKS[spec.uid];
      if (look === undefined) throw new Error(`nobody looks at ${spec.uid}`);
      const panels = await fill(prometheus, spec, look);
      const problems = await panelProblems(prometheus, spec, panels, look);
      if (problems.length > 0) throw new Error(JSON.stringify(problems, null, 2));
      const page = join(folder, `${spec.uid}.html`);
      writeFileSync(page, snapshotPage(spec, panels, look, NOTE));
      screenshot(
        folder,
        page,
        `dashboard-${spec.uid.replace("llmops-", "")}.png`,
        spec.uid === "llmops-executive" ? 2300 : 4700,
      );
    }
    await writeAudit(join(folder, "audit"));
    const month = reportMonth("2026-10", new Date("2026-11-02T08:00:00Z"));
    const report = await makeReport({
      month,
      subject: "synthetic load",
      promises: { budgetUsd: SCOPE.budgetUsd, objectives: SCOPE.objectives, hallucinationLimit: 0.02 },
      prometheus,
      audit: { kind: "read", audit: await auditMonth([join(folder, "audit")], [AUDIT_PUBLIC_KEY], month) },
      now: new Date("2026-11-02T08:00:00Z"),
    });
    const page = join(folder, "report.html");
    writeFileSync(page, reportHtml(report));
    screenshot(folder, page, "monthly-report.png", 3300);
  } finally {
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

await draw();
