import { constants } from "node:fs";
import { mkdir, open, readdir, rename, stat, statfs, unlink } from "node:fs/promises";
import { dirname } from "node:path";

/** One open file that can be appended to, cut and made durable. */
export interface OpenFile {
  /** Writes all bytes at the given offset; rejects when not all could be written. */
  write(bytes: Uint8Array, offset: number): Promise<void>;
  /** Makes everything written so far durable. */
  sync(): Promise<void>;
  /** Cuts the file to a length in bytes. */
  truncate(length: number): Promise<void>;
  /** Size in bytes. */
  size(): Promise<number>;
  /** Closes the file. */
  close(): Promise<void>;
}

/** The part of the file system the audit log uses; tests replace it to make disks fail. */
export interface FileLayer {
  /** Opens for reading and writing, creating the file when it is missing. */
  openForWriting(path: string): Promise<OpenFile>;
  /** Reads a whole file. */
  read(path: string): Promise<Buffer>;
  /** Yields the content of a file in blocks of bounded size. */
  blocks(path: string): AsyncIterable<Buffer>;
  /** Names in a directory; empty when it is missing. */
  list(directory: string): Promise<string[]>;
  /** Size of a file in bytes, or null when it is missing. */
  sizeOf(path: string): Promise<number | null>;
  /** Creates a directory and its parents. */
  makeDirectory(path: string): Promise<void>;
  /** Makes the entries of a directory durable. */
  syncDirectory(path: string): Promise<void>;
  /** Renames a file. */
  move(from: string, to: string): Promise<void>;
  /** Deletes a file. */
  remove(path: string): Promise<void>;
  /** Free bytes on the volume that holds the path. */
  freeBytes(path: string): Promise<number>;
}

const BLOCK_BYTES = 64 * 1024;

/** Whether an operation failed because there is no such file. */
export function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}

async function openForWriting(path: string): Promise<OpenFile> {
  const handle = await open(path, constants.O_RDWR | constants.O_CREAT, 0o640);
  return {
    async write(bytes, offset) {
      let done = 0;
      while (done < bytes.byteLength) {
        const { bytesWritten } = await handle.write(bytes, done, bytes.byteLength - done, offset + done);
        if (bytesWritten === 0) throw new Error(`nothing was written to ${path}`);
        done += bytesWritten;
      }
    },
    sync: () => handle.datasync(),
    truncate: (length) => handle.truncate(length),
    size: async () => (await handle.stat()).size,
    close: () => handle.close(),
  };
}

async function* blocks(path: string): AsyncGenerator<Buffer> {
  const handle = await open(path, "r");
  try {
    for (;;) {
      const buffer = Buffer.allocUnsafe(BLOCK_BYTES);
      const { bytesRead } = await handle.read(buffer, 0, BLOCK_BYTES, null);
      if (bytesRead === 0) return;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await handle.close();
  }
}

async function read(path: string): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const block of blocks(path)) parts.push(block);
  return Buffer.concat(parts);
}

async function list(directory: string): Promise<string[]> {
  try {
    return (await readdir(directory)).sort();
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

async function sizeOf(path: string): Promise<number | null> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}

async function syncDirectory(path: string): Promise<void> {
  const handle = await open(path, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function freeBytes(path: string): Promise<number> {
  const volume = await statfs(path);
  return volume.bavail * volume.bsize;
}

/** The real file system. */
export const nodeFiles: FileLayer = {
  openForWriting,
  read,
  blocks,
  list,
  sizeOf,
  async makeDirectory(path) {
    const created = await mkdir(path, { recursive: true, mode: 0o750 });
    if (created !== undefined) await syncDirectory(dirname(created));
  },
  syncDirectory,
  move: rename,
  remove: unlink,
  freeBytes,
};
