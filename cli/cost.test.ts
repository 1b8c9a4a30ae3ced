import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, describe, expect, it, vi } from "vitest";
import { llmops } from "./program.ts";

const folder = mkdtempSync(join(tmpdir(), "llmops-cost-"));
afterAll(() => {
  rmSync(folder, { recursive: true });
});
afterEach(() => {
  vi.restoreAllMocks();
  process.exitCode = undefined;
});

interface Output {
  readonly out: string;
  readonly err: string;
  readonly code: number;
}

/** Exit code so far; a function, because the compiler does not see that commands set it. */
function exitCode(): number {
  return Number(process.exitCode ?? 0);
}

async function run(...args: readonly string[]): Promise<Output> {
  let [out, err] = ["", ""];
  vi.spyOn(process.stdout, "write").mockImplementation((text) => {
    out += String(text);
    return true;
  });
  vi.spyOn(process.stderr, "write").mockImplementation((text) => {
    err += String(text);
    return true;
  });
  process.exitCode = 0;
  await llmops(args);
  const code = exitCode();
  vi.restoreAllMocks();
  return { out, err, code };
}

const FAST = ["--no-unit-costs", "--as-of", "2026-11-25"] as const;

describe("llmops cost", () => {
  it("prints tables, and writes the chart and the page", async () => {
    const [svg, html] = [join(folder, "dev.svg"), join(folder, "dev.html")];
    const { out, code } = await run(
      "cost",
      "-s",
      "dev",
      ...FAST,
      "--currency",
      "EUR",
      "--svg",
      svg,
      "--html",
      html,
    );
    expect(code).toBe(0);
    expect(out).toMatch(/^dev: \d+\.\d\d USD at least, /);
    expect(out).toContain("In EUR at 1.1133 USD (2026-10-28, ");
    for (const title of [
      "By component",
      "By model",
      "By client of the gateway",
      "If things were different",
      "Spot in pool l4",
    ])
      expect(out).toContain(`\n${title}`);
    expect(readFileSync(svg, "utf8")).toMatch(/^<svg .*<\/svg>\n$/s);
    expect(readFileSync(html, "utf8")).toContain("<h1>dev</h1>");
  });

  it("takes the expected figure from a traffic profile", async () => {
    const profile = join(folder, "profile.csv");
    writeFileSync(profile, "window_start_s,requests_per_s\n0,0\n43200,0.5\n");
    const { out, code } = await run(
      "cost",
      "-s",
      "dev",
      ...FAST,
      "--json",
      "--trace",
      `mistral-7b=${profile}`,
    );
    expect(code).toBe(0);
    const { environments } = JSON.parse(out) as {
      environments: { traffic: { model: string; meanReplicas: number; month: { requests: number } }[] }[];
    };
    // Sleeps for half of the day, one replica in the other half; 0.25 requests/s on average.
    expect(environments[0]?.traffic).toMatchObject([
      { model: "mistral-7b", meanReplicas: 0.5, month: { requests: 657_000 } },
    ]);
  });

  it("compares two stacks", async () => {
    const { out, code } = await run("cost", "--compare", "dev", "globex-prod", ...FAST, "--json");
    expect(code).toBe(0);
    const { environments, differences } = JSON.parse(out) as {
      environments: { report: { monthlyUsd: { max: string } } }[];
      differences: { before: string; after: string; totalUsd: { max: string } }[];
    };
    const [before, after] = environments.map(({ report }) => Number(report.monthlyUsd.max));
    expect(differences).toHaveLength(1);
    expect(differences[0]).toMatchObject({ before: "dev", after: "globex-prod" });
    expect(Number(differences[0]?.totalUsd.max)).toBeCloseTo((after ?? 0) - (before ?? 0), 2);
  });

  it("refuses figures on stale prices, naming each", async () => {
    const { out, err, code } = await run("cost", "-s", "dev", "--no-unit-costs", "--as-of", "2028-01-01");
    expect([out, code]).toEqual(["", 1]);
    expect(err).toMatch(
      /error: dev: price gcp\/europe-west4\/machine\/e2-standard-4\/on-demand: 499 days old, more than 365/,
    );
  });

  it.each([
    [["-s", "dev", "--commitment-discount", "1.5"], "'1.5' is not between 0 and 1"],
    [["-s", "dev", "--input-tokens", "-3"], "'-3' is not a number above 0"],
    [["-s", "dev", "--interruption-minutes", "0"], "'0' is not between 0 and 119"],
    [["-s", "dev", "--currency", "BTC"], "Allowed choices are USD, EUR"],
    [["-s", "nowhere"], "there is no stack 'nowhere'"],
    [["--compare", "dev"], "--compare takes two stacks, not 1"],
    [["-s", "dev", "--trace", "other=x.csv"], "x.csv: ENOENT"],
  ])("refuses %j", async (args, message) => {
    const { out, err, code } = await run("cost", ...args);
    expect([out, code]).toEqual(["", 2]);
    expect(err).toContain(message);
  });

  it("refuses a trace of a model that is not served", async () => {
    const profile = join(folder, "other.csv");
    writeFileSync(profile, "window_start_s,requests_per_s\n0,1\n60,1\n");
    const { err, code } = await run("cost", "-s", "dev", ...FAST, "--trace", `other=${profile}`);
    expect(code).toBe(2);
    expect(err).toContain("error: --trace other=...: the stack serves no such model; it has mistral-7b");
  });
});

