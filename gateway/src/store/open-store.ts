import { z } from "zod";
import { nodeFiles } from "../audit/file-layer.ts";
import type { FileLayer } from "../audit/file-layer.ts";
import { directoryStore } from "./directory-store.ts";
import { gcsStore } from "./gcs-store.ts";
import type { ObjectStore } from "./object-store.ts";
import { s3Store } from "./s3-store.ts";

const prefix = z
  .string()
  .regex(/^([\w.-]+\/)*$/, "empty, or folders with a slash at the end")
  .default("");
const endpoint = z
  .url({ protocol: /^https?$/ })
  .nullable()
  .default(null);

/** Where objects are kept. */
export const storeSchema = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("directory"), path: z.string().min(1) }),
  z.strictObject({
    kind: z.literal("s3"),
    bucket: z.string().min(3),
    region: z.string().min(1),
    prefix,
    endpoint,
  }),
  z.strictObject({ kind: z.literal("gcs"), bucket: z.string().min(3), prefix, endpoint }),
]);

/** One place where objects are kept. */
export type StoreConfig = z.output<typeof storeSchema>;

/** Opens a store. */
export function openStore(config: StoreConfig, files: FileLayer = nodeFiles): Promise<ObjectStore> {
  switch (config.kind) {
    case "directory":
      return Promise.resolve(directoryStore(config.path, files));
    case "s3":
      return s3Store(config);
    case "gcs":
      return gcsStore(config);
  }
}

/** Raised for an address that names no store. */
export class StoreAddressError extends Error {
  constructor(address: string) {
    super(`${address}: give a directory, s3://<bucket>/<prefix> or gs://<bucket>/<prefix>`);
    this.name = "StoreAddressError";
  }
}

/**
 * Reads an address as people type it: a directory, `s3://bucket/prefix` or `gs://bucket/prefix`. The region and the
 * endpoint of S3 come from AWS_REGION and AWS_ENDPOINT_URL_S3, the endpoint of Cloud Storage from GCS_ENDPOINT_URL.
 * @throws StoreAddressError for anything else.
 */
export function storeAddress(address: string): StoreConfig {
  if (!address.includes("://")) return { kind: "directory", path: address };
  const [, scheme, bucket, rest = ""] = /^(s3|gs):\/\/([^/]+)\/?(.*)$/.exec(address) ?? [];
  const folder = rest === "" || rest.endsWith("/") ? rest : `${rest}/`;
  const shared = { bucket, prefix: folder };
  const parsed = storeSchema.safeParse(
    scheme === "s3"
      ? {
          ...shared,
          kind: "s3",
          region: process.env["AWS_REGION"] ?? "us-east-1",
          endpoint: process.env["AWS_ENDPOINT_URL_S3"] ?? null,
        }
      : { ...shared, kind: "gcs", endpoint: process.env["GCS_ENDPOINT_URL"] ?? null },
  );
  if (scheme === undefined || !parsed.success) throw new StoreAddressError(address);
  return parsed.data;
}
