#!/usr/bin/env node
import { auditCommand } from "../cli/audit-command.ts";

process.exitCode = await auditCommand(
  process.argv.slice(2),
  (text) => process.stdout.write(text),
  (text) => process.stderr.write(text),
);