describe("llmops prices", () => {
  it("reports what has no source, and accepts it when asked to", async () => {
    const strict = await run("prices", "check", "-s", "dev", "--as-of", "2026-11-25", "--json");
    expect(strict.code).toBe(1);
    const { findings, wrong } = JSON.parse(strict.out) as {
      findings: { key: string; state: string }[];
      wrong: number;
    };
    const states = new Map(findings.map(({ key, state }) => [key, state]));
    expect(states.get("gcp/europe-west4/machine/g2-standard-8/spot")).toBe("listed");
    expect(states.get("gcp/europe-west4/disk-gib")).toBe("assumed");
    expect(states.get("currency EUR")).toBe("listed");
    expect(wrong).toBe(findings.filter(({ state }) => state === "assumed").length);
    const accepting = await run("prices", "check", "-s", "dev", "--as-of", "2026-11-25", "--accept-assumed");
    expect(accepting.code).toBe(0);
    const old = await run(
      "prices",
      "check",
      "-s",
      "dev",
      "--as-of",
      "2026-11-25",
      "--accept-assumed",
      "--max-age-days",
      "30",
    );
    expect(old.code).toBe(1);
    expect(old.err).toContain(
      "error: dev: gcp/europe-west4/machine/e2-standard-4/on-demand: 97 days old, more than 30",
    );
  });

  it("lists every price with source and date", async () => {
    const { out, code } = await run("prices", "list", "--json");
    expect(code).toBe(0);
    const lists = JSON.parse(out) as Record<
      "hourly" | "use" | "currencies",
      Record<string, { source: string; asOf: string }>
    > & { tokens: { source: string; asOf: string; input: string }[] };
    const all = [lists.hourly, lists.use, lists.currencies]
      .flatMap((list) => Object.values(list))
      .concat(lists.tokens);
    expect(all.length).toBeGreaterThan(70);
    expect(
      all.filter(({ source, asOf }) => !source.startsWith("https://") || !/^2026-\d\d-\d\d$/.test(asOf)),
    ).toEqual([]);
  });

  it("imports a list into a book, adds to it, and refuses a bad one without touching the book", async () => {
    const [list, book] = [join(folder, "offer.json"), join(folder, "book.json")];
    const offer = (usagetype: string, usd: string): string =>
      JSON.stringify({
        offerCode: "AmazonEC2",
        publicationDate: "2026-11-20T00:00:00Z",
        products: { A: { attributes: { regionCode: "eu-south-2", usagetype } } },
        terms: {
          OnDemand: { A: { T: { priceDimensions: { D: { unit: "Hrs", pricePerUnit: { USD: usd } } } } } },
        },
      });
    const take = (): Promise<Output> =>
      run("prices", "import", "aws", "--file", list, "--region", "eu-south-2", "--out", book);
    writeFileSync(list, offer("EUS2-NatGateway-Hours", "0.048"));
    expect(await take()).toMatchObject({ code: 0 });
    writeFileSync(list, offer("EUS2-AmazonEKS-Hours:perCluster", "0.10"));
    expect(await take()).toMatchObject({ code: 0 });
    const before = readFileSync(book, "utf8");
    expect(Object.keys((JSON.parse(before) as { prices: object }).prices)).toEqual([
      "aws/eu-south-2/cluster",
      "aws/eu-south-2/nat-gateway",
    ]);
    writeFileSync(list, offer("EUS2-NatGateway-Hours", "-1"));
    const bad = await take();
    expect(bad.code).toBe(2);
    expect(bad.err).toContain('terms.OnDemand.A.T.priceDimensions.D.pricePerUnit.USD = "-1"');
    expect(readFileSync(book, "utf8")).toBe(before);
  });
});
