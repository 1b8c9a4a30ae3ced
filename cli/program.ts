import { Command, CommanderError, InvalidArgumentError } from "commander";
import { EXIT, progress, VERSION } from "./context.ts";

/** Loads one command; only the one that is asked for is loaded, because some bring whole cloud SDKs. */
type Load = () => Promise<Command>;

const COMMANDS: Readonly<Record<string, Load>> = {
  start: async () => (await import("./start.ts")).startCommand(),
  plan: async () => (await import("./plan.ts")).planCommand(),
  fleet: async () => (await import("./fleet.ts")).fleetCommand(),
  "destroy-plan": async () => (await import("./destroy-plan.ts")).destroyPlanCommand(),
  cost: async () => (await import("./cost.ts")).costCommand(),
  prices: async () => (await import("./prices.ts")).pricesCommand(),
  clients: async () => (await import("./clients.ts")).clientsCommand(),
  fork: async () => (await import("./fork.ts")).forkCommand(),
  config: async () => (await import("./config.ts")).configCommand(),
  pipeline: async () => (await import("./pipeline.ts")).pipelineCommand(),
  policy: async () => (await import("./policy.ts")).policyCommand(),
  prompt: async () => (await import("./prompt.ts")).promptCommand(),
  eval: async () => (await import("./eval.ts")).evalCommand(),
  compliance: async () => (await import("./compliance.ts")).complianceCommand(),
  evidence: async () => (await import("./evidence.ts")).evidenceCommand(),
  review: async () => (await import("./review.ts")).reviewCommand(),
  assess: async () => (await import("./assess.ts")).assessCommand(),
  report: async () => (await import("./report.ts")).reportCommand(),
  dashboards: async () => (await import("./dashboards.ts")).dashboardsCommand(),
  capacity: async () => (await import("./capacity.ts")).capacityCommand(),
  calibrate: async () => (await import("./calibrate.ts")).calibrateCommand(),
  simulate: async () => (await import("./simulate.ts")).simulateCommand(),
  export: async () => (await import("./export.ts")).exportCommand(),
  chargeback: async () => (await import("./chargeback.ts")).chargebackCommand(),
  airgap: async () => (await import("./airgap.ts")).airgapCommand(),
  sbom: async () => (await import("./sbom.ts")).sbomCommand(),
  licences: async () => (await import("./licences.ts")).licencesCommand(),
  audit: async () => (await import("./audit.ts")).auditCommand(),
};

/** A component refused an argument: Pulumi's InputPropertyError, known by its fields so that the SDK is not loaded for it. */
interface RefusedInput extends Error {
  readonly propertyPath: string;
  readonly reason: string;
}

/** Errors whose message is written for the user; anything else is a defect and is shown with its stack. */
export const ERRORS_FOR_THE_USER: ReadonlySet<string> = new Set([
  "AdminRefusedError",
  "AlreadyLockedError",
  "AnswersError",
  "ClusterConfigError",
  "ContentUnreadableError",
  "CostCapError",
  "CostSideError",
  "CronError",
  "DataSetError",
  "EnvelopeError",
  "EvidenceError",
  "ForkError",
  "FutureMonthError",
  "GitError",
  "GraphFileError",
  "JudgeError",
  "KubeconfigError",
  "LabelError",
  "LoopsConfigError",
  "MeasurementsError",
  "MissingSecretError",
  "ModelExportError",
  "ModelNotInstalledError",
  "MonthError",
  "PostError",
  "PriceBookError",
  "PriceImportError",
  "PrometheusError",
  "PromptError",
  "PromqlError",
  "PublishError",
  "ReportError",
  "SimulationError",
  "SizingError",
  "SnapshotError",
  "StoreAddressError",
  "StoreTimeoutError",
  "TargetError",
  "ToolError",
  "TraceError",
  "TrafficError",
  "UnclassifiedResourceError",
  "UnknownKeyError",
  "UnknownPriceError",
  "UnknownStackError",
  "UnmeterableResourceError",
  "WrongKeyTypeError",
]);

function refusesInput(error: Error): error is RefusedInput {
  return "propertyPath" in error && "reason" in error;
}

/** Makes a command, and every one below it, throw instead of ending the process. */
function overrideExits(command: Command): void {
  command.exitOverride();
  command.commands.forEach(overrideExits);
}

/** The command line: only the command that is asked for, or all of them. */
export async function commandLine(args: readonly string[]): Promise<Command> {
  const program = new Command("llmops")
    .description("LLMOps platform blueprint: plan, check and run environments")
    .version(VERSION)
    .exitOverride();
  const asked = COMMANDS[args[0] ?? ""];
  const commands = await Promise.all(
    (asked === undefined ? Object.values(COMMANDS) : [asked]).map((load) => load()),
  );
  for (const command of commands) {
    overrideExits(command);
    program.addCommand(command);
  }
  return program;
}

function report(error: unknown): number {
  if (error instanceof CommanderError) {
    // Commander prints what it finds itself, but not what an action throws.
    if (error instanceof InvalidArgumentError) progress(`error: ${error.message}`);
    return error.exitCode === 0 ? EXIT.ok : EXIT.failure;
  }
  if (!(error instanceof Error)) {
    progress(String(error));
    return EXIT.failure;
  }
  if (error.name === "ConfigError") {
    progress(error.message);
    return EXIT.findings;
  }
  if (refusesInput(error)) {
    progress(`error: ${error.propertyPath}: ${error.reason}`);
    return EXIT.findings;
  }
  progress(ERRORS_FOR_THE_USER.has(error.name) ? `error: ${error.message}` : (error.stack ?? error.message));
  return EXIT.failure;
}

/** Runs one command line and sets the exit code of the process. */
export async function llmops(args: readonly string[]): Promise<void> {
  try {
    await (await commandLine(args)).parseAsync(args, { from: "user" });
  } catch (error) {
    process.exitCode = report(error);
  }
}
