import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import type { ResourceGraph, ResourceNode } from "../../graph/graph.ts";
import { manifestsOf } from "../../plan/manifests.ts";
import { blocking } from "../../policies/report.ts";
import { judged, planAll, type Environment, type Planned } from "../../test/policy/environments.ts";
import { MUTATIONS } from "../../test/policy/mutations.ts";
import { CHECKOV, ensurePythonTool } from "../../tools/python-tool.ts";
import { terraformOf } from "./terraform-files.ts";

/**
 * The broken settings of the policy tests as Terraform and Kubernetes files, through Checkov and through our controls. Checkov
 * has found a setting when a check fails that did not fail before the setting was broken.
 *
 *   npm run bench:checkov
 */

const failedSchema = z.object({
  results: z.object({
    failed_checks: z.array(
      z.object({ check_id: z.string(), check_name: z.string(), file_path: z.string(), resource: z.string() }),
    ),
  }),
  summary: z.object({ passed: z.number(), failed: z.number(), checkov_version: z.string() }),
});

interface Row {
  readonly platform: string;
  readonly environment: string;
  readonly what: string;
  readonly ours: readonly string[];
  readonly checkov: readonly string[];
}

const ROOT = join(import.meta.dirname, "..", "..");
const cases = MUTATIONS.filter(
  ({ kind, change, platform }) => kind === "fail" && change !== undefined && platform !== "prices",
);

/** Writes a graph as files below a name; each framework has a tree of its own. */
function write(scratch: string, name: string, graph: ResourceGraph): void {
  const [manifests, modules] = [join(scratch, "kubernetes", name), join(scratch, "terraform", name)];
  mkdirSync(manifests, { recursive: true });
  mkdirSync(modules, { recursive: true });
  // Files only: a change may take away what others depend on.
  const nodes = graph.nodes.map(
    ({ urn, type, name, custom, inputs, propertyDependencies, options }): ResourceNode => ({
      urn,
      type,
      name,
      custom,
      inputs,
      dependencies: [],
      propertyDependencies,
      options,
    }),
  );
  for (const { fileName, yaml } of manifestsOf({ ...graph, nodes }))
    writeFileSync(join(manifests, fileName.replace(/^\d+-/, "")), yaml);
  writeFileSync(join(modules, "main.tf.json"), JSON.stringify(terraformOf(graph), null, 2));
}

/** Failing checks by the name they were written under: id, resource and file against id and title. */
function scan(
  program: string,
  scratch: string,
): { version: string; failing: Map<string, Map<string, string>> } {
  const failing = new Map<string, Map<string, string>>();
  let version = "";
  for (const [framework, folder] of [
    ["kubernetes", "kubernetes"],
    ["terraform_json", "terraform"],
  ] as const) {
    process.stderr.write(`checkov reads the ${folder} files (minutes) ...\n`);
    const { stdout, stderr, error } = spawnSync(
      program,
      ["-d", join(scratch, folder), "--framework", framework, "--output", "json", "--quiet", "--compact"],
      { encoding: "utf8", maxBuffer: 1024 * 1024 * 1024 },
    );
    if (error !== undefined) throw error;
    const parsed = failedSchema.safeParse(JSON.parse(stdout));
    if (!parsed.success) throw new Error(`checkov: ${stderr.slice(0, 500)} ${stdout.slice(0, 300)}`);
    version = parsed.data.summary.checkov_version;
    for (const { check_id, check_name, file_path, resource } of parsed.data.results.failed_checks) {
      const [, name = "", ...rest] = file_path.split("/");
      const known = failing.get(name) ?? new Map<string, string>();
      known.set([check_id, resource, rest.join("/")].join(" "), `${check_id} ${check_name}`);
      failing.set(name, known);
    }
  }
  return { version, failing };
}

function plannedOf(plans: ReadonlyMap<Environment, Planned>, environment: Environment): Planned {
  const found = plans.get(environment);
  if (found === undefined) throw new Error(`${environment} is not planned`);
  return found;
}

const plans = await planAll();
const program = join(await ensurePythonTool(CHECKOV), "checkov");
const scratch = mkdtempSync(join(tmpdir(), "llmops-checkov-"));
const environments = [...new Set(cases.map(({ environment }) => environment))];
const rows: Row[] = [];
let scanned: ReturnType<typeof scan>;
try {
  for (const environment of environments)
    write(scratch, `base-${environment}`, plannedOf(plans, environment).planned.plan.graph);
  for (const [index, { environment, change = (graph: ResourceGraph) => graph }] of cases.entries())
    write(scratch, `case-${index}`, change(plannedOf(plans, environment).planned.plan.graph));
  scanned = scan(program, scratch);
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
const { version, failing } = scanned;
const before = environments.map((environment) => ({
  environment,
  failing: failing.get(`base-${environment}`)?.size ?? 0,
}));
if (before.some(({ failing: count }) => count === 0)) throw new Error("checkov read nothing");
for (const [index, { platform, environment, what, change, controls }] of cases.entries()) {
  const planned = plannedOf(plans, environment);
  const base = failing.get(`base-${environment}`);
  const fresh = [...(failing.get(`case-${index}`) ?? [])]
    .filter(([key]) => base?.has(key) !== true)
    .map(([, text]) => text);
  const ours = [
    ...new Set(
      blocking(judged(planned, change === undefined ? {} : { change })).map(({ control }) => control),
    ),
  ].sort();
  if (ours.join() !== [...controls].sort().join()) throw new Error(`${what}: ${ours.join()}`);
  rows.push({ platform, environment, what, ours, checkov: [...new Set(fresh)].sort() });
}

const found = rows.filter(({ checkov }) => checkov.length > 0).length;
writeFileSync(
  join(ROOT, "bench", "results", "checkov.json"),
  `${JSON.stringify({ command: "npm run bench:checkov", checkov: version, cases: rows.length, found, before, rows }, null, 2)}\n`,
);
const cell = (text: string): string => text.replace(/\|/g, "\\|");
writeFileSync(
  join(ROOT, "docs", "checkov-comparison.md"),
  [
    "# Side by side with Checkov",
    "",
    `${rows.length} broken settings of the shipped stacks, each as Terraform (JSON) and Kubernetes files, through Checkov ${version} and through our controls. A setting counts as found by Checkov when a check fails that does not fail on the unbroken stack. Ours found all ${rows.length}, by construction: they are our test cases. Checkov found ${found}.`,
    "",
    "What this shows: which of *our* rules a general scanner has no check for. What it does not show: that ours is the better scanner. Checkov knows over a thousand checks on hundreds of resource types, most of which we do not have, and finds weaknesses that are in none of these cases; run it as well. It reads no Pulumi program and no declaration, so settings of the stack file are not among the cases, and the files it got were converted from the resource graph: types without a Terraform name in our table were left out.",
    "",
    `On the unbroken stacks Checkov reports ${before.map(({ environment, failing: count }) => `${count} failing checks on ${environment}`).join(", ")}; they are what it would ask somebody to look at there.`,
    "",
    "| Platform | Broken setting | Ours | Checkov |",
    "|---|---|---|---|",
    ...rows.map(
      ({ platform, environment, what, ours, checkov }) =>
        `| ${platform} | ${cell(what)} (${environment}) | ${ours.join(", ")} | ${checkov.map(cell).join("; ") || "-"} |`,
    ),
    "",
    "Made by `npm run bench:checkov`; raw results in `bench/results/checkov.json`.",
    "",
  ].join("\n"),
);
console.log(`${found} of ${rows.length} found by Checkov ${version}`);
