import { readFileSync } from "node:fs";
import { open, readFile, unlink } from "node:fs/promises";
import { join } from "node:path";

/** Raised when another live process writes to the same directory. */
export class AlreadyLockedError extends Error {
  constructor(directory: string, owner: string) {
    super(`${directory} is in use by process ${owner}`);
    this.name = "AlreadyLockedError";
  }
}

/** Start time of a process in clock ticks since boot, or null when it does not run (Linux, proc(5) field 22). */
function startedAt(pid: number): string | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    return text.slice(text.lastIndexOf(")") + 2).split(" ")[19] ?? null;
  } catch {
    return null;
  }
}

function isAlive(owner: string): boolean {
  const [pid, started] = owner.split(" ");
  const number = Number(pid);
  if (!Number.isSafeInteger(number) || number <= 0) return false;
  const now = startedAt(number);
  if (now !== null) return now === started;
  if (started !== "unknown") return false;
  try {
    process.kill(number, 0);
    return true;
  } catch {
    return false;
  }
}

/**
 * Takes the directory for this process and returns how to give it back. The lock names the process and its start
 * time, so that a lock left by a killed process is not mistaken for a live one.
 * @throws AlreadyLockedError when a live process holds it.
 */
export async function lockDirectory(directory: string): Promise<() => Promise<void>> {
  const path = join(directory, "writer.lock");
  const owner = `${process.pid} ${startedAt(process.pid) ?? "unknown"}`;
  for (let attempt = 0; attempt < 3; attempt += 1) {
    try {
      const handle = await open(path, "wx", 0o640);
      await handle.writeFile(owner);
      await handle.close();
      return () => unlink(path).catch(() => undefined);
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
      const held = await readFile(path, "utf8").catch(() => "");
      if (isAlive(held)) throw new AlreadyLockedError(directory, held.split(" ")[0] ?? "?");
      await unlink(path).catch(() => undefined);
    }
  }
  throw new AlreadyLockedError(directory, "?");
}
