import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import { nodeFiles } from "../audit/file-layer.ts";
import { describeObjectStore } from "../testing/store-behaviour.ts";
import { directoryStore } from "./directory-store.ts";
import { StoreAddressError, storeAddress } from "./open-store.ts";

describeObjectStore("directory", () =>
  Promise.resolve(directoryStore(mkdtempSync(join(tmpdir(), "store-")), nodeFiles)),
);

describe("storeAddress", () => {
  afterEach(() => {
    vi.unstubAllEnvs();
  });

  it.each([
    ["logs/audit", { kind: "directory", path: "logs/audit" }],
    ["s3://bucket", { kind: "s3", bucket: "bucket", prefix: "", region: "eu-south-2", endpoint: null }],
    [
      "s3://bucket/a/b",
      { kind: "s3", bucket: "bucket", prefix: "a/b/", region: "eu-south-2", endpoint: null },
    ],
    ["gs://bucket/a/", { kind: "gcs", bucket: "bucket", prefix: "a/", endpoint: null }],
  ])("reads %s", (address, expected) => {
    vi.stubEnv("AWS_REGION", "eu-south-2");
    expect(storeAddress(address)).toEqual(expected);
  });

  it.each(["ftp://bucket", "s3://", "s3:///x", "gs://b", "s3://bucket/a b"])("refuses %s", (address) => {
    expect(() => storeAddress(address)).toThrow(StoreAddressError);
  });
});
