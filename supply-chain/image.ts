import { isRecord, type GraphValue } from "../graph/values.ts";

/** A container image by its parts. */
export interface ImageReference {
  /** Host with port, `docker.io` where the reference names none. */
  readonly registry: string;
  readonly repository: string;
  readonly tag?: string;
  /** `sha256:` and 64 hex digits. */
  readonly digest?: string;
}

/** How well a reference says which bytes it means. */
export type Pinning = "digest" | "placeholder" | "tag-only" | "unverified";

const PLACEHOLDER = `sha256:${"0".repeat(64)}`;

/**
 * Image in a text that is not the value of a key `image`: a flag such as `--reloader=quay.io/prometheus/reloader:v1`. Only with a
 * registry's host and a tag or digest, because anything less may be something else.
 */
const IMAGE_TEXT =
  /^(?<before>(?:--[\w-]+=)?)(?<image>(?:[a-z0-9-]+\.)+[a-z]{2,}(?::\d+)?(?:\/[a-z0-9._-]+)+(?::\w[\w.-]{0,127}(?:@sha256:[0-9a-f]{64})?|@sha256:[0-9a-f]{64}))$/;

/**
 * Parts of a reference, with what Docker leaves out written out: `redis:7` is `docker.io/library/redis:7`.
 * @see https://github.com/distribution/reference/blob/main/normalize.go
 */
export function parseImage(text: string): ImageReference {
  const [named = "", digest] = text.split("@");
  const [, path = named, tag] = /^(.+?)(?::(\w[\w.-]{0,127}))?$/.exec(named) ?? [];
  const [first = "", ...rest] = path.split("/");
  const hasHost = rest.length > 0 && (/[.:]/.test(first) || first === "localhost");
  const repository = hasHost ? rest.join("/") : rest.length === 0 ? `library/${first}` : path;
  return {
    registry: hasHost ? first : "docker.io",
    repository,
    ...(tag === undefined ? {} : { tag }),
    ...(digest === undefined ? {} : { digest }),
  };
}

/** Text of a reference. */
export function formatImage({ registry, repository, tag, digest }: ImageReference): string {
  return `${registry}/${repository}${tag === undefined ? "" : `:${tag}`}${digest === undefined ? "" : `@${digest}`}`;
}

/** How a reference pins its content; a digest of zeros stands for one that somebody still has to write. */
export function pinningOf({ digest }: ImageReference): Pinning {
  if (digest === undefined) return "tag-only";
  return digest === PLACEHOLDER ? "placeholder" : "digest";
}

/** An image in a text, and what stands before it; `key` is the key the text is the value of. */
export function imageIn(
  key: string,
  text: string,
): { readonly before: string; readonly image: string } | undefined {
  if (key === "image") return { before: "", image: text };
  const { before, image } = IMAGE_TEXT.exec(text)?.groups ?? {};
  return before === undefined || image === undefined ? undefined : { before, image };
}

/** An image whose parts are keys of their own, as some charts take it; undefined where one is missing. */
function imageOfParts(value: Readonly<Record<string, GraphValue>>): string | undefined {
  const { registry, repository, tag, sha } = value;
  return typeof registry === "string" &&
    typeof repository === "string" &&
    typeof tag === "string" &&
    typeof sha === "string"
    ? `${registry}/${repository}:${tag}@sha256:${sha}`
    : undefined;
}

/** Every image named in a value: pods, image volumes, templates of other resources, flags, values of charts. */
export function imagesIn(value: GraphValue, key = ""): string[] {
  if (typeof value === "string") return [imageIn(key, value)?.image ?? []].flat();
  if (Array.isArray(value)) return (value as readonly GraphValue[]).flatMap((item) => imagesIn(item));
  if (!isRecord(value)) return [];
  const parts = imageOfParts(value);
  if (parts !== undefined) return [parts];
  return Object.entries(value).flatMap(([name, item]) =>
    // An image volume: `image: { reference }`.
    imagesIn(item, key === "image" && name === "reference" ? "image" : name),
  );
}
