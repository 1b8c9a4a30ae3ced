import { describe, expect, it } from "vitest";
import { bucketReaderPolicy } from "./aws-bucket-reader.ts";
import { storedObjects } from "./bucket-reader.ts";
import { belowPrefix } from "./gcp-bucket-reader.ts";

describe("a reader of somebody else's bucket", () => {
  it.each([
    ["s3://models/mistral", { bucket: "models", prefix: "mistral" }],
    ["s3://models/llm/mistral/", { bucket: "models", prefix: "llm/mistral" }],
    ["gs://models", { bucket: "models", prefix: "" }],
    ["gs://models/", { bucket: "models", prefix: "" }],
  ])("finds what %s names", (uri, expected) => {
    expect(storedObjects(uri)).toEqual(expected);
  });

  it.each(["https://models/mistral", "s3:///mistral", "models"])("refuses %s", (uri) => {
    expect(() => storedObjects(uri)).toThrow(new RangeError(`'${uri}' is no address of a bucket`));
  });

  it.each([
    [
      "llm/mistral",
      "arn:aws:s3:::models/llm/mistral/*",
      { Condition: { StringLike: { "s3:prefix": ["llm/mistral", "llm/mistral/*"] } } },
    ],
    ["", "arn:aws:s3:::models/*", {}],
  ])("on AWS may read and list below '%s', and nothing else", (prefix, objects, condition) => {
    expect(JSON.parse(bucketReaderPolicy({ bucket: "models", prefix }))).toEqual({
      Version: "2012-10-17",
      Statement: [
        { Effect: "Allow", Action: ["s3:GetObject"], Resource: objects },
        { Effect: "Allow", Action: ["s3:ListBucket"], Resource: "arn:aws:s3:::models", ...condition },
      ],
    });
  });

  it("on Google Cloud may read below its prefix; a neighbour whose name begins alike is none of them", () => {
    expect(belowPrefix({ bucket: "models", prefix: "" })).toBeUndefined();
    expect(belowPrefix({ bucket: "models", prefix: "llm/mistral" })?.expression).toBe(
      'resource.type != "storage.googleapis.com/Object" || resource.name.startsWith("projects/_/buckets/models/objects/llm/mistral/")',
    );
  });
});
