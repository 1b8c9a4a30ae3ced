import type { ObjectStore } from "../store/object-store.ts";
import type { FileLayer } from "./file-layer.ts";
import { segmentName } from "./segment-name.ts";

/** Where sealed segments end up; nothing is ever overwritten. */
export interface SegmentStore {
  /**
   * Stores a sealed segment; storing the same bytes again is allowed.
   * @throws ObjectConflictError when other bytes are there already.
   */
  put(writer: string, segment: number, path: string): Promise<void>;
}

/** Keeps sealed segments in an object store as `<writer>/<segment>`. */
export function segmentStore(objects: ObjectStore, files: FileLayer): SegmentStore {
  return {
    put: async (writer, segment, path) =>
      objects.putOnce(`${writer}/${segmentName(segment)}`, await files.read(path)),
  };
}
