import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { predict } from "../capacity/replica-model.ts";

const ROOT = join(import.meta.dirname, "..");
const folder = mkdtempSync(join(tmpdir(), "llmops-capacity-"));

afterAll(() => {
  rmSync(folder, { recursive: true });
});

function llmops(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, ["cli/llmops.js", ...args], {
    cwd: ROOT,
    encoding: "utf8",
  });
  return { status, stdout, stderr };
}

function file(name: string, content: string): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

/** What a replica with known parameters would have shown. */
const measurements = [1, 2, 4, 8, 16, 32, 64, 128].flatMap((concurrency) =>
  [
    { inputTokens: 1024, outputTokens: 256 },
    { inputTokens: 256, outputTokens: 1024 },
  ].map((workload) => {
    const { ttftMs, tpotMs } = predict(
      { fixedMs: 12, contextNs: 40, prefillUs: 30, sequenceUs: 60 },
      workload,
      concurrency,
      { batchedTokens: 8192 },
    );
    return { ...workload, concurrency, ttftMs, tpotMs };
  }),
);
const calibration = { what: "a replica", asOf: "2026-11-24", cacheTokens: 300_000, measurements };

describe("llmops capacity", () => {
  it("sizes a measured model and says where the figures come from", () => {
    const { status, stdout } = llmops(
      "capacity",
      "qwen3-32b",
      "--gpu",
      "H100",
      "--tensor-parallel",
      "2",
      "--json",
    );
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      model: "qwen3-32b",
      origin: expect.stringContaining("13 held-out rows") as string,
      figures: { concurrency: expect.any(Number) as number },
      machine: { machine: "p5.48xlarge" },
    });
  });

  it("says that an estimate is one", () => {
    const { status, stdout } = llmops(
      "capacity",
      "mistral-7b",
      "--gpu",
      "L4",
      "--slo-tpot-ms",
      "150",
      "--slo-ttft-ms",
      "5000",
    );
    expect(status).toBe(0);
    expect(stdout).toContain("estimated from data sheets");
  });

  it.each([
    [["llama-3.3-70b", "--gpu", "L40S"], 1, "weights 134.1 GiB + activations"],
    [
      ["llama-3.1-8b", "--gpu", "T4", "--slo-tpot-ms", "1", "--max-model-len", "300"],
      1,
      "--gpu T4 x 1: weights",
    ],
    [["mistral-7b", "--gpu", "L4", "--slo-tpot-ms", "1"], 1, "no rate of requests meets the SLO of 1000 ms"],
    [["llama-9"], 2, "there is no model 'llama-9'; use one of llama-3.1-8b"],
    [["llama-3.1-8b", "--gpu", "GTX"], 2, "Allowed choices are T4, L4"],
    [["llama-3.1-8b", "--input-tokens", "-1"], 2, "'-1' is not a number above 0"],
  ])("refuses %j", (args, status, message) => {
    const result = llmops("capacity", ...args);
    expect(result.stderr).toContain(message);
    expect(result.status).toBe(status);
  });
});

describe("llmops calibrate", () => {
  it("prints a capacity for the stack file", () => {
    const { status, stdout } = llmops(
      "calibrate",
      "--file",
      file("good.json", JSON.stringify(calibration)),
      "--json",
    );
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      heldOut: { rows: 8 },
      capacity: { source: "a replica", asOf: "2026-11-24" },
    });
  });

  it.each([
    [
      "few.json",
      { ...calibration, measurements: measurements.slice(0, 3) },
      1,
      "measurements: needs at least 8 measurements",
    ],
    ["extra.json", { ...calibration, gpu: "H100" }, 1, 'Unrecognized key: "gpu"'],
    [
      "noise.json",
      {
        ...calibration,
        measurements: measurements.map((row, index) => ({
          ...row,
          tpotMs: Math.floor(index / 2) % 2 === 0 ? row.tpotMs : 3 * row.tpotMs,
        })),
      },
      1,
      "time per token is off by",
    ],
  ])("refuses %s", (name, content, status, message) => {
    const result = llmops("calibrate", "--file", file(name, JSON.stringify(content)));
    expect(result.stderr).toContain(message);
    expect(result.status).toBe(status);
  });

  it("names a file that is no JSON", () => {
    const path = file("broken.json", "{");
    const { status, stderr } = llmops("calibrate", "--file", path);
    expect(status).toBe(2);
    expect(stderr).toContain(path);
  });
});

describe("llmops simulate", () => {
  const trace = (rows: number): string =>
    [
      "TIMESTAMP,ContextTokens,GeneratedTokens",
      ...Array.from(
        { length: rows },
        (_, index) =>
          `2026-01-01 00:${String(Math.floor(index / 60)).padStart(2, "0")}:${String(index % 60).padStart(2, "0")},500,50`,
      ),
    ].join("\n");

  it("replays a trace through the scaler of a stack and draws it", () => {
    const path = file("trace.csv", trace(600));
    const { status, stdout } = llmops(
      "simulate",
      "-s",
      "acme-prod",
      "--trace",
      path,
      "--svg",
      folder,
      "--json",
    );
    expect(status).toBe(0);
    const report = JSON.parse(stdout) as {
      requests: number;
      results: { policy: string; attainment: number }[];
    };
    expect(report.requests).toBe(600);
    expect(report.results[0]).toMatchObject({
      policy: expect.stringMatching(/^static, \d+ replica/) as string,
    });
    expect(report.results[1]?.policy).toBe("this stack, minReplicas 2");
  });

  it.each([
    [
      ["-s", "acme-prod", "--model", "nope", "--trace", "x"],
      "stack acme-prod has no model 'nope'; it has claims-assistant, claims-reasoner",
    ],
    [["-s", "acme-prod", "--trace", "/nonexistent"], "/nonexistent: ENOENT"],
    [["-s", "local", "--trace", "x"], "stack local serves no model of its own"],
  ])("refuses %j", (args, message) => {
    const { status, stderr } = llmops("simulate", ...args);
    expect(stderr).toContain(message);
    expect(status).toBe(2);
  });
});

describe("llmops export hpa", () => {
  it("writes one autoscaler per model and the adapter's rules", () => {
    const { status, stdout } = llmops("export", "hpa", "-s", "acme-prod", "--json");
    expect(status).toBe(0);
    const exported = JSON.parse(stdout) as {
      autoscaler: { metadata: { name: string } };
      adapterRules: object[];
    }[];
    expect(
      exported.map(({ autoscaler, adapterRules }) => [autoscaler.metadata.name, adapterRules.length]),
    ).toEqual([
      ["claims-assistant", 2],
      ["claims-reasoner", 2],
    ]);
  });
});
