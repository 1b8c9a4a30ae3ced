import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { arch, availableParallelism, cpus, totalmem } from "node:os";
import { dirname, join } from "node:path";

/** One measured run of the offline plan in a process of its own. */
interface Sample {
  readonly models: number;
  /** Wall time from process start to end, ms; the smallest of the runs. */
  readonly wallMs: number;
  /** Largest resident set, MiB. */
  readonly rssMiB: number;
}

const RUNS = 3;
const ROOT = join(import.meta.dirname, "..");

/** Plans acme-prod with a number of copies of its first model. */
const PROGRAM = `
const { planStack } = await import("./plan/stack-plan.ts");
const { readStack } = await import("./stacks/schema/stack-file.ts");
const config = readStack("stacks", "acme-prod");
const models = Array.from({ length: Number(process.argv[1]) }, (_, index) => ({ ...config.models[0], name: "model-" + index }));
await planStack("acme-prod", { ...config, models });
process.stdout.write(String(process.resourceUsage().maxRSS));
`;

function measure(models: number): Sample {
  const runs = Array.from({ length: RUNS }, () => {
    const started = performance.now();
    const { stdout, status, stderr } = spawnSync(
      process.execPath,
      ["--import", "tsx", "--input-type=module", "-e", PROGRAM, String(models)],
      { cwd: ROOT, encoding: "utf8" },
    );
    if (status !== 0) throw new Error(stderr);
    return { wallMs: performance.now() - started, rssMiB: Number(stdout) / 1024 };
  });
  return {
    models,
    wallMs: Math.round(Math.min(...runs.map(({ wallMs }) => wallMs))),
    rssMiB: Math.round(Math.max(...runs.map(({ rssMiB }) => rssMiB))),
  };
}

const samples = [1, 10, 100].map((models) => {
  const sample = measure(models);
  console.log(`${models} models: ${sample.wallMs} ms, ${sample.rssMiB} MiB`);
  return sample;
});
const [first, , last] = samples;
const report = {
  command: "npm run bench",
  what: "offline plan of acme-prod with copies of its first model, warm disk cache, best wall time and largest memory of 3 runs",
  machine: {
    cpu: cpus()[0]?.model ?? "unknown",
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    arch: arch(),
  },
  node: process.version,
  samples,
  growthFrom1To100Models: {
    wall: Number(((last?.wallMs ?? 0) / (first?.wallMs ?? 1)).toFixed(2)),
    rss: Number(((last?.rssMiB ?? 0) / (first?.rssMiB ?? 1)).toFixed(2)),
  },
};
const file = join(import.meta.dirname, "results", "plan.json");
mkdirSync(dirname(file), { recursive: true });
writeFileSync(file, `${JSON.stringify(report, null, 2)}\n`);
