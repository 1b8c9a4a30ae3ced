import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { UNKNOWN } from "../graph/values.ts";
import { formatImage, imagesIn, parseImage, pinningOf } from "./image.ts";
import { isMirrored, mirroredImage, originalImage } from "./mirror.ts";

const digest = `sha256:${"a".repeat(64)}`;

describe("an image", () => {
  it.each([
    ["redis", "docker.io/library/redis"],
    ["redis:7.4", "docker.io/library/redis:7.4"],
    [`vllm/vllm-openai:v0.30.0@${digest}`, `docker.io/vllm/vllm-openai:v0.30.0@${digest}`],
    ["localhost/a", "localhost/a"],
    ["registry:5000/a/b", "registry:5000/a/b"],
    ["registry.example:5000/a/b:1", "registry.example:5000/a/b:1"],
    [`quay.io/a@${digest}`, `quay.io/a@${digest}`],
  ])("%s is %s", (text, full) => {
    expect(formatImage(parseImage(text))).toBe(full);
  });

  it("keeps every part of whatever is written in full", () => {
    const name = fc.stringMatching(/^[a-z0-9]{1,8}$/);
    fc.assert(
      fc.property(
        fc.array(name, { minLength: 1, maxLength: 4 }),
        fc.option(fc.integer({ min: 1, max: 65_535 }), { nil: undefined }),
        fc.option(fc.stringMatching(/^\w[\w.-]{0,9}$/), { nil: undefined }),
        fc.option(fc.constant(digest), { nil: undefined }),
        (path, port, tag, pinned) => {
          const host = port === undefined ? "registry.example" : `registry.example:${port}`;
          const text = `${host}/${path.join("/")}${tag === undefined ? "" : `:${tag}`}${pinned === undefined ? "" : `@${pinned}`}`;
          const reference = parseImage(text);
          expect(reference.registry).toBe(host);
          expect(formatImage(reference)).toBe(text);
          const mirror = { host: "mirror.example/all" };
          const mirrored = mirroredImage(text, mirror);
          expect(isMirrored(mirrored, mirror)).toBe(true);
          expect(mirroredImage(mirrored, mirror)).toBe(mirrored);
          expect(originalImage(mirrored, mirror)).toBe(text);
        },
      ),
    );
  });

  it.each([
    ["a:1", "tag-only"],
    [`a:1@${digest}`, "digest"],
    [`a:1@sha256:${"0".repeat(64)}`, "placeholder"],
  ])("%s is pinned by %s", (text, pinning) => {
    expect(pinningOf(parseImage(text))).toBe(pinning);
  });

  it("is found under its key, as a volume and in a flag, and nowhere else", () => {
    expect(
      imagesIn({
        containers: [
          { image: "a", args: ["--reloader=quay.io/b/c:v1", "--url=https://quay.io/d:1", "quay.io/e"] },
        ],
        volumes: [{ image: { reference: `f@${digest}`, pullPolicy: "Always" } }],
        labels: { "app.kubernetes.io/name": "g", note: "see quay.io/h:1" },
      }),
    ).toEqual(["a", "quay.io/b/c:v1", `f@${digest}`]);
  });

  it("is found by its parts, and not while one is missing", () => {
    const parts = { registry: "gke.gcr.io", repository: "prometheus", tag: "v2", sha: "a".repeat(64) };
    expect(imagesIn({ image: parts })).toEqual([`gke.gcr.io/prometheus:v2@${digest}`]);
    expect(imagesIn({ image: { ...parts, sha: UNKNOWN } })).toEqual([]);
    expect(imagesIn({ image: { registry: "mirror.example/quay.io" } })).toEqual([]);
  });

  it("of a registry whose name only starts like the mirror's is not mirrored", () => {
    expect(isMirrored("mirror.example.org/a", { host: "mirror.example" })).toBe(false);
  });
});
