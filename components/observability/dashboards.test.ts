import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parser } from "@prometheus-io/lezer-promql";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { dashboardFiles, dashboardsOf } from "./dashboards/files.ts";
import type { DashboardScope } from "./dashboards/scope.ts";
import { engineGauges } from "../serving/engine-metrics.ts";

const RUNBOOKS = join(import.meta.dirname, "..", "..", "docs", "runbooks");
const vllm = engineGauges({ kind: "vllm", image: "unused", maxModelLen: 8192, maxNumSeqs: 64 });
const EVERYTHING: DashboardScope = {
  budgetUsd: 7_300,
  availability: 0.995,
  objectives: [
    { model: "small", ttftP95Seconds: 0.8, e2eP99Seconds: 20 },
    { model: "large", ttftP95Seconds: 2, e2eP99Seconds: 60 },
  ],
  measured: [
    {
      id: "hallucination_rate",
      title: "Judged answers that are not supported",
      unit: "ratio",
      series: "llmops:hallucination:ratio_rate1h",
      by: ["model"],
      limit: 0.02,
    },
  ],
  detectors: [
    {
      signal: "output_tokens",
      title: "Output tokens",
      detector: "ks",
      series: "llmops:output_tokens:ks",
      by: ["model"],
      threshold: 0.2,
      alert: "LlmopsOutputTokensDrift",
    },
  ],
  engines: vllm === undefined ? [] : [vllm],
  agents: "limited",
  providers: "priced",
  gpus: "exported",
};
const NOTHING: DashboardScope = {
  ...EVERYTHING,
  objectives: [],
  measured: [],
  detectors: [],
  engines: [],
  agents: "none",
  providers: "none",
  gpus: "none",
};

const panelsOf = (scope: DashboardScope) =>
  dashboardsOf(scope).flatMap(({ groups }) => groups.flatMap(({ panels }) => panels));
const given = [...new Set(panelsOf(EVERYTHING).map(({ runbook }) => runbook))].map((name) => ({
  name,
  markdown: `# ${name}`,
}));

/** The parts of Grafana's model that its loader reads (schemaVersion 42). */
const model = z.object({
  uid: z.string().min(1).max(40),
  title: z.string().min(1),
  schemaVersion: z.literal(42),
  panels: z.array(
    z.object({
      id: z.int().min(1),
      type: z.enum(["row", "stat", "bargauge", "timeseries", "text"]),
      gridPos: z.object({ x: z.int().min(0).max(23), y: z.int(), w: z.int().max(24), h: z.int() }),
      description: z.string().optional(),
      datasource: z.object({ uid: z.literal("${datasource}") }).optional(),
      targets: z
        .array(
          z.object({
            expr: z.string(),
            refId: z.string(),
            datasource: z.object({ uid: z.literal("${datasource}") }),
          }),
        )
        .optional(),
      links: z.array(z.object({ title: z.string(), url: z.string() })).optional(),
      fieldConfig: z
        .object({ defaults: z.object({ unit: z.string().optional(), thresholds: z.unknown() }) })
        .optional(),
    }),
  ),
  templating: z
    .object({ list: z.array(z.object({ name: z.string(), type: z.string() })).default([]) })
    .optional(),
});

