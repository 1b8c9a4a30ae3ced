import { join } from "node:path";
import type { FileLayer } from "./file-layer.ts";
import { isWriterId, segmentIndex } from "./segment-name.ts";

/** Segment files of one writer, oldest first; a segment may lie in more than one directory. */
export interface StoredChain {
  readonly writer: string;
  readonly segments: readonly { readonly index: number; readonly paths: readonly string[] }[];
}

/** Finds the chains in the given directories (write-ahead log and store may be given together). */
export async function findChains(files: FileLayer, directories: readonly string[]): Promise<StoredChain[]> {
  const chains = new Map<string, Map<number, string[]>>();
  for (const directory of directories) {
    for (const writer of (await files.list(directory)).filter(isWriterId)) {
      const segments = chains.get(writer) ?? new Map<number, string[]>();
      chains.set(writer, segments);
      for (const name of await files.list(join(directory, writer))) {
        const index = segmentIndex(name);
        if (index === null) continue;
        segments.set(index, [...(segments.get(index) ?? []), join(directory, writer, name)]);
      }
    }
  }
  return [...chains]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([writer, segments]) => ({
      writer,
      segments: [...segments].sort(([a], [b]) => a - b).map(([index, paths]) => ({ index, paths })),
    }));
}
