import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { createPublicKey } from "node:crypto";
import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished } from "vitest";
import { verifyDirectory } from "../audit/verify.ts";
import { temporaryDirectory } from "./audit-directory.ts";
import { fakeEngine } from "./fake-engine.ts";
import { APP_KEY, configFor, recordsIn } from "./gateway-under-test.ts";

const BIN = fileURLToPath(new URL("../bin/gateway.ts", import.meta.url));
const CONNECTIONS = 12;
/** Fewest answers of a round; each round gets some more than the one before, to be killed in another state of the log. */
const ANSWERS = 20;

interface Running {
  readonly child: ChildProcess;
  readonly url: string;
}

async function start(file: string): Promise<Running> {
  const child = spawn(process.execPath, [BIN, file], {
    stdio: ["ignore", "pipe", "inherit"],
    // Most of a start is compiling; a gateway that ends in order leaves what it compiled to the next.
    env: { ...process.env, NODE_COMPILE_CACHE: join(dirname(file), "compiled") },
  });
  onTestFinished(() => {
    child.kill("SIGKILL");
  });
  for await (const line of createInterface({ input: child.stdout })) {
    const message = JSON.parse(line) as { event: string; url: string };
    if (message.event === "listening") return { child, url: message.url };
  }
  throw new Error("the gateway did not start");
}

async function startAndStop(file: string): Promise<void> {
  const { child } = await start(file);
  child.kill("SIGTERM");
  await ended(child);
}

function ended(child: ChildProcess): Promise<void> {
  return new Promise((resolve) =>
    child.once("exit", () => {
      resolve();
    }),
  );
}

/** What the rounds left behind. */
export interface KillReport {
  /** Calls that reached the engine. */
  readonly called: number;
  /** Answers that reached a caller. */
  readonly delivered: number;
}

/**
 * Kills the gateway with SIGKILL under load, several times, on one log that ships small segments to a store, and
 * checks what must hold: each call the engine got has an intent, each delivered answer has its outcome, the chain over
 * both places is intact, and no segment lies in the store in two versions.
 */
export async function killUnderLoad(rounds: number): Promise<KillReport> {
  const directory = await temporaryDirectory();
  const shelf = join(directory, "store");
  const engine = await fakeEngine();
  const file = join(directory, "gateway.yaml");
  const config = configFor(directory, [engine.url]);
  await writeFile(
    file,
    JSON.stringify({
      ...config,
      audit: { ...config.audit, segmentBytes: 20_000, store: { kind: "directory", path: shelf } },
      clients: config.clients.map((client) => ({ ...client, requestsPerMinute: 1e9, tokensPerMinute: 1e12 })),
    }),
  );
  const delivered: string[] = [];
  let call = 0;
  await startAndStop(file);
  for (let round = 0; round < rounds; round += 1) {
    const { child, url } = await start(file);
    const load = { running: true };
    const enough = delivered.length + ANSWERS + ((13 * round) % 60);
    const client = async (): Promise<void> => {
      while (load.running) {
        const trace = String((call += 1)).padStart(32, "0");
        try {
          const response = await fetch(`${url}/v1/chat/completions`, {
            method: "POST",
            headers: {
              authorization: `Bearer ${APP_KEY}`,
              "content-type": "application/json",
              traceparent: `00-${trace}-${"b".repeat(16)}-01`,
            },
            body: JSON.stringify({ model: "small", messages: [{ role: "user", content: "hi" }] }),
          });
          await response.json();
          if (response.status === 200) delivered.push(trace);
        } catch {
          // A connection that dies with the process; the loop ends with the load.
        }
      }
    };
    const clients = Array.from({ length: CONNECTIONS }, client);
    while (delivered.length < enough) await setTimeout(1 + (round % 7));
    child.kill("SIGKILL");
    load.running = false;
    await ended(child);
    await Promise.all(clients);
  }
  await startAndStop(file);

  const audit = join(directory, "audit");
  const records = [...(await recordsIn(shelf)), ...(await recordsIn(audit))];
  const intents = new Map(
    records.flatMap((record) => (record.kind === "intent" ? [[record.trace, record.id]] : [])),
  );
  const completed = new Set(
    records.flatMap((record) =>
      record.kind === "outcome" && record.result === "completed" ? [record.id] : [],
    ),
  );
  const called = engine.seen.map(({ headers }) => String(headers["traceparent"]).slice(3, 35));
  expect(called.filter((trace) => !intents.has(trace))).toEqual([]);
  expect(delivered.filter((trace) => !completed.has(intents.get(trace) ?? ""))).toEqual([]);

  const key = createPublicKey(readFileSync(join(directory, "keys", "signing.pem")));
  const publicKeys = [key.export({ type: "spki", format: "pem" }).toString()];
  const { verdict, findings, chains } = await verifyDirectory(shelf, {
    also: [audit],
    publicKeys,
    maxFindings: 100_000,
  });
  const expected = new Set(["unknown-outcome", "clock-jump"]);
  expect(findings.filter(({ kind }) => !expected.has(kind))).toEqual([]);
  expect([verdict, chains.length, chains[0]?.openIntents]).toEqual(["intact", 1, 0]);
  return { called: called.length, delivered: delivered.length };
}
