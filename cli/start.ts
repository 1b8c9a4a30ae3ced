import { join } from "node:path";
import { Command } from "commander";
import { capture } from "../plan/capture.ts";
import { planOf, resourceCount, type Plan } from "../plan/plan.ts";
import { runLocal, type LocalRunReport } from "../local/start.ts";
import { platformProgram } from "../stacks/program.ts";
import { readStack, stackNames } from "../stacks/schema/stack-file.ts";
import { EXIT, STACKS_FOLDER, print, printJson, progress } from "./context.ts";
import { writePlan } from "./plan.ts";

interface StartOptions {
  readonly out: string;
  readonly json?: true;
}

/** Stack that describes this machine. */
const LOCAL_STACK = "local";

function printLocal(report: LocalRunReport): void {
  print(`Local environment: ${report.engine} engine '${report.model}' (${report.reason})`);
  print(`behind the guardrail gateway at ${report.gatewayUrl}\n`);
  for (const { title, question, result } of report.exchanges) {
    print(`  ${title}`);
    print(`    ask     ${question}`);
    if (result.kind === "refused") print(`    refused ${result.status}: ${result.reason}`);
    else
      print(
        `    answer  ${result.text.trim()}\n    (${result.completionTokens} tokens, first after ${result.firstTokenMs} ms, done after ${result.totalMs} ms)`,
      );
  }
  const { verdict, chains, findings } = report.audit;
  const records = chains.reduce((sum, chain) => sum + chain.records, 0);
  print(`\n  audit log ${report.auditFolder}: ${verdict}`);
  print(
    `    checked: hash chain, signatures, gaps and orphans of ${records} records; ${findings.length} findings`,
  );
  for (const { kind, detail } of findings) print(`    ${kind}: ${detail}`);
}

async function planOne(stack: string): Promise<Plan> {
  const config = readStack(STACKS_FOLDER, stack);
  return planOf(await capture({ stack, program: () => platformProgram(config) }));
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
  const plans: Plan[] = [];
  if (options.json !== true) print("\nPlans (offline, nothing deployed)\n");
  for (const stack of stackNames(STACKS_FOLDER).filter((name) => name !== LOCAL_STACK)) {
    progress(`planning ${stack} ...`);
    const plan = await planOne(stack);
    const folder = join(options.out, stack);
    writePlan(folder, plan);
    plans.push(plan);
    if (options.json !== true)
      print(
        `  ${stack}: ${resourceCount(plan)} resources, ${plan.manifests.length} Kubernetes objects, ${plan.helmReleases.length} Helm releases -> ${folder}`,
      );
  }
  if (options.json === true)
    printJson({
      local,
      plans: plans.map((plan) => ({
        stack: plan.stack,
        resources: resourceCount(plan),
        kubernetesObjects: plan.manifests.length,
        helmReleases: plan.helmReleases.length,
      })),
    });
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
