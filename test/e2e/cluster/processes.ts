import { spawn, type ChildProcess } from "node:child_process";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { setTimeout } from "node:timers/promises";

/** A program to start. */
export interface Program {
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
}

const KEPT_OUTPUT = 8_000;
const GRACE_MS = 10_000;

/** Free port of the loopback interface. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

interface Started {
  readonly child: ChildProcess;
  output: string;
}

/** Processes that a suite starts; each is stopped by its own id, also when the suite ends without stopping them. */
export class Processes {
  readonly #started = new Map<string, Started>();
  readonly #onExit = (): void => {
    for (const { child } of this.#started.values()) child.kill("SIGKILL");
  };

  constructor() {
    process.once("exit", this.#onExit);
  }

  /**
   * Starts a program under a name nobody else uses now.
   * @throws Error when a program of that name runs
   */
  start(name: string, { command, args, env, cwd }: Program): void {
    if (this.isRunning(name)) throw new Error(`${name} runs already`);
    const child = spawn(command, args, {
      stdio: ["ignore", "pipe", "pipe"],
      ...(env === undefined ? {} : { env }),
      ...(cwd === undefined ? {} : { cwd }),
    });
    const started: Started = { child, output: "" };
    const keep = (block: Buffer): void => {
      started.output = `${started.output}${block.toString()}`.slice(-KEPT_OUTPUT);
    };
    child.stdout.on("data", keep);
    child.stderr.on("data", keep);
    child.on("error", (error) => {
      keep(Buffer.from(error.message));
    });
    this.#started.set(name, started);
  }

  /** Starts a program and waits for its end; its exit status, or -1 when it was ended by a signal. */
  async run(name: string, program: Program): Promise<number> {
    this.start(name, program);
    const child = this.#started.get(name)?.child;
    return new Promise((resolve) => {
      child?.once("close", (code) => {
        resolve(code ?? -1);
      });
    });
  }

  /** Whether the program has been started and has not ended. */
  isRunning(name: string): boolean {
    const child = this.#started.get(name)?.child;
    return child?.pid !== undefined && child.exitCode === null && child.signalCode === null;
  }

  /** Sends a signal to a program and does not wait. */
  signal(name: string, signal: "SIGTERM" | "SIGKILL"): void {
    this.#started.get(name)?.child.kill(signal);
  }

  /** End of what a program wrote. */
  output(name: string): string {
    return this.#started.get(name)?.output ?? "";
  }

  /**
   * Waits until a check holds.
   * @throws Error with the program's last output when it does not within the time, or the program ends
   */
  async ready(name: string, check: () => Promise<boolean>, withinMs = 120_000): Promise<void> {
    const deadline = Date.now() + withinMs;
    while (!(await check().catch(() => false))) {
      if (Date.now() > deadline || !this.isRunning(name))
        throw new Error(`${name} is not ready:\n${this.output(name)}`);
      await setTimeout(200);
    }
  }

  /** Ends a program and waits for it: politely, then by force. `SIGKILL` ends it at once. */
  async stop(name: string, signal: "SIGTERM" | "SIGKILL" = "SIGTERM"): Promise<void> {
    const started = this.#started.get(name);
    if (started === undefined || !this.isRunning(name)) return;
    const ended = new Promise<void>((resolve) =>
      started.child.once("exit", () => {
        resolve();
      }),
    );
    started.child.kill(signal);
    const force = globalThis.setTimeout(() => started.child.kill("SIGKILL"), GRACE_MS);
    await ended;
    clearTimeout(force);
  }

  /** Ends everything, the youngest first. */
  async stopAll(): Promise<void> {
    for (const name of [...this.#started.keys()].reverse()) await this.stop(name);
    process.off("exit", this.#onExit);
  }
}
