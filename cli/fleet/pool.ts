import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { ROOT } from "../git.ts";
import { doneSchema, outcomeSchema, type Outcome } from "./outcome.ts";

/** Stacks to plan and how. */
export interface FleetRequest {
  /** Absolute folder with the stack files. */
  readonly folder: string;
  readonly stacks: readonly string[];
  /** ISO time that decides which exemptions, declarations and prices hold. */
  readonly asOf: string;
  /** Processes at the same time. */
  readonly workers: number;
  /** Called after each stack. */
  readonly onOutcome: (outcome: Outcome, done: number) => void;
}

/** What planning a fleet came to. */
export interface FleetResult {
  /** In the order of the request. */
  readonly outcomes: readonly Outcome[];
  /** Largest resident set of any worker, MiB. */
  readonly workerRssMiB: number;
}

/** Stacks a process plans before a fresh one takes over, so that memory does not grow with the fleet. */
const STACKS_PER_PROCESS = 10;

const WORKER = fileURLToPath(new URL("worker.ts", import.meta.url));

interface Batch {
  readonly outcomes: readonly Outcome[];
  readonly rssMiB: number;
}

/** Plans some stacks in a process of its own; those it did not reach before it ended have failed. */
async function runBatch(
  { folder, asOf }: FleetRequest,
  stacks: readonly string[],
  onOutcome: (outcome: Outcome) => void,
): Promise<Batch> {
  const child = spawn(process.execPath, [WORKER, folder, asOf, ...stacks], {
    cwd: ROOT,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let said = "";
  child.stderr.on("data", (part: Buffer) => (said = `${said}${part.toString()}`.slice(-2_000)));
  const ended = new Promise<number | null>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", resolve);
  });
  const outcomes: Outcome[] = [];
  let rssMiB = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    const value: unknown = JSON.parse(line);
    const done = doneSchema.safeParse(value);
    if (done.success) {
      rssMiB = done.data.rssMiB;
      continue;
    }
    const outcome = outcomeSchema.parse(value);
    outcomes.push(outcome);
    onOutcome(outcome);
  }
  const code = await ended;
  const missing = stacks.slice(outcomes.length).map((stack): Outcome => {
    const outcome = {
      kind: "failed",
      stack,
      reason: `its process ended with ${code === null ? "a signal" : `code ${code}`} before: ${said.trim().split("\n").at(-1) ?? ""}`,
    } as const;
    onOutcome(outcome);
    return outcome;
  });
  return { outcomes: [...outcomes, ...missing], rssMiB };
}

/** Plans, prices and checks many stacks in child processes, each of which ends after a few of them. */
export async function planFleet(request: FleetRequest): Promise<FleetResult> {
  const { stacks, workers } = request;
  const batches = Array.from({ length: Math.ceil(stacks.length / STACKS_PER_PROCESS) }, (_, index) =>
    stacks.slice(index * STACKS_PER_PROCESS, (index + 1) * STACKS_PER_PROCESS),
  );
  const finished: Batch[] = [];
  const waiting = [...batches.entries()];
  let done = 0;
  const work = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const [index, batch] = next;
      finished[index] = await runBatch(request, batch, (outcome) => {
        done += 1;
        request.onOutcome(outcome, done);
      });
    }
  };
  await Promise.all(Array.from({ length: workers }, work));
  return {
    outcomes: finished.flatMap(({ outcomes }) => outcomes),
    workerRssMiB: Math.max(0, ...finished.map(({ rssMiB }) => rssMiB)),
  };
}
