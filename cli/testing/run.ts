import { vi } from "vitest";
import { llmops } from "../program.ts";

/** What a command left behind. */
export interface CommandResult {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs a command line in this process; for tests only, one at a time. */
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
