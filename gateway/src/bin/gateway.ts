#!/usr/bin/env node
import { readFile } from "node:fs/promises";
import { sha256Hex } from "../audit/chain.ts";
import { startGateway } from "../server/gateway.ts";

const CHECK_MS = 5_000;

function say(message: Record<string, unknown>): void {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}

const [file] = process.argv.slice(2);
if (file === undefined) {
  process.stderr.write("usage: gateway <configuration file>\n");
  process.exit(2);
}

let seen = sha256Hex(await readFile(file));
const gateway = await startGateway({ file });

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
