import { createServer } from "node:http";
import { once } from "node:events";
import { readFile, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { AuditLog } from "../../gateway/src/audit/log.ts";
import { quietLog, temporaryDirectory, testSigner } from "../../gateway/src/testing/audit-directory.ts";
import { decisionOf, intentOf, outcomeOf } from "../../gateway/src/testing/records.ts";
import { Prometheus, PrometheusError } from "../prometheus.ts";
import { auditMonth } from "./audit-month.ts";
import type { AuditAnswer } from "./audit-sections.ts";
import { reportHtml } from "./html.ts";
import { makeReport } from "./make-report.ts";
import { reportMarkdown } from "./markdown.ts";
import type { Promises } from "./measured-sections.ts";
import { MonthError, reportMonth } from "./period.ts";
import type { MonthlyReport } from "./report.ts";
import { verdictOf, wordsOf } from "./words.ts";

const NOW = new Date("2026-11-03T08:00:00Z");
const OCTOBER = reportMonth("2026-10", NOW);
const PROMISES = {
  budgetUsd: 7_300,
  availability: 0.999,
  objectives: [{ model: "small", ttftP95Seconds: 0.8, e2eP99Seconds: 20 }],
};
const NO_AUDIT: AuditAnswer = { kind: "no-data", reason: "no audit log was given" };

/** Answers as Prometheus gave them, by a part of the query; everything else has no series. */
const RECORDED: readonly (readonly [part: string, value: string])[] = [
  ["histogram_quantile(0.99", "21.5"],
  ["histogram_quantile(0.95", "0.41"],
  ["avg_over_time(llmops:cost_usd:per_hour", "6205.5"],
  ["sum_over_time(llmops:cost_usd:per_hour", "6119.25"],
  ["count_over_time(llmops:cost_usd:per_hour", "8928"],
  ["/ 0.001", "0.4"],
  ["llmops_gateway_requests_total{result=~", "0.9994"],
  ["count(llmops_gateway_audit_ready)", "0.62"],
  ["llmops:cost_usd:per_hour", "8.4"],
];

/** A server that answers queries as recorded; `silent` has no series at all. */
async function stub(kind: "recorded" | "silent" | "refusing"): Promise<string> {
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk: Buffer) => (body += chunk.toString("utf8")));
    request.on("end", () => {
      const query = new URLSearchParams(body).get("query") ?? "";
      const known = kind === "recorded" ? RECORDED.find(([part]) => query.includes(part)) : undefined;
      response.setHeader("content-type", "application/json");
      if (kind === "refusing") {
        response.statusCode = 400;
        response.end('{"status":"error","errorType":"bad_data","error":"parse error"}');
        return;
      }
      const isRange = request.url?.endsWith("query_range") === true;
      const point = [Number(new URLSearchParams(body).get(isRange ? "start" : "time")), known?.[1] ?? ""];
      const result =
        known === undefined ? [] : [{ metric: {}, ...(isRange ? { values: [point] } : { value: point }) }];
      response.end(
        JSON.stringify({ status: "success", data: { resultType: isRange ? "matrix" : "vector", result } }),
      );
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.close();
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no address");
  return `http://127.0.0.1:${address.port}`;
}

async function reportOf(
  kind: "recorded" | "silent",
  audit: AuditAnswer = NO_AUDIT,
  promises: Promises = PROMISES,
): Promise<MonthlyReport> {
  const prometheus = new Prometheus(await stub(kind));
  return makeReport({
    month: OCTOBER,
    subject: "acme-prod",
    promises,
    prometheus,
    audit,
    now: NOW,
  });
}

/** Figures as `label: words, verdict`. */
function lines({ sections }: MonthlyReport): string[] {
  return sections.flatMap(({ figures }) =>
    figures.map((figure) => `${figure.label}: ${wordsOf(figure)}, ${verdictOf(figure)}`),
  );
}

describe("the month", () => {
  it("ends with the month, or now while it runs", () => {
    expect(OCTOBER).toMatchObject({
      from: new Date("2026-10-01T00:00:00Z"),
      to: new Date("2026-11-01T00:00:00Z"),
      state: "complete",
      days: 31,
    });
    expect(reportMonth("2026-11", NOW)).toMatchObject({ to: NOW, state: "running" });
  });

  it.each(["2026-13", "2026-1", "last", "2026-12"])("refuses %s", (name) => {
    expect(() => reportMonth(name, NOW)).toThrow(MonthError);
  });
});

describe("figures from Prometheus", () => {
  it("are held against the stack's own promises", async () => {
    const report = await reportOf("recorded");
    expect(lines(report)).toEqual(
      expect.arrayContaining([
        "Availability: 99.940 %, met",
        "Error budget left: 40.00 %, met",
        "small: whole call, p99: 21.50 s, missed",
        "small: first token, p95: 410.0 ms, met",
        "A full month at this rate: 6,205.50 USD, met",
        "Part of the month that Prometheus saw: 62.00 %, missed",
      ]),
    );
    expect(report.caveats).toContain(
      "Prometheus saw only 62.0 % of the period; its figures describe that part.",
    );
  });

  it.each([
    [0.999, "Availability: 99.940 %, met"],
    [0.9995, "Availability: 99.940 %, missed"],
    [undefined, "Availability: 99.940 %, "],
  ])("of availability are held against the promise of the pipeline file: %s", async (availability, line) => {
    const { availability: usual, ...others } = PROMISES;
    expect(usual).toBe(0.999);
    const report = await reportOf("recorded", NO_AUDIT, {
      ...others,
      ...(availability === undefined ? {} : { availability }),
    });
    expect(lines(report).find((each) => each.startsWith("Availability"))).toBe(line);
    const [level] = report.sections;
    const budget = level?.figures.find(({ label }) => label === "Error budget left");
    expect(budget?.source.split(" / ").at(-1)).toBe(
      availability === undefined ? undefined : availability === 0.999 ? "0.001" : "0.0005",
    );
  });

  it("name their query", async () => {
    const { sections } = await reportOf("recorded");
    for (const { source } of sections
      .filter(({ title }) => title !== "Oversight and records")
      .flatMap(({ figures }) => figures))
      expect(source).toMatch(/^Prometheus: .+/);
  });

  it("are no data, and no target is met, where Prometheus has nothing", async () => {
    const report = await reportOf("silent");
    const measured = lines(report);
    expect(measured.length).toBeGreaterThan(10);
    for (const line of measured) expect(line).toMatch(/: no data, (unknown)?$/);
    const tables = report.sections.flatMap((section) => section.tables);
    expect(tables.every((table) => "missing" in table)).toBe(true);
    expect(report.caveats[0]).toBe(
      "No figure from Prometheus: Prometheus has nothing about it in this month.",
    );
  });

  it("say that no alert fired only where rules were evaluated", async () => {
    const alerts = (report: MonthlyReport) =>
      report.sections.flatMap((section) => section.tables).find(({ title }) => title === "Alerts that fired");
    expect(alerts(await reportOf("recorded"))).toMatchObject({
      rows: [["none in the time measured", "", ""]],
    });
    expect(alerts(await reportOf("silent"))).toMatchObject({
      missing: "no rule was evaluated: Prometheus has nothing about it in this month",
    });
  });

  it("are an error, not a gap, when Prometheus refuses or cannot be reached", async () => {
    const refusing = new Prometheus(await stub("refusing"));
    await expect(refusing.instant("up{", NOW)).rejects.toThrow("refuses 'up{': parse error");
    const nobody = new Prometheus("http://127.0.0.1:9");
    await expect(nobody.instant("up", NOW)).rejects.toThrow(PrometheusError);
  });
});

/** A log as the gateway writes it: three calls in October, one before and one after. */
async function log(): Promise<string> {
  const directory = await temporaryDirectory();
  let at = Date.parse("2026-09-30T23:59:50Z");
  const clock = { now: () => at, monotonic: () => at };
  const audit = await AuditLog.open(quietLog(directory, { clock }));
  const call = async (id: string): Promise<void> => {
    await audit.intent(intentOf(id));
    await audit.outcome(outcomeOf(id));
  };
  await call("september");
  await audit.intent(intentOf("across"));
  at = Date.parse("2026-10-01T00:00:05Z");
  await audit.outcome(outcomeOf("across"));
  await call("october");
  await audit.intent(intentOf("failed"));
  await audit.outcome({
    ...outcomeOf("failed"),
    result: "failed",
    cost: null,
    usage: null,
    reason: "upstream",
  });
  await audit.decision({ ...decisionOf("held"), result: "review", reason: "pii" });
  await audit.review({
    kind: "review",
    ticket: "t1",
    id: "held",
    decision: "denied",
    reviewer: "hmac-sha256:02",
  });
  await audit.brake({
    kind: "brake",
    action: "stop",
    scope: "small",
    reason: "wrong | <b>answers</b>",
    by: "0123456789ab",
  });
  at = Date.parse("2026-11-01T00:00:00Z");
  await call("november");
  await audit.close();
  return directory;
}

async function read(directory: string, keys: readonly string[]): Promise<AuditAnswer> {
  return { kind: "read", audit: await auditMonth([directory], keys, OCTOBER) };
}

describe("figures from a log written by the gateway's own code", () => {
  it("count what happened in the month, call by call", async () => {
    const { audit } = (await read(await log(), [testSigner.publicKeyPem])) as Extract<
      AuditAnswer,
      { kind: "read" }
    >;
    expect(audit.counts).toEqual([
      {
        client: "app",
        model: "small",
        calls: 4,
        completed: 2,
        inputTokens: 10,
        outputTokens: 14,
        nanos: new Map([["USD", 24_000]]),
      },
    ]);
    expect([...audit.outcomes]).toEqual([
      ["completed", 2],
      ["failed", 1],
    ]);
    expect([...audit.decisions]).toEqual([["review", 1]]);
    expect(audit.reviews).toEqual({ approved: 0, denied: 1 });
    expect(audit.brakes).toMatchObject([{ action: "stop", scope: "small" }]);
    expect(audit.open).toBe(0);
  });

  it("say how far the log is proven, and never better", async () => {
    const directory = await log();
    const integrity = async (keys: readonly string[]): Promise<string | undefined> =>
      lines(await reportOf("silent", await read(directory, keys))).find((line) =>
        line.startsWith("Integrity"),
      );
    expect(await integrity([testSigner.publicKeyPem])).toBe(
      "Integrity of the audit log: intact: chains and signatures verified, met",
    );
    expect(await integrity([])).toMatch(/not all proven.*, unknown$/);
    const [writer] = await readdir(directory);
    const file = join(directory, writer ?? "", "00000000.jsonl");
    await writeFile(file, (await readFile(file, "utf8")).replace('"client":"app"', '"client":"abc"'));
    expect(await integrity([testSigner.publicKeyPem])).toMatch(/broken: .*, missed$/);
  });
});

describe("the documents", () => {
  it("carry every figure, its source and what is missing, and no markup of others", async () => {
    const report = await reportOf("recorded", await read(await log(), [testSigner.publicKeyPem]));
    const markdown = reportMarkdown(report);
    const html = reportHtml(report);
    for (const text of [markdown, html]) {
      expect(text).toContain("Availability");
      expect(text).toContain("99.940 %");
      expect(text).toContain("no data");
      expect(text).not.toContain("<b>answers</b>");
      for (const figure of report.sections.flatMap(({ figures }) => figures))
        expect(text).toContain(wordsOf(figure).slice(0, 8));
    }
    expect(html).toContain("wrong | &lt;b&gt;answers&lt;/b&gt;");
    expect(html).not.toMatch(/<script|src=|href=/);
    expect(markdown).toContain("wrong \\| \\<b\\>answers\\</b\\>");
    expect(markdown).toContain("![Cost per hour](cost-per-hour.svg)");
  });
});
