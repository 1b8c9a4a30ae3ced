import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { run } from "../../../cli/testing/run.ts";
import { AUDIT_PUBLIC_KEY, writeAudit } from "./audit-log.ts";
import { FROM, PIPELINE, TO } from "./platform.ts";
import { filledPrometheus, type PrometheusServer } from "./prometheus-server.ts";

let server: PrometheusServer;
let folder: string;

beforeAll(async () => {
  server = await filledPrometheus(PIPELINE.groups, { from: FROM, to: TO });
  folder = mkdtempSync(join(tmpdir(), "llmops-report-"));
  await writeAudit(join(folder, "audit"));
  writeFileSync(join(folder, "key.pem"), AUDIT_PUBLIC_KEY);
});

afterAll(async () => {
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

interface Reported {
  readonly sections: readonly {
    readonly title: string;
    readonly figures: readonly {
      readonly label: string;
      readonly measured: { readonly kind: string; readonly value?: number };
      readonly target?: { readonly verdict: string };
    }[];
  }[];
}

describe("llmops report", () => {
  it("reports a month from a real Prometheus and a real audit log", async () => {
    const { code, out, err } = await run([
      ...["report", "--month", "2026-10", "-s", "acme-prod", "--prometheus", server.url, "--json"],
      ...["--audit", join(folder, "audit"), "--key", join(folder, "key.pem"), "--out", join(folder, "out")],
    ]);
    expect(err).toContain("wrote report.md, report.html, report.pdf");
    const { sections } = JSON.parse(out) as Reported;
    const figures = sections.flatMap((section) => section.figures);
    expect(figures.filter(({ measured }) => measured.kind === "no-data")).toEqual([]);
    const value = (label: string): number | undefined =>
      figures.find((figure) => figure.label === label)?.measured.value;
    // 0.26 % of the attempted calls fail or are shed in the synthetic load.
    expect(value("Availability")).toBeCloseTo(1 - 0.0026 / 0.978, 4);
    expect(value("Part of the month that Prometheus saw")).toBeCloseTo(9.5 / 31, 2);
    expect(value("Records written")).toBeGreaterThan(100);
    expect(code).toBe(1);
    expect(
      readFileSync(join(folder, "out", "report.pdf"))
        .subarray(0, 5)
        .toString(),
    ).toBe("%PDF-");
  });

  it("has no figure for a month nobody measured, and says so", async () => {
    const { code, out } = await run([
      "report",
      "--month",
      "2026-08",
      "-s",
      "acme-prod",
      "--prometheus",
      server.url,
      "--json",
    ]);
    const figures = (JSON.parse(out) as Reported).sections.flatMap((section) => section.figures);
    expect(figures.length).toBeGreaterThan(10);
    expect(figures.filter(({ measured }) => measured.kind !== "no-data")).toEqual([]);
    expect(figures.filter(({ target }) => target?.verdict === "met")).toEqual([]);
    expect(code).toBe(1);
  });
});
