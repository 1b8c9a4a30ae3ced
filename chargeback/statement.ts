import { Decimal } from "decimal.js";
import { hoursOf, type HourlySeries, type Period } from "./hours.ts";

/** What a client used of one model in a month. */
export interface StatementRow {
  /** Empty where the client belongs to no tenant that is configured. */
  readonly tenant: string;
  /** Empty for what no client used. */
  readonly client: string;
  readonly model: string;
  readonly source: "gpu" | "provider";
  /** USD in whole cents. */
  readonly usd: string;
}

/** Something that makes a statement wrong or incomplete. */
export interface StatementFinding {
  readonly kind: "missing-hours" | "over-attributed" | "unknown-client" | "unusable-value";
  readonly message: string;
}

/** Cost of an environment in a month by who caused it; the rows add up to the total to the cent. */
export interface Statement {
  readonly from: string;
  readonly to: string;
  readonly rows: readonly StatementRow[];
  readonly totalUsd: string;
  readonly attributedUsd: string;
  readonly unattributedUsd: string;
  readonly hours: { readonly inPeriod: number; readonly measured: number };
  readonly findings: readonly StatementFinding[];
}

/** Series a statement is made of. */
export interface StatementInput {
  readonly period: Period;
  /** `llmops:client_cost_usd:hour`. */
  readonly clients: readonly HourlySeries[];
  /** `llmops:cost_usd:hour`. */
  readonly totals: readonly HourlySeries[];
}

/** Names of the series. */
export const STATEMENT_SERIES = {
  clients: "llmops:client_cost_usd:hour",
  totals: "llmops:cost_usd:hour",
} as const;

/** Part of a cent below which a difference is the rounding of recorded numbers, USD. */
const ROUNDING = new Decimal("0.005");

/**
 * Whole cents that add up to the rounded sum: each part is rounded down, and the cents left go to the parts that lost most.
 * @throws RangeError for a negative part
 */
export function wholeCents(parts: readonly Decimal[]): Decimal[] {
  const negative = parts.find((part) => part.isNegative() && !part.isZero());
  if (negative !== undefined) throw new RangeError(`${negative.toString()} is negative`);
  const cents = parts.map((part) => part.times(100));
  const floors = cents.map((each) => each.floor());
  const sum = Decimal.sum(0, ...cents).round();
  let left = sum.minus(Decimal.sum(0, ...floors)).toNumber();
  const order = cents
    .map((each, index) => ({ index, lost: each.minus(floors[index] ?? 0) }))
    .sort((a, b) => b.lost.comparedTo(a.lost) || a.index - b.index);
  const given = new Set<number>();
  for (const { index } of order) {
    if (left-- <= 0) break;
    given.add(index);
  }
  return floors.map((each, index) => each.plus(given.has(index) ? 1 : 0).dividedBy(100));
}

interface Amount {
  readonly row: Omit<StatementRow, "usd">;
  readonly usd: Decimal;
}

/** Sum of a series in exact decimal arithmetic; what is no number is told, not counted. */
function sumOf({ labels, values }: HourlySeries, findings: StatementFinding[]): Decimal {
  return values.reduce((sum, [end, value]) => {
    const number = /^-?\d/.test(value) ? new Decimal(value) : undefined;
    if (number?.gte(0) === true) return sum.plus(number);
    findings.push({
      kind: "unusable-value",
      message: `${new Date(end * 1000).toISOString()}: ${JSON.stringify(labels)} = ${value} is not an amount`,
    });
    return sum;
  }, new Decimal(0));
}

const SOURCES = ["gpu", "provider"] as const;

function sourceOf(labels: HourlySeries["labels"]): StatementRow["source"] | undefined {
  return SOURCES.find((source) => source === labels["source"]);
}

/** Joins series that differ in nothing a statement shows. */
function amounts(series: readonly HourlySeries[], findings: StatementFinding[]): Amount[] {
  const found = new Map<string, Amount>();
  for (const each of series) {
    const source = sourceOf(each.labels);
    if (source === undefined) continue;
    const { tenant = "", client = "", model = "" } = each.labels;
    const row = { tenant, client, model, source };
    const key = JSON.stringify(row);
    found.set(key, { row, usd: sumOf(each, findings).plus(found.get(key)?.usd ?? 0) });
  }
  return [...found.values()];
}

function unattributed(
  total: readonly Amount[],
  clients: readonly Amount[],
  findings: StatementFinding[],
): Amount[] {
  return SOURCES.map((source) => {
    const of = (list: readonly Amount[]): Decimal =>
      Decimal.sum(0, ...list.filter(({ row }) => row.source === source).map(({ usd }) => usd));
    const rest = of(total).minus(of(clients));
    if (rest.lt(ROUNDING.negated()))
      findings.push({
        kind: "over-attributed",
        message: `clients were charged ${rest.negated().toFixed(2)} USD more of source '${source}' than it cost: a pool has no price, or two Prometheus replicas answered differently`,
      });
    return { row: { tenant: "", client: "", model: "", source }, usd: Decimal.max(0, rest) };
  });
}

function byNames(a: Amount, b: Amount): number {
  const key = ({ row }: Amount): string => [row.tenant, row.client, row.source, row.model].join("\n");
  return key(a) < key(b) ? -1 : 1;
}

/** Makes the statement of a period; every dollar of the total is in exactly one row. */
export function statementOf({ period, clients, totals }: StatementInput): Statement {
  const findings: StatementFinding[] = [];
  const charged = amounts(clients, findings)
    .filter(({ usd }) => !usd.isZero())
    .sort(byNames);
  const rest = unattributed(amounts(totals, findings), charged, findings);
  const all = [...charged, ...rest];
  const cents = wholeCents(all.map(({ usd }) => usd));
  const rows = all.map(({ row }, index) => ({ ...row, usd: (cents[index] ?? new Decimal(0)).toFixed(2) }));
  const sum = (list: readonly StatementRow[]): string =>
    Decimal.sum(0, ...list.map(({ usd }) => usd)).toFixed(2);
  const inPeriod = hoursOf(period);
  const measured = new Set(totals.flatMap(({ values }) => values.map(([end]) => end))).size;
  if (measured < inPeriod)
    findings.push({
      kind: "missing-hours",
      message: `${inPeriod - measured} of ${inPeriod} hours were not measured; their cost is in no row`,
    });
  for (const client of new Set(charged.filter(({ row }) => row.tenant === "").map(({ row }) => row.client)))
    findings.push({
      kind: "unknown-client",
      message: `client '${client}' has cost but no tenant: it is not in gateway.clients any more`,
    });
  return {
    from: new Date(period.from).toISOString(),
    to: new Date(period.to).toISOString(),
    rows,
    totalUsd: sum(rows),
    attributedUsd: sum(rows.filter(({ client }) => client !== "")),
    unattributedUsd: sum(rows.filter(({ client }) => client === "")),
    hours: { inPeriod, measured },
    findings,
  };
}
