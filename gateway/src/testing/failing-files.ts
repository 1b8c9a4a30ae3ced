import { setTimeout } from "node:timers/promises";
import type { FileLayer } from "../audit/file-layer.ts";
import { nodeFiles } from "../audit/file-layer.ts";

/** A disk whose failures a test switches on and off. */
export interface FailingDisk {
  readonly files: FileLayer;
  /** What happens to writes from now on; `half` writes half of the bytes and then reports a full disk. */
  fault: "none" | "ENOSPC" | "EROFS" | "half" | "sync-fails";
  /** Free bytes reported. */
  free: number;
  /** Milliseconds each sync takes longer. */
  delayMs: number;
  /** Syncs that succeeded. */
  syncs: number;
}

function failure(code: string): Error {
  return Object.assign(new Error(`${code}: injected`), { code });
}

/** Wraps the real file system so that segment writes can be made to fail. */
export function failingDisk(): FailingDisk {
  const disk: FailingDisk = { files: nodeFiles, fault: "none", free: 1e12, delayMs: 0, syncs: 0 };
  const files: FileLayer = {
    ...nodeFiles,
    freeBytes: () => Promise.resolve(disk.free),
    async openForWriting(path) {
      const file = await nodeFiles.openForWriting(path);
      return {
        ...file,
        async write(bytes, offset) {
          if (disk.fault === "ENOSPC" || disk.fault === "EROFS") throw failure(disk.fault);
          if (disk.fault === "half") {
            await file.write(bytes.subarray(0, Math.floor(bytes.byteLength / 2)), offset);
            throw failure("ENOSPC");
          }
          await file.write(bytes, offset);
        },
        async sync() {
          if (disk.fault === "sync-fails") throw failure("EIO");
          if (disk.delayMs > 0) await setTimeout(disk.delayMs);
          await file.sync();
          disk.syncs += 1;
        },
      };
    },
  };
  return Object.assign(disk, { files });
}
