import { Decimal } from "decimal.js";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Prometheus, PrometheusError } from "../reporting/prometheus.ts";
import { monthPeriod, readHours, type HourlySeries } from "./hours.ts";
import { statementOf, wholeCents } from "./statement.ts";

const FROM = Date.UTC(2026, 9, 1);
const period = { from: FROM, to: FROM + 2 * 3_600_000 };
const END = FROM / 1000 + 3600;

function series(labels: Record<string, string>, ...values: string[]): HourlySeries {
  return { labels, values: values.map((value, index) => [END + 3600 * index, value]) };
}

const totals = [series({ source: "gpu" }, "2.5", "2.5"), series({ source: "provider" }, "0.1", "0.2")];

describe("a statement", () => {
  it("charges clients, shows what nobody used, and adds up to the cent", () => {
    const statement = statementOf({
      period,
      totals,
      clients: [
        series({ client: "portal", tenant: "claims", model: "mistral", source: "gpu" }, "1.005", "1.005"),
        series({ client: "batch", model: "mistral", source: "gpu" }, "0.333", "0.333"),
        series({ client: "portal", tenant: "claims", model: "gpt", source: "provider" }, "0.1", "0.2"),
      ],
    });
    expect(statement.rows).toEqual([
      { tenant: "", client: "batch", model: "mistral", source: "gpu", usd: "0.67" },
      { tenant: "claims", client: "portal", model: "mistral", source: "gpu", usd: "2.01" },
      { tenant: "claims", client: "portal", model: "gpt", source: "provider", usd: "0.30" },
      { tenant: "", client: "", model: "", source: "gpu", usd: "2.32" },
      { tenant: "", client: "", model: "", source: "provider", usd: "0.00" },
    ]);
    expect([statement.totalUsd, statement.attributedUsd, statement.unattributedUsd]).toEqual([
      "5.30",
      "2.98",
      "2.32",
    ]);
    expect(statement.findings).toEqual([
      {
        kind: "unknown-client",
        message: "client 'batch' has cost but no tenant: it is not in gateway.clients any more",
      },
    ]);
  });

  it("says what is missing, what cannot be, and what was charged too much", () => {
    const { findings, hours } = statementOf({
      period,
      totals: [series({ source: "gpu" }, "NaN")],
      clients: [series({ client: "portal", tenant: "claims", model: "mistral", source: "gpu" }, "1", "-1")],
    });
    expect(hours).toEqual({ inPeriod: 2, measured: 1 });
    expect(findings.map(({ kind, message }) => [kind, message])).toEqual([
      [
        "unusable-value",
        '2026-10-01T02:00:00.000Z: {"client":"portal","tenant":"claims","model":"mistral","source":"gpu"} = -1 is not an amount',
      ],
      ["unusable-value", '2026-10-01T01:00:00.000Z: {"source":"gpu"} = NaN is not an amount'],
      [
        "over-attributed",
        "clients were charged 1.00 USD more of source 'gpu' than it cost: a pool has no price, or two Prometheus replicas answered differently",
      ],
      ["missing-hours", "1 of 2 hours were not measured; their cost is in no row"],
    ]);
  });

  it("adds up for any amounts", () => {
    const amount = fc.integer({ min: 0, max: 10 ** 9 }).map((micros) => new Decimal(micros).dividedBy(1e6));
    fc.assert(
      fc.property(fc.array(amount, { maxLength: 30 }), (parts) => {
        const cents = wholeCents(parts);
        const total = Decimal.sum(0, ...parts)
          .times(100)
          .round()
          .dividedBy(100);
        expect(Decimal.sum(0, ...cents).toFixed(2)).toBe(total.toFixed(2));
        cents.forEach((each, index) => {
          expect(
            each
              .minus(parts[index] ?? 0)
              .abs()
              .lt("0.01"),
          ).toBe(true);
        });
      }),
    );
    expect(() => wholeCents([new Decimal(-1)])).toThrow("-1 is negative");
  });
});

describe("the hours of a month", () => {
  it.each([
    ["2026-10", "2026-11-25T10:30:00Z", "2026-10-01T00:00:00.000Z", "2026-11-01T00:00:00.000Z"],
    ["2026-11", "2026-11-25T10:30:00Z", "2026-11-01T00:00:00.000Z", "2026-11-25T10:00:00.000Z"],
    ["2026-12", "2027-01-01T00:00:00Z", "2026-12-01T00:00:00.000Z", "2027-01-01T00:00:00.000Z"],
  ])("%s at %s", (month, now, from, to) => {
    const found = monthPeriod(month, Date.parse(now));
    expect([new Date(found.from).toISOString(), new Date(found.to).toISOString()]).toEqual([from, to]);
  });

  it("refuses a month that has not begun", () => {
    expect(() => monthPeriod("2026-12", Date.parse("2026-12-01T00:59:00Z"))).toThrow("2026-12 has not begun");
  });
});

describe("reading from Prometheus", () => {
  const respond =
    (body: string, status = 200): typeof fetch =>
    () =>
      Promise.resolve(new Response(body, { status }));

  it("asks for the end of each hour, and keeps the digits", async () => {
    const asked: unknown[] = [];
    const prometheus = new Prometheus("http://prometheus:9090/", undefined, (url, init) => {
      asked.push(url, init?.method, Object.fromEntries(init?.body as URLSearchParams));
      return Promise.resolve(
        Response.json({
          status: "success",
          data: {
            resultType: "matrix",
            result: [{ metric: { source: "gpu" }, values: [[END, "2.50000000000000000001"]] }],
          },
        }),
      );
    });
    const found = await readHours(prometheus, "llmops:cost_usd:hour", period);
    expect(asked).toEqual([
      "http://prometheus:9090/api/v1/query_range",
      "POST",
      { query: "llmops:cost_usd:hour", start: String(END), end: String(END + 3600), step: "3600" },
    ]);
    expect(found).toEqual([series({ source: "gpu" }, "2.50000000000000000001")]);
  });

  it.each([
    [
      "an error",
      respond("down", 503),
      "http://p:9090 answered 503 with something that is no query result: down",
    ],
    [
      "no JSON",
      respond("<html>"),
      "http://p:9090 answered 200 with something that is no query result: <html>",
    ],
    [
      "another shape",
      respond('{"status":"success","data":{"resultType":"vector","result":[]}}'),
      "'x' gives no ranges",
    ],
    [
      "nobody",
      () => Promise.reject(new Error("connection refused")),
      "http://p:9090 cannot be asked: Error: connection refused; open it with kubectl port-forward -n monitoring svc/kube-prometheus-stack-prometheus 9090",
    ],
  ])("refuses %s", async (_, over, message) => {
    const reading = readHours(new Prometheus("http://p:9090", undefined, over), "x", period);
    await expect(reading).rejects.toThrow(new PrometheusError(message));
  });
});
