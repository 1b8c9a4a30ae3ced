/* oxlint-disable typescript/no-deprecated -- the SDK prefers schema v2; Grafana's sidecar loads files of the classic model */
import * as bargauge from "@grafana/grafana-foundation-sdk/bargauge";
import type { Builder } from "@grafana/grafana-foundation-sdk/cog";
import * as common from "@grafana/grafana-foundation-sdk/common";
import * as dashboard from "@grafana/grafana-foundation-sdk/dashboard";
import * as prometheus from "@grafana/grafana-foundation-sdk/prometheus";
import * as stat from "@grafana/grafana-foundation-sdk/stat";
import * as text from "@grafana/grafana-foundation-sdk/text";
import * as timeseries from "@grafana/grafana-foundation-sdk/timeseries";
import type { DashboardSpec, Panel, Threshold } from "./panel.ts";

/** A page of docs/runbooks. */
export interface Runbook {
  /** File name without ending. */
  readonly name: string;
  readonly markdown: string;
}

const COLOURS: Readonly<Record<Threshold["meaning"], string>> = {
  good: "green",
  warning: "orange",
  bad: "red",
  neutral: "blue",
};

/** Chosen by the reader, so that no dashboard depends on the name of a data source. */
const DATASOURCE: common.DataSourceRef = { type: "prometheus", uid: "${datasource}" };
const FULL_WIDTH = 24;

function thresholds(panel: Panel): dashboard.ThresholdsConfigBuilder {
  return new dashboard.ThresholdsConfigBuilder()
    .mode(dashboard.ThresholdsMode.Absolute)
    .steps(panel.thresholds.map(({ from, meaning }) => ({ value: from, color: COLOURS[meaning] })));
}

function targets({ queries, visual }: Panel): prometheus.DataqueryBuilder[] {
  return queries.map(({ expr, legend }, index) => {
    const query = new prometheus.DataqueryBuilder()
      .refId(String.fromCharCode("A".charCodeAt(0) + index))
      .expr(expr)
      .legendFormat(legend)
      .datasource(DATASOURCE);
    return visual === "lines" ? query.range() : query.instant();
  });
}

/** Identifier of the dashboard that shows a runbook. */
function runbookUid(name: string): string {
  return `llmops-runbook-${name}`;
}

function runbookLink({ runbook }: Panel): dashboard.DashboardLinkBuilder {
  return new dashboard.DashboardLinkBuilder(`Runbook: ${runbook}`)
    .type(dashboard.DashboardLinkType.Link)
    .url(`/d/${runbookUid(runbook)}`)
    .targetBlank(true);
}

function lastValue(): common.ReduceDataOptionsBuilder {
  return new common.ReduceDataOptionsBuilder().calcs(["lastNotNull"]).values(false);
}

function panelBuilder(panel: Panel, id: number): Builder<dashboard.Panel> {
  switch (panel.visual) {
    case "value":
      return new stat.PanelBuilder()
        .id(id)
        .title(panel.title)
        .description(panel.description)
        .datasource(DATASOURCE)
        .unit(panel.unit)
        .noValue("no data")
        .thresholds(thresholds(panel))
        .links([runbookLink(panel)])
        .targets(targets(panel))
        .reduceOptions(lastValue())
        .colorMode(common.BigValueColorMode.Value)
        .graphMode(common.BigValueGraphMode.None)
        .span(6)
        .height(5);
    case "bars":
      return new bargauge.PanelBuilder()
        .id(id)
        .title(panel.title)
        .description(panel.description)
        .datasource(DATASOURCE)
        .unit(panel.unit)
        .noValue("no data")
        .min(0)
        .thresholds(thresholds(panel))
        .links([runbookLink(panel)])
        .targets(targets(panel))
        .reduceOptions(lastValue())
        .orientation(common.VizOrientation.Horizontal)
        .displayMode(common.BarGaugeDisplayMode.Basic)
        .span(12)
        .height(7);
    case "lines":
      return new timeseries.PanelBuilder()
        .id(id)
        .title(panel.title)
        .description(panel.description)
        .datasource(DATASOURCE)
        .unit(panel.unit)
        .noValue("no data")
        .axisSoftMin(0)
        .thresholds(thresholds(panel))
        .thresholdsStyle(
          new common.GraphThresholdsStyleConfigBuilder().mode(
            panel.thresholds.length > 1
              ? common.GraphThresholdsStyleMode.Line
              : common.GraphThresholdsStyleMode.Off,
          ),
        )
        .links([runbookLink(panel)])
        .targets(targets(panel))
        .legend(
          new common.VizLegendOptionsBuilder()
            .displayMode(common.LegendDisplayMode.List)
            .placement(common.LegendPlacement.Bottom)
            .showLegend(true),
        )
        .span(12)
        .height(8);
  }
}

function choice(name: string): dashboard.QueryVariableBuilder {
  return new dashboard.QueryVariableBuilder(name)
    .datasource(DATASOURCE)
    .query(`label_values(llmops_gateway_requests_total, ${name})`)
    .refresh(dashboard.VariableRefresh.OnTimeRangeChanged)
    .sort(dashboard.VariableSort.AlphabeticalAsc)
    .multi(true)
    .includeAll(true)
    .allValue(".*")
    .current({ selected: true, text: "All", value: "$__all" });
}

/** A dashboard as Grafana's JSON model, with unique panel ids and a link from each panel to its runbook. */
export function grafanaDashboard(spec: DashboardSpec): dashboard.Dashboard {
  const builder = new dashboard.DashboardBuilder(spec.title)
    .uid(spec.uid)
    .description(spec.description)
    .tags(["llmops"])
    .readonly()
    .time({ from: spec.from, to: "now" })
    .refresh("1m")
    .timezone("utc")
    .withVariable(
      new dashboard.DatasourceVariableBuilder("datasource").label("Prometheus").type("prometheus"),
    )
    .withVariable(choice("model").label("Model"))
    .withVariable(choice("client").label("Client"))
    .link(
      new dashboard.DashboardLinkBuilder("LLMOps")
        .type(dashboard.DashboardLinkType.Dashboards)
        .tags(["llmops"])
        .asDropdown(true),
    );
  let id = 1;
  for (const { title, panels } of spec.groups) {
    builder.withRow(new dashboard.RowBuilder(title).id(id++));
    for (const panel of panels) builder.withPanel(panelBuilder(panel, id++));
  }
  return builder.build();
}

/** A runbook as a dashboard, so that links from panels work wherever Grafana stands. */
export function runbookDashboard({ name, markdown }: Runbook): dashboard.Dashboard {
  return new dashboard.DashboardBuilder(`LLMOps runbook: ${name}`)
    .uid(runbookUid(name))
    .tags(["llmops-runbook"])
    .readonly()
    .withPanel(
      new text.PanelBuilder()
        .id(1)
        .title("")
        .mode(text.TextMode.Markdown)
        .content(markdown)
        .span(FULL_WIDTH)
        .height(24),
    )
    .build();
}
