import type { ObjectStore } from "../store/object-store.ts";
import type { FileLayer } from "./file-layer.ts";

/** What a reader of audit segments needs: names in a folder and the bytes of a file. */
export type SegmentSource = Pick<FileLayer, "list" | "blocks">;

/** Reads audit segments from an object store; paths are object names. */
export function storedSegments(objects: ObjectStore): SegmentSource {
  const names = objects.list("");
  return {
    async list(folder) {
      const prefix = folder === "." ? "" : `${folder}/`;
      const below = (await names).filter((name) => name.startsWith(prefix));
      return [...new Set(below.map((name) => name.slice(prefix.length).split("/", 1)[0] ?? ""))];
    },
    async *blocks(name) {
      for await (const block of await objects.stream(name)) yield block as Buffer;
    },
  };
}
