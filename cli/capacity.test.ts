import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { predict } from "../capacity/replica-model.ts";
import { run, type CommandResult } from "./testing/run.ts";

const folder = mkdtempSync(join(tmpdir(), "llmops-capacity-"));

afterAll(() => {
  rmSync(folder, { recursive: true });
});

const llmops = (...args: string[]): Promise<CommandResult> => run(args);

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
  it("sizes a measured model and says where the figures come from", async () => {
    const { code, out } = await llmops(
      "capacity",
      "qwen3-32b",
      "--gpu",
      "H100",
      "--tensor-parallel",
      "2",
      "--json",
    );
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({
      model: "qwen3-32b",
      origin: expect.stringContaining("13 held-out rows") as string,
      figures: { concurrency: expect.any(Number) as number },
      machine: { machine: "p5.48xlarge" },
    });
  });

  it("says that an estimate is one", async () => {
    const { code, out } = await llmops(
      "capacity",
      "mistral-7b",
      "--gpu",
      "L4",
      "--slo-tpot-ms",
      "150",
      "--slo-ttft-ms",
      "5000",
    );
    expect(code).toBe(0);
    expect(out).toContain("estimated from data sheets");
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
  ])("refuses %j", async (args, status, message) => {
    const result = await llmops("capacity", ...args);
    expect(result.err).toContain(message);
    expect(result.code).toBe(status);
  });
});

describe("llmops capacity with measurements", () => {
  const sized = async (
    ...more: string[]
  ): Promise<{ parameters: object; origin: string; usdPerMillionTokens: number }> => {
    const { out } = await llmops("capacity", "qwen3-32b", "--tensor-parallel", "2", ...more, "--json");
    return JSON.parse(out) as { parameters: object; origin: string; usdPerMillionTokens: number };
  };

  it("takes them before published ones, and says so", async () => {
    const path = file("own.json", JSON.stringify(calibration));
    const published = await sized();
    const measured = await sized("--measurements", path);
    expect(published.origin).toContain("published rows");
    expect(measured.origin).toBe(
      `measured: a replica, 2026-11-24, fitted on 8 measurements; on 8 held-out ones time per token is off by 0.0 %, throughput by 0.1 % (${path})`,
    );
    // These lengths do not tell context from prompt; only their sum is determined.
    expect(measured.parameters).toMatchObject({ fixedMs: expect.closeTo(12, 3) as number });
    expect(measured.usdPerMillionTokens).toBeLessThan(published.usdPerMillionTokens);
  });
});

describe("llmops calibrate", () => {
  it("prints a capacity for the stack file", async () => {
    const { code, out } = await llmops(
      "calibrate",
      "--file",
      file("good.json", JSON.stringify(calibration)),
      "--json",
    );
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({
      heldOut: { rows: 8 },
      capacity: { source: "a replica", asOf: "2026-11-24" },
    });
  });

  it.each([
    [
      "few.json",
      { ...calibration, measurements: measurements.slice(0, 3) },
      2,
      "measurements: needs at least 8 measurements",
    ],
    ["extra.json", { ...calibration, gpu: "H100" }, 2, 'Unrecognized key: "gpu"'],
    [
      "noise.json",
      {
        ...calibration,
        measurements: measurements.map((row, index) => ({
          ...row,
          tpotMs: Math.floor(index / 2) % 2 === 0 ? row.tpotMs : 3 * row.tpotMs,
        })),
      },
      2,
      "time per token is off by",
    ],
  ])("refuses %s", async (name, content, status, message) => {
    const result = await llmops("calibrate", "--file", file(name, JSON.stringify(content)));
    expect(result.err).toContain(message);
    expect(result.code).toBe(status);
  });

  it("names a file that is no JSON", async () => {
    const path = file("broken.json", "{");
    const { code, err } = await llmops("calibrate", "--file", path);
    expect(code).toBe(2);
    expect(err).toContain(path);
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

  it("replays a trace through the scaler of a stack and draws it", async () => {
    const path = file("trace.csv", trace(600));
    const { code, out } = await llmops(
      "simulate",
      "-s",
      "acme-prod",
      "--trace",
      path,
      "--svg",
      folder,
      "--json",
    );
    expect(code).toBe(0);
    const report = JSON.parse(out) as {
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
  ])("refuses %j", async (args, message) => {
    const { code, err } = await llmops("simulate", ...args);
    expect(err).toContain(message);
    expect(code).toBe(2);
  });
});

describe("llmops export hpa", () => {
  it("writes one autoscaler per model and the adapter's rules", async () => {
    const { code, out } = await llmops("export", "hpa", "-s", "acme-prod", "--json");
    expect(code).toBe(0);
    const exported = JSON.parse(out) as {
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

describe("llmops export calibration", () => {
  it("writes a Job that reaches one engine only, within the engine's context and batch", async () => {
    const { code, out, err } = await llmops(
      ...["export", "calibration", "-s", "acme-prod", "--model", "claims-assistant", "--json"],
    );
    expect([code, err.includes("paused-replicas")]).toEqual([0, true]);
    const [network, job] = JSON.parse(out) as [
      { spec: { egress: { to: { podSelector: { matchLabels: object } }[]; ports: object[] }[] } },
      { spec: { template: { spec: { containers: { image: string; args: string[] }[] } } } },
    ];
    expect(network.spec.egress[1]).toMatchObject({
      to: [{ podSelector: { matchLabels: { "llmops.io/model": "claims-assistant" } } }],
      ports: [{ protocol: "TCP", port: 8000 }],
    });
    const [container] = job.spec.template.spec.containers;
    expect(container?.image).toMatch(/@sha256:[0-9a-f]{64}$/);
    const flags = Object.fromEntries(
      (container?.args ?? []).flatMap((flag, index, all) =>
        flag.startsWith("--") ? [[flag, all[index + 1]]] : [],
      ),
    );
    expect(flags).toMatchObject({
      "--url": "http://claims-assistant.claims.svc.cluster.local:8000",
      "--input": "256,1024,4096",
      "--concurrency": "1,4,16,64",
      "--what": "claims-assistant on vllm, 1 x L40S",
    });
    expect(Number(flags["--cache-tokens"])).toBeGreaterThan(16_384);
  });

  it("refuses a model the stack does not have", async () => {
    const { code, err } = await llmops("export", "calibration", "-s", "acme-prod", "--model", "nope");
    expect([code, err]).toEqual([2, expect.stringContaining("it has claims-assistant, claims-reasoner")]);
  });
});
