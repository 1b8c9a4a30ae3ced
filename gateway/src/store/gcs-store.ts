import { createHash } from "node:crypto";
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
export async function gcsStore(location: GcsLocation): Promise<ObjectStore> {
  const { Storage } = await import("@google-cloud/storage");
  const { endpoint, prefix } = location;
  const storage = new Storage(
    endpoint === null ? {} : { apiEndpoint: endpoint, projectId: "local", useAuthWithCustomEndpoint: false },
  );
  const bucket = storage.bucket(location.bucket);
  const fileOf = (name: string): ReturnType<typeof bucket.file> => bucket.file(`${prefix}${name}`);

  return {
    async putOnce(name, bytes) {
      const sha256 = createHash("sha256").update(bytes).digest("base64");
      const file = fileOf(name);
      try {
        await file.save(bytes, {
          resumable: false,
          validation: "crc32c",
          preconditionOpts: { ifGenerationMatch: 0 },
          metadata: { metadata: { sha256 } },
        });
      } catch (error) {
        if (!isStatus(error, 412)) throw error;
        const [stored] = await file.getMetadata();
        if (stored.metadata?.["sha256"] !== sha256) throw new ObjectConflictError(name);
      }
    },
    async get(name) {
      try {
        const [bytes] = await fileOf(name).download();
        return bytes;
      } catch (error) {
        if (isStatus(error, 404)) return null;
        throw error;
      }
    },
    stream: (name) => Promise.resolve(fileOf(name).createReadStream()),
    async list(start) {
      const [files] = await bucket.getFiles({ prefix: `${prefix}${start}` });
      return files.map(({ name }) => name.slice(prefix.length)).sort();
    },
    async remove(name) {
      await fileOf(name).delete({ ignoreNotFound: true });
    },
  };
}
