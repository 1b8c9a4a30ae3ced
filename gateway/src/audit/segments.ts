import { join } from "node:path";
import { openStore, storeAddress } from "../store/open-store.ts";
import { nodeFiles } from "./file-layer.ts";
import { isWriterId, segmentIndex } from "./segment-name.ts";
import type { SegmentSource } from "./segment-source.ts";
import { storedSegments } from "./segment-source.ts";

/** A directory or bucket that holds chains. */
export interface SegmentPlace {
  readonly source: SegmentSource;
  /** Folder of the writers in the source. */
  readonly root: string;
}

/** One copy of a segment. */
export interface SegmentCopy {
  readonly source: SegmentSource;
  readonly path: string;
}

/** Segments of one writer, oldest first; a segment may lie in more than one place. */
export interface StoredChain {
  readonly writer: string;
  readonly segments: readonly { readonly index: number; readonly copies: readonly SegmentCopy[] }[];
}

/**
 * Opens the place behind an address: a directory, `s3://bucket/prefix` or `gs://bucket/prefix`.
 * @throws StoreAddressError for anything else.
 */
export async function segmentPlace(address: string): Promise<SegmentPlace> {
  const config = storeAddress(address);
  return config.kind === "directory"
    ? { source: nodeFiles, root: config.path }
    : { source: storedSegments(await openStore(config)), root: "." };
}

/** Finds the chains in the given places (write-ahead log and store may be given together). */
export async function findChains(places: readonly SegmentPlace[]): Promise<StoredChain[]> {
  const chains = new Map<string, Map<number, SegmentCopy[]>>();
  for (const { source, root } of places) {
    for (const writer of (await source.list(root)).filter(isWriterId)) {
      const segments = chains.get(writer) ?? new Map<number, SegmentCopy[]>();
      chains.set(writer, segments);
      const folder = join(root, writer);
      for (const name of await source.list(folder)) {
        const index = segmentIndex(name);
        if (index === null) continue;
        segments.set(index, [...(segments.get(index) ?? []), { source, path: join(folder, name) }]);
      }
    }
  }
  return [...chains]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([writer, segments]) => ({
      writer,
      segments: [...segments].sort(([a], [b]) => a - b).map(([index, copies]) => ({ index, copies })),
    }));
}
