import { mkdir, readdir } from "node:fs/promises";
import { createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import { join } from "node:path";
import { beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { AuditLog } from "../audit/log.ts";
import { segmentStore } from "../audit/store.ts";
import type { SegmentStore } from "../audit/store.ts";
import { nodeFiles } from "../audit/file-layer.ts";
import { quietLog, temporaryDirectory } from "../testing/audit-directory.ts";
import { intentOf, outcomeOf } from "../testing/records.ts";
import { StoreTimeoutError } from "./deadline.ts";
import { directoryStore } from "./directory-store.ts";
import { gcsStore } from "./gcs-store.ts";
import type { ObjectStore } from "./object-store.ts";
import { s3Store } from "./s3-store.ts";

const SHORT = { connectMs: 200, callMs: 300 };

/** Address of a server that takes connections and never answers. */
async function silentServer(): Promise<string> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const silentS3 = async (): Promise<ObjectStore> =>
  s3Store({ bucket: "audit", region: "eu-south-2", prefix: "", endpoint: await silentServer() }, SHORT);
const silentGcs = async (): Promise<ObjectStore> =>
  gcsStore({ bucket: "audit", prefix: "", endpoint: await silentServer() }, SHORT);

beforeEach(() => {
  vi.stubEnv("AWS_ACCESS_KEY_ID", "test");
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", "test");
  onTestFinished(() => {
    vi.unstubAllEnvs();
  });
});

describe("a store that does not answer", () => {
  it.each<[string, () => Promise<ObjectStore>, (store: ObjectStore) => Promise<unknown>]>([
    ["S3, put", silentS3, (store) => store.putOnce("a", Buffer.from("x"))],
    ["S3, get", silentS3, (store) => store.get("a")],
    ["S3, stream", silentS3, (store) => store.stream("a")],
    ["S3, list", silentS3, (store) => store.list("")],
    ["S3, remove", silentS3, (store) => store.remove("a")],
    ["Cloud Storage, put", silentGcs, (store) => store.putOnce("a", Buffer.from("x"))],
    ["Cloud Storage, get", silentGcs, (store) => store.get("a")],
    ["Cloud Storage, list", silentGcs, (store) => store.list("")],
    ["Cloud Storage, remove", silentGcs, (store) => store.remove("a")],
  ])("is given up: %s", async (_what, open, call) => {
    await expect(call(await open())).rejects.toThrow(StoreTimeoutError);
  });

  it("is a shipping error of the log, which ends all the same", async () => {
    const store = segmentStore(await silentS3(), nodeFiles);
    const log = await AuditLog.open(quietLog(await temporaryDirectory(), { store, segmentBytes: 1 }));
    await log.intent(intentOf("a"));
    await log.outcome(outcomeOf("a"));
    await log.close();
    expect(log.shipError).toBe("the store has not answered within 300 ms");
  });
});

describe("a log whose store takes long", () => {
  it("goes on with heartbeats and checkpoints", async () => {
    let answer = (): void => undefined;
    const asked: number[] = [];
    const store: SegmentStore = {
      put: (_writer, segment) => {
        asked.push(segment);
        return new Promise((resolve) => (answer = resolve));
      },
    };
    const log = await AuditLog.open(
      quietLog(await temporaryDirectory(), {
        store,
        segmentBytes: 1_500,
        maintenanceMs: 10,
        heartbeatMs: 20,
      }),
    );
    const written = (): number => log.statistics.nextSeq;
    for (let call = 0; call < 4; call += 1) {
      await log.intent(intentOf(`r${call}`));
      await log.outcome(outcomeOf(`r${call}`));
    }
    await expect.poll(() => asked.length).toBe(1);
    const before = written();
    await expect.poll(written).toBeGreaterThan(before + 3);
    const closed = log.close();
    while (
      !(await Promise.race([closed.then(() => true), new Promise((next) => setTimeout(next, 5, false))]))
    )
      answer();
  });
});

describe("a directory of objects", () => {
  it("that is not there holds nothing, and one that cannot be read is an error", async () => {
    const root = await temporaryDirectory();
    expect(await directoryStore(join(root, "none"), nodeFiles).list("")).toEqual([]);
    await mkdir(join(root, "some"));
    expect(await readdir(join(root, "some"))).toEqual([]);
    await nodeFiles.openForWriting(join(root, "file")).then((file) => file.close());
    await expect(directoryStore(join(root, "file"), nodeFiles).list("")).rejects.toThrow("ENOTDIR");
  });
});
