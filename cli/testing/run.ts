import { vi } from "vitest";
import * as stackPlan from "../../plan/stack-plan.ts";
import { sharedPlan } from "../../plan/testing/shared-plan.ts";
import { llmops } from "../program.ts";

/** What a command left behind. */
export interface CommandResult {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs a command line in this process, with the plans that others made; for tests only, one at a time. */
export async function run(args: readonly string[]): Promise<CommandResult> {
  const written = { out: "", err: "" };
  const capture =
    (stream: keyof typeof written) =>
    (block: string | Uint8Array): boolean => {
      written[stream] += typeof block === "string" ? block : Buffer.from(block).toString();
      return true;
    };
  const spies = [
    vi.spyOn(process.stdout, "write").mockImplementation(capture("out")),
    vi.spyOn(process.stderr, "write").mockImplementation(capture("err")),
    vi.spyOn(stackPlan, "planStack").mockImplementation(sharedPlan),
  ];
  const before = process.exitCode;
  process.exitCode = 0;
  try {
    await llmops(args);
    return { code: process.exitCode, ...written };
  } finally {
    process.exitCode = before;
    for (const spy of spies) spy.mockRestore();
  }
}
