import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { dashboardsOf } from "../../../components/observability/dashboards/files.ts";
import type { DashboardSpec } from "../../../components/observability/dashboards/panel.ts";
import { fill, panelProblems, type PanelProblem } from "../../../reporting/panels.ts";
import { Prometheus } from "../../../reporting/prometheus.ts";
import { FROM, LOOKS, PIPELINE, SCOPE, TO } from "./platform.ts";
import { filledPrometheus, type PrometheusServer } from "./prometheus-server.ts";

let server: PrometheusServer;
let prometheus: Prometheus;

beforeAll(async () => {
  server = await filledPrometheus(PIPELINE.groups, { from: FROM, to: TO });
  prometheus = new Prometheus(server.url);
});

afterAll(async () => {
  await server.stop();
});

async function problems(spec: DashboardSpec): Promise<PanelProblem[]> {
  const look = LOOKS[spec.uid];
  if (look === undefined) throw new Error(`nobody looks at ${spec.uid}`);
  return panelProblems(prometheus, spec, await fill(prometheus, spec, look), look);
}

/** The dashboard with one text in all its queries replaced by another. */
function broken(spec: DashboardSpec, text: string, by: string): DashboardSpec {
  const queriesOf = JSON.stringify(spec);
  expect(queriesOf).toContain(text);
  return JSON.parse(queriesOf.replaceAll(text, by)) as DashboardSpec;
}

describe("on a real Prometheus with synthetic load", () => {
  it.each(dashboardsOf(SCOPE).map((spec) => [spec.title, spec] as const))(
    "every query of %s gives something, and every series in it exists",
    async (_, spec) => {
      expect(await problems(spec)).toEqual([]);
    },
  );

  it.each([
    [
      "a metric that nobody writes",
      "llmops_gateway_queue_depth",
      "llmops_gateway_queue_length",
      "no series: llmops_gateway_queue_length",
    ],
    [
      "a label that the metric does not have, behind `or vector(0)`",
      'result=\\"cached\\"',
      'outcome=\\"cached\\"',
      'no series: llmops_gateway_requests_total{model=~".*",client=~".*",outcome="cached"}',
    ],
    ["an unknown function", "histogram_quantile(0.5,", "histogram_median(0.5,", "unknown function"],
  ])("finds %s", async (_, text, by, problem) => {
    const technical = dashboardsOf(SCOPE).find(({ uid }) => uid === "llmops-technical");
    if (technical === undefined) throw new Error("there is no technical dashboard");
    const found = await problems(broken(technical, text, by));
    expect(found.length).toBeGreaterThan(0);
    for (const each of found) expect(each.problem).toContain(problem);
  });

  it("finds a query whose series exist but do not meet", async () => {
    const [executive] = dashboardsOf(SCOPE);
    if (executive === undefined) throw new Error("there is no executive dashboard");
    const found = await problems(
      broken(executive, "by (client)", "by (client, pod) * on (client) absent(up) *"),
    );
    expect(found.length).toBeGreaterThan(0);
  });
});
