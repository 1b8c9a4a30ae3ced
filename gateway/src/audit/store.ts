import { createHash } from "node:crypto";
import { join } from "node:path";
import type { FileLayer } from "./file-layer.ts";
import { segmentName } from "./segment-name.ts";

/** Raised when a store already holds different bytes for a sealed segment. */
export class StoreConflictError extends Error {
  constructor(writer: string, segment: number) {
    super(`the store already holds another segment ${segment} of ${writer}`);
    this.name = "StoreConflictError";
  }
}

/** Where sealed segments end up; implementations never overwrite. */
export interface SegmentStore {
  /**
   * Stores a sealed segment; storing the same bytes again is allowed.
   * @throws StoreConflictError when other bytes are there already.
   */
  put(writer: string, segment: number, path: string): Promise<void>;
}

async function digestOf(files: FileLayer, path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const block of files.blocks(path)) hash.update(block);
  return hash.digest("hex");
}

/** Keeps sealed segments in a directory, one folder per writer; complete or absent, never half. */
export function directoryStore(root: string, files: FileLayer): SegmentStore {
  return {
    async put(writer, segment, path) {
      const folder = join(root, writer);
      const target = join(folder, segmentName(segment));
      const digest = await digestOf(files, path);
      if ((await files.sizeOf(target)) !== null) {
        if ((await digestOf(files, target)) !== digest) throw new StoreConflictError(writer, segment);
        return;
      }
      await files.makeDirectory(folder);
      const partial = `${target}.partial`;
      const file = await files.openForWriting(partial);
      try {
        await file.truncate(0);
        let offset = 0;
        for await (const block of files.blocks(path)) {
          await file.write(block, offset);
          offset += block.length;
        }
        await file.sync();
      } finally {
        await file.close();
      }
      if ((await digestOf(files, partial)) !== digest) throw new Error(`copy of segment ${segment} differs`);
      await files.move(partial, target);
      await files.syncDirectory(folder);
    },
  };
}
