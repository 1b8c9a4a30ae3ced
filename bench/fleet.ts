import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { arch, availableParallelism, cpus, tmpdir, totalmem } from "node:os";
import { join } from "node:path";

/** Fleets that are measured: memory must not grow from the first to the second. */
const FLEETS = [
  { clients: 10, workers: 1 },
  { clients: 100, workers: 2 },
] as const;
const ROOT = join(import.meta.dirname, "..");
/** Shipped stacks the generated clients are copies of, in turn. */
const BASES = ["acme-prod", "acme-staging", "globex-prod"] as const;

/** Writes the stack files of clients that differ in their names only. */
function generate(folder: string, clients: number): void {
  for (let index = 0; index < clients; index += 1) {
    const base = BASES[index % BASES.length] ?? BASES[0];
    const client = `client-${String(index).padStart(3, "0")}`;
    const text = readFileSync(join(ROOT, "stacks", `Pulumi.${base}.yaml`), "utf8");
    writeFileSync(
      join(folder, `Pulumi.${client}.yaml`),
      text.replace(/^(?<indent> {4})client: .*$/m, `$<indent>client: ${client}`),
    );
  }
}

interface Report {
  readonly stacks: readonly { readonly kind: string }[];
  readonly stopped: readonly string[];
  readonly workerRssMiB: number;
}

function measure({ clients, workers }: (typeof FLEETS)[number]): object {
  const folder = mkdtempSync(join(tmpdir(), "llmops-fleet-"));
  try {
    generate(folder, clients);
    const started = performance.now();
    const { stdout, stderr, status } = spawnSync(
      process.execPath,
      ["cli/llmops.js", "fleet", "plan", folder, "--workers", String(workers), "--json"],
      { cwd: ROOT, encoding: "utf8", maxBuffer: 64 * 1024 * 1024 },
    );
    if (status !== 0) throw new Error(`exit code ${status ?? "none"}: ${stderr.slice(-2_000)}`);
    const report = JSON.parse(stdout) as Report;
    const sample = {
      workers,
      stacks: report.stacks.length,
      planned: report.stacks.filter(({ kind }) => kind === "planned").length,
      stopped: report.stopped.length,
      wallMs: Math.round(performance.now() - started),
      workerRssMiB: report.workerRssMiB,
    };
    console.log(JSON.stringify(sample));
    return sample;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const samples = FLEETS.map(measure);
mkdirSync(join(import.meta.dirname, "results"), { recursive: true });
writeFileSync(
  join(import.meta.dirname, "results", "fleet.json"),
  `${JSON.stringify(
    {
      command: "node --import tsx bench/fleet.ts",
      what: `plan, cost and policies of generated clients (copies of ${BASES.join(", ")}) in one run; wall time of all, largest resident set of any worker`,
      machine: {
        cpu: cpus()[0]?.model ?? "unknown",
        cores: availableParallelism(),
        memoryGiB: Math.round(totalmem() / 2 ** 30),
        arch: arch(),
        note: "other work ran on the machine at the same time",
      },
      node: process.version,
      samples,
    },
    null,
    2,
  )}\n`,
);
