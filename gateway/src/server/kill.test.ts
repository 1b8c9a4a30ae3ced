import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";
import { writeFile } from "node:fs/promises";
import { createPublicKey } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it, onTestFinished } from "vitest";
import { verifyDirectory } from "../audit/verify.ts";
import { temporaryDirectory } from "../testing/audit-directory.ts";
import { fakeEngine } from "../testing/fake-engine.ts";
import { APP_KEY, configFor, recordsIn } from "../testing/gateway-under-test.ts";

const BIN = fileURLToPath(new URL("../bin/gateway.ts", import.meta.url));
const ROUNDS = 3;
const CONNECTIONS = 12;

interface Running {
  readonly child: ChildProcess;
  readonly url: string;
}

async function start(file: string): Promise<Running> {
  const child = spawn(process.execPath, ["--import", "tsx", BIN, file], {
    stdio: ["ignore", "pipe", "inherit"],
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

function ended(child: ChildProcess): Promise<void> {
  return new Promise((resolve) =>
    child.once("exit", () => {
      resolve();
    }),
  );
}

it(
  "has an intent for every engine call and an outcome for every delivered answer after kill -9 under load",
  { timeout: 30_000 },
  async () => {
    const directory = await temporaryDirectory();
    const engine = await fakeEngine();
    const file = join(directory, "gateway.yaml");
    await writeFile(file, JSON.stringify(configFor(directory, [engine.url])));
    const delivered: string[] = [];
    let call = 0;
    for (let round = 0; round < ROUNDS; round += 1) {
      const { child, url } = await start(file);
      const load = { running: true };
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
      await new Promise((resolve) => setTimeout(resolve, 250 + 130 * round));
      child.kill("SIGKILL");
      load.running = false;
      await ended(child);
      await Promise.all(clients);
    }
    const { child } = await start(file);
    child.kill("SIGTERM");
    await ended(child);

    const audit = join(directory, "audit");
    const records = await recordsIn(audit);
    const intents = new Map(
      records.flatMap((record) => (record.kind === "intent" ? [[record.trace, record.id]] : [])),
    );
    const completed = new Set(
      records.flatMap((r) => (r.kind === "outcome" && r.result === "completed" ? [r.id] : [])),
    );
    const called = engine.seen.map(({ headers }) => String(headers["traceparent"]).slice(3, 35));
    expect(called.length).toBeGreaterThan(ROUNDS * CONNECTIONS);
    expect(called.filter((trace) => !intents.has(trace))).toEqual([]);
    expect(delivered.length).toBeGreaterThan(0);
    expect(delivered.filter((trace) => !completed.has(intents.get(trace) ?? ""))).toEqual([]);

    const key = createPublicKey(readFileSync(join(directory, "keys", "signing.pem")));
    const publicKeys = [key.export({ type: "spki", format: "pem" }).toString()];
    const { verdict, findings, chains } = await verifyDirectory(audit, { publicKeys, maxFindings: 10_000 });
    expect(findings.filter(({ kind }) => kind !== "unknown-outcome" && kind !== "clock-jump")).toEqual([]);
    expect([verdict, chains.length, chains[0]?.openIntents]).toEqual(["intact", 1, 0]);
  },
);
