/** Frames of a trace: where an error was thrown. */
const FRAMES = 1;

/**
 * Runs a Pulumi program with short stack traces. Pulumi notes one for each promise of each property, and with Node's ten frames
 * these took most of the time of a plan.
 */
export async function withBriefTraces<T>(run: () => Promise<T>): Promise<T> {
  const frames = Error.stackTraceLimit;
  Error.stackTraceLimit = FRAMES;
  try {
    return await run();
  } finally {
    Error.stackTraceLimit = frames;
  }
}
