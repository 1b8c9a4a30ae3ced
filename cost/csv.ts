import { stringify } from "csv-stringify/sync";
import type { ResourceGraph } from "../graph/graph.ts";
import { byUrn } from "../graph/graph.ts";
import { ownerOf } from "../plan/components.ts";
import type { Provenance } from "../pricing/price.ts";
import type { EnvironmentCost } from "./environment.ts";

/** Text that a spreadsheet would run as a formula is prefixed so that it stays text. */
function inert(text: string): string {
  return /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
}

function provenance(prices: Readonly<Record<string, Provenance>>): [string, string, string] {
  const entries = Object.entries(prices);
  const all = (pick: (entry: [string, Provenance]) => string): string =>
    [...new Set(entries.map(pick))].join("; ");
  return [all(([sku]) => sku), all(([, { source }]) => source), all(([, { asOf }]) => asOf)];
}

/** One row per line of the report, with the prices it rests on. */
export function costCsv(environment: EnvironmentCost, graph: ResourceGraph): string {
  const index = byUrn(graph);
  const { stack, client, environment: stage, report } = environment;
  const componentOf = (urn: string): string => {
    const node = index.get(urn);
    return node === undefined ? "" : (index.get(ownerOf(node, index))?.name ?? "");
  };
  const rows = [
    ...report.lines.map((line) => ({ ...line, component: componentOf(line.urn), pool: line.pool ?? "" })),
    ...report.use.map((line) => ({ ...line, component: "", pool: "" })),
  ];
  return stringify(
    rows.map(({ component, pool, name, what, monthlyUsd, prices }) =>
      [
        stack,
        client,
        stage,
        component,
        pool,
        name,
        what,
        monthlyUsd.min,
        monthlyUsd.expected,
        monthlyUsd.max,
        ...provenance(prices),
      ].map(inert),
    ),
    {
      header: true,
      columns: [
        "stack",
        "client",
        "environment",
        "component",
        "pool",
        "resource",
        "what",
        "floor_usd",
        "expected_usd",
        "ceiling_usd",
        "skus",
        "sources",
        "as_of",
      ],
    },
  );
}