describe("the panels", () => {
  it("each say what they show, judge it or say that they do not, and name a runbook that exists", () => {
    for (const { title, description, thresholds, runbook } of panelsOf(EVERYTHING)) {
      expect(description.length, title).toBeGreaterThan(9);
      expect(thresholds[0].from, title).toBeNull();
      expect(existsSync(join(RUNBOOKS, `${runbook}.md`)), title).toBe(true);
    }
  });

  it("are PromQL", () => {
    for (const { title, queries } of panelsOf(EVERYTHING))
      for (const { expr } of queries) {
        const text = expr.replace(/\$__(rate_interval|range)/g, "5m").replace(/\$(model|client)/g, ".*");
        const broken: string[] = [];
        parser.parse(text).iterate({
          enter: ({ type, from, to }) => {
            if (type.isError) broken.push(text.slice(from, to));
          },
        });
        expect(broken, `${title}: ${expr}`).toEqual([]);
      }
  });

  it("hold failures against the budget the objective leaves", () => {
    const panels = panelsOf(EVERYTHING).filter(({ title }) => /[Ee]rror budget|^Availability/.test(title));
    expect(panels.map(({ description }) => /\d+(\.\d+)? %/.exec(description)?.[0])).toEqual([
      "99.5 %",
      "99.5 %",
      "2 %",
    ]);
    expect(
      panels.flatMap(({ queries }) => queries.map(({ expr }) => / \/ ([\d.]+)$/.exec(expr)?.[1])),
    ).toEqual([undefined, "0.005", "0.005", "0.005"]);
  });

  it("take objectives and budget from the stack", () => {
    const bounds = Object.fromEntries(
      panelsOf(EVERYTHING).map(({ title, thresholds }) => [title, thresholds.map(({ from }) => from)]),
    );
    expect(bounds["Time to first token (TTFT)"]).toEqual([null, 0.8 * 0.8, 0.8]);
    expect(bounds["Whole call"]).toEqual([null, 16, 20]);
    expect(bounds["Output tokens"]).toEqual([null, 0.15000000000000002, 0.2]);
    expect(bounds["Judged answers that are not supported"]).toEqual([null, 0.015, 0.02]);
    expect(bounds["Availability"]).toEqual([null, 0.99, 0.995]);
    expect(bounds["A month at this rate"]).toEqual([null, 5_840, 7_300]);
  });

  it("are left out where nothing measures them", () => {
    const titles = (scope: DashboardScope): string[] =>
      dashboardsOf(scope).flatMap(({ groups }) => groups.map(({ title }) => title));
    const left = panelsOf(NOTHING).map(({ title }) => title);
    expect(titles(EVERYTHING)).toContain("GPU");
    expect(titles(NOTHING)).not.toContain("GPU");
    expect(titles(NOTHING)).not.toContain("Cost of providers");
    expect(titles(NOTHING)).not.toContain("Drift");
    expect(left).not.toContain("Time per output token (TPOT)");
    expect(left).not.toContain("Key-value cache in use");
    expect(JSON.stringify(dashboardsOf(NOTHING))).not.toMatch(/vllm|DCGM|agent_|cost_total\{model/);
  });
});

describe("the files for Grafana", () => {
  const files = dashboardFiles({ scope: EVERYTHING, runbooks: given });

  it("are models with unique panels, the reader's own data source and working links", () => {
    expect(Object.keys(files).sort()).toEqual(
      [
        "llmops-executive.json",
        "llmops-technical.json",
        ...given.map(({ name }) => `llmops-runbook-${name}.json`),
      ].sort(),
    );
    for (const [file, text] of Object.entries(files)) {
      const { uid, panels } = model.parse(JSON.parse(text));
      expect(file).toBe(`${uid}.json`);
      expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
      for (const { links = [] } of panels)
        for (const { url } of links) expect(files[`${url.replace("/d/", "")}.json`], url).toBeDefined();
    }
  });

  it("give every chart a unit, thresholds, queries and a link, and choose model and client", () => {
    for (const name of ["llmops-executive.json", "llmops-technical.json"]) {
      const { panels, templating } = model.parse(JSON.parse(files[name] ?? "{}"));
      expect(templating?.list.map(({ name: variable }) => variable)).toEqual([
        "datasource",
        "model",
        "client",
      ]);
      for (const { type, description, fieldConfig, targets = [], links = [] } of panels) {
        if (type === "row") continue;
        expect(description).toBeDefined();
        expect(fieldConfig?.defaults.unit).toBeDefined();
        expect(fieldConfig?.defaults.thresholds).toBeDefined();
        expect(targets.length).toBeGreaterThan(0);
        expect(links.length).toBe(1);
      }
    }
  });

  it("are refused when a panel names a runbook nobody wrote", () => {
    const missing = given.filter(({ name }) => name !== "drift");
    expect(() => dashboardFiles({ scope: EVERYTHING, runbooks: missing })).toThrow(
      "names the runbook 'drift', which is not given",
    );
  });

  it("carry the runbook's own text", () => {
    const markdown = readFileSync(join(RUNBOOKS, "drift.md"), "utf8");
    const runbooks = given.map((each) => (each.name === "drift" ? { name: "drift", markdown } : each));
    expect(
      JSON.stringify(
        JSON.parse(dashboardFiles({ scope: EVERYTHING, runbooks })["llmops-runbook-drift.json"] ?? ""),
      ),
    ).toContain(JSON.stringify(markdown).slice(1, -1));
  });
});
