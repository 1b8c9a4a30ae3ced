import { createHash } from "node:crypto";
import type { GetFilesOptions } from "@google-cloud/storage";
import type { StoreDeadlines } from "./deadline.ts";
import { STORE_DEADLINES, within } from "./deadline.ts";
import type { ObjectStore } from "./object-store.ts";
import { ObjectConflictError } from "./object-store.ts";

/** A Cloud Storage bucket; its locked retention policy makes each object immutable. */
export interface GcsLocation {
  readonly bucket: string;
  /** Put before each name, for example `prod/`. */
  readonly prefix: string;
  /** Other endpoint, for tests; null for Google. */
  readonly endpoint: string | null;
}

function isStatus(error: unknown, status: number): boolean {
  return (error as { code?: unknown }).code === status;
}

/** Opens a bucket; credentials come from the environment (GKE workload identity, variables). */
export async function gcsStore(
  location: GcsLocation,
  { callMs }: StoreDeadlines = STORE_DEADLINES,
): Promise<ObjectStore> {
  const { Storage } = await import("@google-cloud/storage");
  const { endpoint, prefix } = location;
  const storage = new Storage({
    timeout: callMs,
    retryOptions: { totalTimeout: callMs / 1_000 },
    ...(endpoint === null
      ? {}
      : { apiEndpoint: endpoint, projectId: "local", useAuthWithCustomEndpoint: false }),
  });
  const bucket = storage.bucket(location.bucket);
  const fileOf = (name: string): ReturnType<typeof bucket.file> => bucket.file(`${prefix}${name}`);

  return {
    putOnce: (name, bytes) =>
      within(callMs, async () => {
        const sha256 = createHash("sha256").update(bytes).digest("base64");
        const file = fileOf(name);
        try {
          await file.save(bytes, {
            resumable: false,
            timeout: callMs,
            validation: "crc32c",
            preconditionOpts: { ifGenerationMatch: 0 },
            metadata: { metadata: { sha256 } },
          });
        } catch (error) {
          if (!isStatus(error, 412)) throw error;
          const [stored] = await file.getMetadata();
          if (stored.metadata?.["sha256"] !== sha256) throw new ObjectConflictError(name);
        }
      }),
    get: (name) =>
      within(callMs, async () => {
        try {
          const [bytes] = await fileOf(name).download();
          return bytes;
        } catch (error) {
          if (isStatus(error, 404)) return null;
          throw error;
        }
      }),
    stream: (name) => Promise.resolve(fileOf(name).createReadStream()),
    async list(start) {
      const names: string[] = [];
      let query: GetFilesOptions | null = { prefix: `${prefix}${start}`, autoPaginate: false };
      while (query !== null) {
        const page: GetFilesOptions = query;
        const [files, next] = await within(callMs, () => bucket.getFiles(page));
        names.push(...files.map(({ name }) => name.slice(prefix.length)));
        query = (next as GetFilesOptions | null | undefined) ?? null;
      }
      return names.sort();
    },
    async remove(name) {
      await within(callMs, () => fileOf(name).delete({ ignoreNotFound: true }));
    },
  };
}
