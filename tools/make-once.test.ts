import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { makeOnce } from "./make-once.ts";

describe("makeOnce", () => {
  let folder: string;
  let lock: string;
  let made: number;
  const isThere = (): boolean => made > 0;
  const make = async (): Promise<void> => {
    await setTimeout(20);
    made += 1;
  };

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "llmops-once-"));
    lock = join(folder, "lock");
    made = 0;
  });

  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  it("makes it once for three who want it, and leaves no lock", async () => {
    await Promise.all([makeOnce(lock, isThere, make), makeOnce(lock, isThere, make)]);
    await makeOnce(lock, isThere, make);
    expect([made, existsSync(lock)]).toEqual([1, false]);
  });

  it("makes nothing while a process that runs has the lock", async () => {
    writeFileSync(lock, String(process.pid));
    const waiting = makeOnce(lock, isThere, () => Promise.reject(new Error("made twice")));
    await setTimeout(700);
    made = 1;
    await waiting;
    expect(existsSync(lock)).toBe(true);
  });

  it("lifts the lock of a process that has ended", async () => {
    writeFileSync(lock, String(spawnSync("true").pid));
    await makeOnce(lock, isThere, make);
    expect([made, existsSync(lock)]).toEqual([1, false]);
  });

  it("lets whoever waits try itself when it fails", async () => {
    const failing = makeOnce(lock, isThere, async () => {
      await setTimeout(20);
      throw new Error("no network");
    });
    const waiting = makeOnce(lock, isThere, make);
    await expect(failing).rejects.toThrow("no network");
    await waiting;
    expect(made).toBe(1);
  });
});
