import { copyFile, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { quietLog, temporaryDirectory, testSigner, writeCalls } from "../testing/audit-directory.ts";
import { decisionOf, intentOf, outcomeOf } from "../testing/records.ts";
import { failingDisk } from "../testing/failing-files.ts";
import { decodeLine, sha256Hex } from "./chain.ts";
import { nodeFiles } from "./file-layer.ts";
import { AlreadyLockedError } from "./lock.ts";
import { AuditLog } from "./log.ts";
import type { AuditRecord } from "./record.ts";
import { directoryStore } from "../store/directory-store.ts";
import { ObjectConflictError } from "../store/object-store.ts";
import { segmentStore } from "./store.ts";
import { verifyDirectory } from "./verify.ts";
import { AuditUnavailableError } from "./wal.ts";

const trusted = { publicKeys: [testSigner.publicKeyPem] };

async function recordsIn(folder: string): Promise<AuditRecord[]> {
  const records: AuditRecord[] = [];
  for (const name of (await readdir(folder)).filter((entry) => entry.endsWith(".jsonl")).sort()) {
    for (const line of (await readFile(join(folder, name), "utf8")).trimEnd().split("\n")) {
      const decoded = decodeLine(Buffer.from(line));
      if (decoded.kind === "record") records.push(decoded.record);
    }
  }
  return records;
}

async function kindsIn(folder: string): Promise<string[]> {
  return (await recordsIn(folder)).map((record) => record.body.kind);
}

describe("AuditLog", () => {
  it("writes each kind of record in order and seals on close", async () => {
    const directory = await temporaryDirectory();
    const log = await AuditLog.open(quietLog(directory));
    await log.intent(intentOf("a"));
    await log.outcome(outcomeOf("a"));
    await log.decision(decisionOf("b"));
    await log.configuration({ kind: "config", result: "applied", config: "1".repeat(64) });
    log.reject("unauthenticated");
    log.reject("unauthenticated");
    await log.close();
    const records = await recordsIn(join(directory, log.writer));
    expect(records.map((record) => record.body.kind)).toEqual([
      "segment",
      "start",
      "checkpoint",
      "intent",
      "outcome",
      "decision",
      "config",
      "rejections",
      "stop",
      "checkpoint",
    ]);
    expect(records[7]?.body).toEqual({ kind: "rejections", counts: { unauthenticated: 2 } });
    expect((await verifyDirectory(directory, trusted)).verdict).toBe("intact");
  });

  it("shares one sync between records that arrive together", async () => {
    const disk = failingDisk();
    const log = await AuditLog.open(quietLog(await temporaryDirectory(), { files: disk.files }));
    const before = disk.syncs;
    await Promise.all(Array.from({ length: 200 }, (_, i) => log.intent(intentOf(`r${i}`))));
    expect(disk.syncs - before).toBe(1);
    await log.close();
  });

  it("continues the same chain after an orderly restart", async () => {
    const directory = await temporaryDirectory();
    const first = await writeCalls(directory, 2);
    const second = await writeCalls(directory, 2);
    expect(second).toBe(first);
    const { verdict, chains } = await verifyDirectory(directory, trusted);
    expect([verdict, chains[0]?.segments, chains[0]?.intents]).toEqual(["intact", 2, 4]);
  });

  it("refuses a directory that a live process holds", async () => {
    const directory = await temporaryDirectory();
    const log = await AuditLog.open(quietLog(directory));
    await expect(AuditLog.open(quietLog(directory))).rejects.toThrow(AlreadyLockedError);
    await log.close();
    await writeFile(join(directory, "writer.lock"), `${process.pid} 1`);
    const next = await AuditLog.open(quietLog(directory));
    await next.close();
  });

  it("cuts a torn tail at every byte of the last record and says so", async () => {
    const source = await temporaryDirectory();
    const crashed = await AuditLog.open(quietLog(source));
    await crashed.intent(intentOf("a"));
    await crashed.outcome(outcomeOf("a"));
    const name = "00000000.jsonl";
    const whole = await readFile(join(source, crashed.writer, name));
    await crashed.close();
    const lastStart = whole.lastIndexOf(0x0a, whole.length - 2) + 1;
    for (let end = lastStart + 1; end < whole.length; end += 1) {
      const directory = await temporaryDirectory();
      const folder = join(directory, crashed.writer);
      await mkdir(folder);
      await writeFile(join(folder, name), whole.subarray(0, end));
      const log = await AuditLog.open(quietLog(directory));
      await log.close();
      const records = await recordsIn(folder);
      const recovery = records.find((record) => record.body.kind === "recovery");
      expect(recovery?.body).toEqual({
        kind: "recovery",
        reason: "torn-tail",
        offset: lastStart,
        bytes: end - lastStart,
        sha256: sha256Hex(whole.subarray(lastStart, end)),
        dropped: 0,
      });
      const closed = records.filter((record) => record.body.kind === "outcome").map((record) => record.body);
      expect(closed).toEqual([
        expect.objectContaining({ id: "a", result: "unknown", reason: "process-ended" }),
      ]);
      const { verdict, findings } = await verifyDirectory(directory, trusted);
      expect([verdict, findings.map((f) => f.kind)]).toEqual(["intact", ["unknown-outcome"]]);
    }
  });

  it("leaves a chain that was changed in the middle alone and starts a new one that names it", async () => {
    const directory = await temporaryDirectory();
    const folder = await writeCalls(directory, 2);
    const path = join(folder, "00000000.jsonl");
    const before = (await readFile(path, "utf8")).replace('"client":"app"', '"client":"xyz"');
    await writeFile(path, before);
    const log = await AuditLog.open(quietLog(directory));
    await log.close();
    expect(await readFile(path, "utf8")).toBe(before);
    const start = (await recordsIn(join(directory, log.writer)))[1];
    expect(start?.body).toMatchObject({ kind: "start", quarantined: folder.split("/").at(-1) });
    const { verdict, chains } = await verifyDirectory(directory, trusted);
    expect([verdict, chains.length]).toEqual(["broken", 2]);
    const again = await AuditLog.open(quietLog(directory));
    expect(again.writer).toBe(log.writer);
    await again.close();
  });

  it.each(["ENOSPC", "EROFS", "half", "sync-fails"] as const)(
    "refuses calls while the disk fails (%s), then repairs and closes what it could not record",
    async (fault) => {
      const directory = await temporaryDirectory();
      const disk = failingDisk();
      const log = await AuditLog.open(quietLog(directory, { files: disk.files }));
      await log.intent(intentOf("a"));
      disk.fault = fault;
      await expect(log.outcome(outcomeOf("a"))).rejects.toThrow(AuditUnavailableError);
      await expect(log.intent(intentOf("b"))).rejects.toThrow(AuditUnavailableError);
      expect(log.health.kind).toBe("unavailable");
      await log.maintain();
      expect(log.health.kind).toBe("unavailable");
      disk.fault = "none";
      await log.maintain();
      expect(log.health).toEqual({ kind: "ready" });
      await log.intent(intentOf("c"));
      await log.outcome(outcomeOf("c"));
      await log.close();
      const folder = join(directory, log.writer);
      expect(await kindsIn(folder)).toEqual([
        "segment",
        "start",
        "checkpoint",
        "intent",
        "recovery",
        "outcome",
        "intent",
        "outcome",
        "stop",
        "checkpoint",
      ]);
      const { verdict, chains } = await verifyDirectory(directory, trusted);
      expect([verdict, chains[0]?.unknownOutcomes]).toEqual(["intact", 1]);
    },
  );

  it("drops records in best-effort mode and says how many", async () => {
    const directory = await temporaryDirectory();
    const disk = failingDisk();
    const log = await AuditLog.open(quietLog(directory, { files: disk.files, mode: "best-effort" }));
    disk.fault = "ENOSPC";
    expect((await log.intent(intentOf("a"))).kind).toBe("dropped");
    expect(log.health).toEqual({ kind: "ready" });
    disk.fault = "none";
    await log.maintain();
    await log.close();
    const { verdict, findings } = await verifyDirectory(directory, trusted);
    expect([verdict, findings.map((f) => f.kind)]).toEqual(["unproven", ["records-dropped"]]);
  });

  it("takes no new call above the high-water mark and still closes those that run", async () => {
    const disk = failingDisk();
    const log = await AuditLog.open(
      quietLog(await temporaryDirectory(), { files: disk.files, minFreeBytes: 1000 }),
    );
    await log.intent(intentOf("a"));
    disk.free = 999;
    await log.maintain();
    expect(log.health).toEqual({ kind: "unavailable", reason: "volume almost full" });
    await expect(log.intent(intentOf("b"))).rejects.toThrow(AuditUnavailableError);
    expect((await log.outcome(outcomeOf("a"))).kind).toBe("durable");
    disk.free = 1001;
    await log.maintain();
    expect((await log.intent(intentOf("c"))).kind).toBe("durable");
    await log.close();
  });

  it("ships sealed segments, keeps the newest until it is linked, and both places verify together", async () => {
    const directory = await temporaryDirectory();
    const shelf = await temporaryDirectory();
    const store = segmentStore(directoryStore(shelf, nodeFiles), nodeFiles);
    const folder = await writeCalls(directory, 6, { segmentBytes: 1500, store });
    const writer = folder.split("/").at(-1) ?? "";
    const shipped = (await readdir(join(shelf, writer))).length;
    expect(shipped).toBeGreaterThan(3);
    expect((await readdir(folder)).filter((name) => name.endsWith(".jsonl"))).toHaveLength(1);
    expect((await verifyDirectory(shelf, { ...trusted, also: [directory] })).verdict).toBe("intact");
  });

  it("never overwrites a stored segment with other bytes", async () => {
    const shelf = await temporaryDirectory();
    const source = await temporaryDirectory();
    const store = segmentStore(directoryStore(shelf, nodeFiles), nodeFiles);
    await writeFile(join(source, "a"), "one\n");
    await writeFile(join(source, "b"), "two\n");
    await store.put("gw-0-00000000", 0, join(source, "a"));
    await store.put("gw-0-00000000", 0, join(source, "a"));
    await expect(store.put("gw-0-00000000", 0, join(source, "b"))).rejects.toThrow(ObjectConflictError);
    expect(await readFile(join(shelf, "gw-0-00000000", "00000000.jsonl"), "utf8")).toBe("one\n");
  });

  it("reports two copies of a segment that differ", async () => {
    const directory = await temporaryDirectory();
    const other = await temporaryDirectory();
    const folder = await writeCalls(directory, 1);
    const writer = folder.split("/").at(-1) ?? "";
    await mkdir(join(other, writer));
    await copyFile(join(folder, "00000000.jsonl"), join(other, writer, "00000000.jsonl"));
    expect((await verifyDirectory(directory, { ...trusted, also: [other] })).verdict).toBe("intact");
    await writeFile(join(other, writer, "00000000.jsonl"), "x\n");
    const { findings } = await verifyDirectory(directory, { ...trusted, also: [other] });
    expect(findings.map((f) => f.kind)).toEqual(["conflicting-copy"]);
  });
});
