import * as pulumi from "@pulumi/pulumi";
import { Command, CommanderError, InvalidArgumentError } from "commander";
import { UnknownKeyError } from "../stacks/schema/explain.ts";
import { ConfigError, UnknownStackError } from "../stacks/schema/stack-file.ts";
import { ModelNotInstalledError } from "../local/start.ts";
import { GraphFileError } from "../graph/manifests.ts";
import { PostError } from "../review/post.ts";
import { EvidenceError } from "../policies/evidence.ts";
import { PromqlError } from "../simulation/promql.ts";
import { TraceError } from "../simulation/trace.ts";
import { KubeconfigError } from "../stacks/clouds/existing.ts";
import { UnknownPriceError } from "../plan/cost.ts";
import { auditCommand } from "./audit.ts";
import { calibrateCommand } from "./calibrate.ts";
import { capacityCommand } from "./capacity.ts";
import { complianceCommand } from "./compliance.ts";
import { configCommand } from "./config.ts";
import { EXIT, progress, VERSION } from "./context.ts";
import { evidenceCommand } from "./evidence.ts";
import { GitError } from "./git.ts";
import { exportCommand } from "./export.ts";
import { planCommand } from "./plan.ts";
import { policyCommand } from "./policy.ts";
import { reviewCommand } from "./review.ts";
import { SimulationError, simulateCommand } from "./simulate.ts";
import { startCommand } from "./start.ts";

const program = new Command("llmops")
  .description("LLMOps platform blueprint: plan, check and run environments")
  .version(VERSION)
  .exitOverride()
  .addCommand(startCommand())
  .addCommand(planCommand())
  .addCommand(configCommand())
  .addCommand(policyCommand())
  .addCommand(complianceCommand())
  .addCommand(evidenceCommand())
  .addCommand(reviewCommand())
  .addCommand(capacityCommand())
  .addCommand(calibrateCommand())
  .addCommand(simulateCommand())
  .addCommand(exportCommand())
  .addCommand(auditCommand());
for (const command of program.commands) {
  command.exitOverride();
  for (const sub of command.commands) sub.exitOverride();
}

// A reader that has seen enough, such as `head`, is no failure.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exit(EXIT.ok);
});

try {
  await program.parseAsync();
} catch (error) {
  // Commander prints what it finds itself, but not what an action throws.
  if (error instanceof InvalidArgumentError) progress(`error: ${error.message}`);
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? EXIT.ok : EXIT.failure;
  else if (error instanceof ConfigError) {
    progress(error.message);
    process.exitCode = EXIT.findings;
  } else if (error instanceof pulumi.InputPropertyError) {
    progress(`error: ${error.propertyPath}: ${error.reason}`);
    process.exitCode = EXIT.findings;
  } else if (
    error instanceof UnknownStackError ||
    error instanceof KubeconfigError ||
    error instanceof UnknownPriceError ||
    error instanceof GraphFileError ||
    error instanceof GitError ||
    error instanceof PostError ||
    error instanceof EvidenceError ||
    error instanceof TraceError ||
    error instanceof PromqlError ||
    error instanceof SimulationError ||
    error instanceof ModelNotInstalledError ||
    error instanceof UnknownKeyError
  ) {
    progress(`error: ${error.message}`);
    process.exitCode = EXIT.failure;
  } else {
    progress(error instanceof Error ? (error.stack ?? error.message) : String(error));
    process.exitCode = EXIT.failure;
  }
}
