import { join } from "node:path";
import { Command } from "commander";
import { resourceCount } from "../plan/plan.ts";
import { policyOf } from "../plan/policy.ts";
import { planStack, type StackPlan } from "../plan/stack-plan.ts";
import { writePlan } from "../plan/write.ts";
import { runLocal, type LocalRunReport } from "../local/start.ts";
import { blocking, type PolicyReport } from "../policies/report.ts";
import { readStack, stackNames } from "../stacks/schema/stack-file.ts";
import { EXIT, STACKS_FOLDER, print, printJson, progress } from "./context.ts";
import { policySummary } from "./policy.ts";

interface StartOptions {
  readonly out: string;
  readonly json?: true;
}

/** Stack that describes this machine. */
const LOCAL_STACK = "local";

function printLocal(report: LocalRunReport): void {
  print(`Local environment: ${report.engine} engine '${report.model}' (${report.reason})`);
  print(`behind the guardrail gateway at ${report.gatewayUrl}\n`);
  for (const { title, question, engineSaw, result } of report.exchanges) {
    print(`  ${title}`);
    print(`    ask     ${question}`);
    if (engineSaw !== question) print(`    engine  ${engineSaw ?? "(never asked)"}`);
    if (result.kind === "refused") print(`    refused ${result.status}: ${result.reason}`);
    else
      print(
        `    answer  ${result.text.trim()}\n    (${result.completionTokens} tokens${result.firstTokenMs === undefined ? "" : `, first after ${result.firstTokenMs} ms`}, done after ${result.totalMs} ms)`,
      );
  }
  const { verdict, chains, findings } = report.audit;
  const records = chains.reduce((sum, chain) => sum + chain.records, 0);
  print(`\n  audit log ${report.auditFolder}: ${verdict}`);
  print(
    `    checked: hash chain, signatures, gaps and orphans of ${records} records; ${findings.length} findings`,
  );
  for (const { kind, detail } of findings) print(`    ${kind}: ${detail}`);
  print(`    again: npx llmops audit verify ${report.auditFolder} --key ${report.publicKeyFile}`);
}

/** True when the run showed what it is meant to show. */
function succeeded(report: LocalRunReport): boolean {
  const outcomes = report.exchanges.map(({ result }) => result.kind);
  return (
    report.audit.verdict === "intact" &&
    outcomes.join() === ["answered", "answered", "answered", "refused"].join()
  );
}

async function run(options: StartOptions): Promise<void> {
  const { cloud } = readStack(STACKS_FOLDER, LOCAL_STACK);
  if (cloud.provider !== "local") throw new Error(`stack '${LOCAL_STACK}' has provider '${cloud.provider}'`);
  progress("starting engine and gateway ...");
  const local = await runLocal({
    engine: cloud.engine,
    port: cloud.port,
    folder: join(options.out, LOCAL_STACK),
  });
  if (options.json !== true) printLocal(local);
  const plans: StackPlan[] = [];
  const policies: PolicyReport[] = [];
  if (options.json !== true) print("\nPlans (offline, nothing deployed)\n");
  for (const stack of stackNames(STACKS_FOLDER).filter((name) => name !== LOCAL_STACK)) {
    progress(`planning ${stack} ...`);
    const config = readStack(STACKS_FOLDER, stack);
    const planned = await planStack(stack, config);
    const report = policyOf({ graph: planned.plan.graph, config, asOf: new Date().toISOString() });
    policies.push(report);
    const { plan, cost } = planned;
    const folder = join(options.out, stack);
    writePlan(folder, planned);
    plans.push(planned);
    if (options.json !== true)
      print(
        `  ${stack}: ${resourceCount(plan)} resources, ${plan.manifests.length} Kubernetes objects, ${plan.helmReleases.length} Helm releases -> ${folder}`,
      );
    if (options.json !== true) print(`    ${policySummary(report)}`);
    if (options.json !== true && cost !== undefined)
      print(
        `    USD per month: ${cost.monthlyUsd.min} at least, ${cost.monthlyUsd.expected} expected, ${cost.monthlyUsd.max} at most; budget ${cost.budgetUsd}: ${cost.verdict}`,
      );
  }
  if (options.json === true)
    printJson({
      local,
      plans: plans.map(({ plan, cost }) => ({
        stack: plan.stack,
        resources: resourceCount(plan),
        kubernetesObjects: plan.manifests.length,
        helmReleases: plan.helmReleases.length,
        policy: policies
          .filter(({ stack }) => stack === plan.stack)
          .map((report) => ({
            controls: report.results.length,
            stopping: blocking(report).map(({ control, message }) => ({ control, message })),
          }))[0],
        monthlyUsd: cost?.monthlyUsd,
        verdict: cost?.verdict,
      })),
    });
  const tooExpensive = plans.filter(({ cost }) => cost?.verdict === "over-budget");
  for (const { plan } of tooExpensive) progress(`error: ${plan.stack} can cost more than its budget`);
  if (tooExpensive.length > 0) process.exitCode = EXIT.findings;
  if (!succeeded(local)) {
    progress("error: the local environment did not do what it should; see above");
    process.exitCode = EXIT.failure;
  }
}

/** `llmops start`: the local environment answers a request, and every shipped stack is planned. */
export function startCommand(): Command {
  return new Command("start")
    .description("run engine and gateway on this machine, send requests through them, then plan every stack")
    .option("--out <folder>", "folder for the audit log and the plans", "out")
    .option("--json", "print JSON")
    .action(run);
}
