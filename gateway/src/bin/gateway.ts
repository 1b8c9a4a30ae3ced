#!/usr/bin/env node
import { readFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { sha256Hex } from "../audit/chain.ts";
import { startGateway } from "../server/gateway.ts";

const CHECK_MS = 5_000;

function say(message: Record<string, unknown>): void {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}

const USAGE = `gateway <configuration file> [--writer <name>]

  Serves the model API behind guards, limits and an audit log. Ends in order on SIGTERM and SIGINT.
  --writer   name of this replica in the audit log, for example the pod's; default: audit.writer of the file
  exit codes  0 stopped in order, 1 could not start or stop, 2 wrong use
`;

function readArguments(): { readonly file: string; readonly writer: string | undefined } {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: { writer: { type: "string" }, help: { type: "boolean" } },
    });
    const [file] = positionals;
    if (file !== undefined && values.help !== true) return { file, writer: values.writer };
    (values.help === true ? process.stdout : process.stderr).write(USAGE);
    process.exit(values.help === true ? 0 : 2);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n${USAGE}`);
    process.exit(2);
  }
}

const { file, writer } = readArguments();
let seen = sha256Hex(await readFile(file));
const gateway = await startGateway({ file }, writer === undefined ? {} : { writer });

async function reload(path: string): Promise<void> {
  try {
    const digest = sha256Hex(await readFile(path));
    if (digest === seen) return;
    seen = digest;
    await gateway.reload({ file: path });
    say({ event: "configuration-applied" });
  } catch (error) {
    say({ event: "configuration-refused", reason: error instanceof Error ? error.message : String(error) });
  }
}

let shipError: string | null = null;

function reportShipping(): void {
  if (gateway.auditShipError === shipError) return;
  shipError = gateway.auditShipError;
  say(shipError === null ? { event: "shipping-again" } : { event: "shipping-failed", reason: shipError });
}

const timer = setInterval(() => {
  void reload(file);
  reportShipping();
}, CHECK_MS);

function stop(): void {
  clearInterval(timer);
  gateway.close().then(
    () => {
      say({ event: "stopped" });
      process.exit(0);
    },
    (error: unknown) => {
      say({ event: "stop-failed", reason: String(error) });
      process.exit(1);
    },
  );
}

process.once("SIGTERM", stop);
process.once("SIGINT", stop);
process.on("SIGHUP", () => void reload(file));
say({ event: "listening", url: gateway.url, writer: gateway.auditWriter });
