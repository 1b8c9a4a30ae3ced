import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { run } from "./testing/run.ts";

/** A Prometheus that knows the whole of October 2026: 2 USD of nodes an hour, of which a client used 0.5. */
let server: Server;
let url: string;

function matrix(hours: number, series: readonly (readonly [object, string])[]): object {
  const first = Date.UTC(2026, 9, 1) / 1000 + 3600;
  const values = (value: string): [number, string][] =>
    Array.from({ length: hours }, (_, hour) => [first + hour * 3600, value]);
  return {
    status: "success",
    data: {
      resultType: "matrix",
      result: series.map(([metric, value]) => ({ metric, values: values(value) })),
    },
  };
}

let hours = 744;

beforeAll(async () => {
  server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk: Buffer) => (body += chunk.toString("utf8")));
    request.on("end", () => {
      const query = new URLSearchParams(body).get("query") ?? "";
      response.end(
        JSON.stringify(
          query === "llmops:cost_usd:hour"
            ? matrix(hours, [
                [{ source: "gpu" }, "2"],
                [{ source: "provider" }, "0.01"],
              ])
            : matrix(hours, [
                [{ client: "portal", tenant: "claims", model: "mistral", source: "gpu" }, "0.5"],
                [{ client: "portal", tenant: "claims", model: "gpt", source: "provider" }, "0.01"],
              ]),
        ),
      );
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterAll(() => {
  server.close();
});

describe("llmops chargeback", () => {
  it("prints a month as JSON and as CSV, with what nobody used", async () => {
    hours = 744;
    const json = await run(["chargeback", "--prometheus", url, "--month", "2026-10", "--json"]);
    expect([json.code, JSON.parse(json.out)]).toEqual([
      0,
      {
        from: "2026-10-01T00:00:00.000Z",
        to: "2026-11-01T00:00:00.000Z",
        rows: [
          { tenant: "claims", client: "portal", model: "mistral", source: "gpu", usd: "372.00" },
          { tenant: "claims", client: "portal", model: "gpt", source: "provider", usd: "7.44" },
          { tenant: "", client: "", model: "", source: "gpu", usd: "1116.00" },
          { tenant: "", client: "", model: "", source: "provider", usd: "0.00" },
        ],
        totalUsd: "1495.44",
        attributedUsd: "379.44",
        unattributedUsd: "1116.00",
        hours: { inPeriod: 744, measured: 744 },
        findings: [],
      },
    ]);
    const csv = await run(["chargeback", "--prometheus", url, "--month", "2026-10", "--csv"]);
    expect(csv.out).toBe(
      "tenant,client,model,source,usd\nclaims,portal,mistral,gpu,372.00\nclaims,portal,gpt,provider,7.44\n,,,gpu,1116.00\n,,,provider,0.00\n",
    );
  });

  it("ends with 1 when hours are missing", async () => {
    hours = 700;
    const { code, out, err } = await run(["chargeback", "--prometheus", url, "--month", "2026-10"]);
    expect([code, err]).toEqual([1, "finding: 44 of 744 hours were not measured; their cost is in no row\n"]);
    expect(out).toContain("700 of 744 hours measured");
    expect(out).toContain("(used by nobody)");
  });

  it.each([
    [
      ["--prometheus", "http://127.0.0.1:1", "--month", "2026-10"],
      "error: http://127.0.0.1:1 cannot be asked: ",
    ],
    [["--prometheus", "localhost", "--month", "2026-10"], "'localhost' is not an address such as"],
    [
      ["--prometheus", "http://localhost:9090", "--month", "2026-13"],
      "'2026-13' is not a month such as 2026-10",
    ],
    [["--prometheus", "http://localhost:9090", "--month", "2999-01"], "error: 2999-01 has not begun"],
  ])("ends with 2 and says why: %j", async (args, message) => {
    const { code, err } = await run(["chargeback", ...args]);
    expect(code).toBe(2);
    expect(err).toContain(message);
  });
});
