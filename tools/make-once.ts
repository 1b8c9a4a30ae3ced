import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { setTimeout } from "node:timers/promises";

const LOOK_MS = 500;

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code;
}

/** Whether a process still runs; the text of a lock that is just being written names none, and counts as running. */
function isRunning(pid: string): boolean {
  if (pid === "") return true;
  try {
    process.kill(Number(pid), 0);
    return true;
  } catch (error) {
    return codeOf(error) !== "ESRCH";
  }
}

/** Takes a lock that nobody has; one whose process has ended is lifted, to be taken at the next look. */
function takes(lock: string): boolean {
  try {
    writeFileSync(lock, String(process.pid), { flag: "wx" });
    return true;
  } catch (error) {
    if (codeOf(error) !== "EEXIST") throw error;
  }
  try {
    if (!isRunning(readFileSync(lock, "utf8"))) rmSync(lock, { force: true });
  } catch (error) {
    if (codeOf(error) !== "ENOENT") throw error;
  }
  return false;
}

/**
 * Makes what several processes want at the same time: one makes it, the others wait until it is there.
 * @param lock file beside what is made
 * @throws what `make` throws; whoever waits then tries itself
 */
export async function makeOnce(
  lock: string,
  isThere: () => boolean,
  make: () => Promise<void>,
): Promise<void> {
  while (!isThere()) {
    if (!takes(lock)) {
      await setTimeout(LOOK_MS);
      continue;
    }
    try {
      if (!isThere()) await make();
      return;
    } finally {
      rmSync(lock, { force: true });
    }
  }
}
