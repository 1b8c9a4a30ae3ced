import { Command } from "commander";
import { auditCommand as run } from "../gateway/src/cli/audit-command.ts";

/** `llmops audit`: verify, search, export and reconcile audit logs; the gateway's own command, usable without it. */
export function auditCommand(): Command {
  return new Command("audit")
    .description("verify, search, export or reconcile an audit log; `llmops audit --help` lists all options")
    .helpOption(false)
    .allowUnknownOption()
    .argument("[arguments...]")
    .action(async (args: string[]) => {
      process.exitCode = await run(
        args,
        (text) => process.stdout.write(text),
        (text) => process.stderr.write(text),
      );
    });
}
