import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
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

/** Height of the frame of a window, px. */
const FRAME = 120;

/** Width of every picture, px. */
const WIDTH = 1240;

function chromium(folder: string, ...args: readonly string[]): string {
  const { status, stdout, stderr, error } = spawnSync(
    "chromium",
    [
      ...["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"],
      ...["--hide-scrollbars", `--user-data-dir=${join(folder, "profile")}`, ...args],
    ],
    { encoding: "utf8", maxBuffer: 64 * 1024 * 1024 },
  );
  if (status !== 0) throw new Error(`chromium: ${error?.message ?? stderr.slice(-400)}`);
  return stdout;
}

/** Height a page needs at the width of the pictures, px: measured by a copy of it that writes its own into its title. */
function heightOf(folder: string, page: string): number {
  const probe = `${page}.height.html`;
  const script =
    "<script>addEventListener('load',()=>{document.title='height='+document.documentElement.scrollHeight})</script>";
  writeFileSync(probe, `${readFileSync(page, "utf8")}${script}`);
  const dom = chromium(
    folder,
    `--window-size=${WIDTH},200`,
    "--virtual-time-budget=2000",
    "--dump-dom",
    `file://${probe}`,
  );
  const height = /<title>height=(\d+)<\/title>/.exec(dom)?.[1];
  if (height === undefined) throw new Error(`chromium did not say how high ${page} is`);
  return Number(height);
}

/** Takes a picture of a whole page with the machine's Chromium. */
function screenshot(folder: string, page: string, file: string): void {
  chromium(
    folder,
    // Headless Chromium's window counts the frame of a browser it does not draw, so a little is added.
    `--window-size=${WIDTH},${heightOf(folder, page) + FRAME}`,
    `--screenshot=${join(IMAGES, file)}`,
    `file://${page}`,
  );
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
      screenshot(folder, page, `dashboard-${spec.uid.replace("llmops-", "")}.png`);
    }
    await writeAudit(join(folder, "audit"));
    const month = reportMonth("2026-10", new Date("2026-11-02T08:00:00Z"));
    const report = await makeReport({
      month,
      subject: "synthetic load",
      promises: {
        budgetUsd: SCOPE.budgetUsd,
        availability: SCOPE.availability,
        objectives: SCOPE.objectives,
        hallucinationLimit: 0.02,
      },
      prometheus,
      audit: { kind: "read", audit: await auditMonth([join(folder, "audit")], [AUDIT_PUBLIC_KEY], month) },
      now: new Date("2026-11-02T08:00:00Z"),
    });
    const page = join(folder, "report.html");
    writeFileSync(page, reportHtml(report));
    screenshot(folder, page, "monthly-report.png");
  } finally {
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

await draw();
