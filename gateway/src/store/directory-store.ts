import type { Dirent } from "node:fs";
import { createReadStream } from "node:fs";
import { readdir } from "node:fs/promises";
import { dirname, join, relative, sep } from "node:path";
import type { FileLayer } from "../audit/file-layer.ts";
import { isMissing } from "../audit/file-layer.ts";
import type { ObjectStore } from "./object-store.ts";
import { ObjectConflictError } from "./object-store.ts";

const PARTIAL = ".partial";

async function writeWhole(files: FileLayer, path: string, bytes: Buffer): Promise<void> {
  const file = await files.openForWriting(path);
  try {
    await file.truncate(0);
    await file.write(bytes, 0);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** A directory that does not exist holds nothing; one that cannot be read may hold anything. */
function noneWhenMissing(error: unknown): Dirent[] {
  if (isMissing(error)) return [];
  throw error;
}

/** Keeps objects as files below a directory. */
export function directoryStore(root: string, files: FileLayer): ObjectStore {
  return {
    async putOnce(name, bytes) {
      const target = join(root, name);
      if ((await files.sizeOf(target)) !== null) {
        if (!(await files.read(target)).equals(bytes)) throw new ObjectConflictError(name);
        return;
      }
      await files.makeDirectory(dirname(target));
      const partial = `${target}${PARTIAL}`;
      await writeWhole(files, partial, bytes);
      if (!(await files.read(partial)).equals(bytes)) throw new Error(`the copy of ${name} differs`);
      await files.move(partial, target);
      await files.syncDirectory(dirname(target));
    },
    async get(name) {
      const path = join(root, name);
      return (await files.sizeOf(path)) === null ? null : files.read(path);
    },
    stream: (name) => Promise.resolve(createReadStream(join(root, name))),
    async list(prefix) {
      const entries = await readdir(root, { recursive: true, withFileTypes: true }).catch(noneWhenMissing);
      return entries
        .filter((entry) => entry.isFile() && !entry.name.endsWith(PARTIAL))
        .map((entry) => relative(root, join(entry.parentPath, entry.name)).split(sep).join("/"))
        .filter((name) => name.startsWith(prefix))
        .sort();
    },
    async remove(name) {
      const path = join(root, name);
      if ((await files.sizeOf(path)) === null) return;
      await files.remove(path);
      await files.syncDirectory(dirname(path));
    },
  };
}
