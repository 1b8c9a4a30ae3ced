import type { SoftwareComponent } from "./component.ts";
import { parseImage } from "./image.ts";
import type { Inventory } from "./inventory.ts";

/** Registries whose names say who made an image; any other is a client's own. */
const PUBLIC: ReadonlySet<string> = new Set([
  "docker.io",
  "ghcr.io",
  "nvcr.io",
  "public.ecr.aws",
  "quay.io",
  "registry.k8s.io",
]);

/** Images of a stack; those that only a digest of zeros pins have no hash yet. */
export function imageComponents({ images }: Pick<Inventory, "images">): SoftwareComponent[] {
  return images.map(({ image, pinning, usedBy }) => {
    const { registry, repository, tag, digest } = parseImage(image);
    const short = repository.split("/").at(-1) ?? repository;
    const isPinned = pinning === "digest" && digest !== undefined;
    const qualifiers = [
      `repository_url=${encodeURIComponent(`${registry}/${repository}`)}`,
      ...(tag === undefined ? [] : [`tag=${encodeURIComponent(tag)}`]),
    ].join("&");
    return {
      kind: "image",
      name: PUBLIC.has(registry) ? `${registry}/${repository}` : `own/${short}`,
      ...(tag === undefined ? {} : { version: tag }),
      purl: `pkg:oci/${encodeURIComponent(short)}${isPinned ? `@${encodeURIComponent(digest)}` : ""}?${qualifiers}`,
      hashes: isPinned ? [["SHA-256", digest.replace("sha256:", "")]] : [],
      scope: "required",
      facts: { "llmops:pinning": pinning, "llmops:usedBy": usedBy.join(" ") },
    };
  });
}

/** Charts of a stack, with the digest of their archives where a public index gave one. */
export function chartComponents({ charts }: Pick<Inventory, "charts">): SoftwareComponent[] {
  return charts.map(({ name, version, repository, digest }) => ({
    kind: "chart",
    name,
    version,
    purl: `pkg:helm/${name}@${encodeURIComponent(version)}?repository_url=${encodeURIComponent(repository)}`,
    hashes: digest.kind === "sha256" ? [["SHA-256", digest.value]] : [],
    scope: "required",
    facts: { "llmops:pinning": digest.kind === "sha256" ? "digest" : `unverified: ${digest.reason}` },
  }));
}

/** Where weights come from, pinned. */
export type WeightSource =
  | { readonly kind: "s3" | "gs"; readonly uri: string; readonly digest: string }
  | { readonly kind: "oci"; readonly image: string; readonly digest: string }
  | { readonly kind: "hub"; readonly repository: string; readonly revision: string };

function weightsOf(source: WeightSource): Omit<SoftwareComponent, "kind" | "scope"> {
  if (source.kind === "hub")
    return {
      name: source.repository,
      version: source.revision,
      purl: `pkg:huggingface/${source.repository}@${source.revision}`,
      // A commit names a tree; its files have hashes of their own there.
      hashes: [],
      facts: { "llmops:pinning": `git commit ${source.revision}` },
    };
  return {
    name: source.kind === "oci" ? source.image : source.uri,
    version: source.digest,
    hashes: [["SHA-256", source.digest.replace("sha256:", "")]],
    facts: { "llmops:pinning": "digest" },
  };
}

/** Models of a stack by their weights. */
export function modelComponents(
  models: readonly { readonly name: string; readonly source: WeightSource }[],
): SoftwareComponent[] {
  return models.map(({ name, source }) => {
    const weights = weightsOf(source);
    return {
      kind: "model",
      ...weights,
      scope: "required",
      facts: { ...weights.facts, "llmops:model": name },
    };
  });
}

/** Data sets of the evaluations by their pins. */
export function dataComponents(
  pins: Readonly<
    Record<string, { readonly sha256: string; readonly licence: string; readonly origin: string }>
  >,
): SoftwareComponent[] {
  return Object.entries(pins).map(([name, { sha256, licence, origin }]) => ({
    kind: "data",
    name,
    hashes: [["SHA-256", sha256]],
    declared: licence,
    scope: "excluded",
    facts: { "llmops:origin": origin },
  }));
}

/** Programs built from Go modules, with the sum `go.sum` pins the module by. */
export function toolComponents(
  tools: readonly {
    readonly name: string;
    readonly version: string;
    readonly packages: readonly string[];
    readonly sums: string;
  }[],
): SoftwareComponent[] {
  return tools.map(({ name, version, packages, sums }) => {
    const entry = sums
      .split("\n")
      .map((line) => line.split(" "))
      .find(
        ([path = "", pinned]) =>
          pinned === version && packages.some((each) => each === path || each.startsWith(`${path}/`)),
      );
    const [module, , sum] = entry ?? [];
    return {
      kind: "tool",
      name,
      version,
      ...(module === undefined ? {} : { purl: `pkg:golang/${module}@${version}` }),
      // `h1:` is a hash over the hashes of a module's files, not of bytes anybody has: a fact, not a hash.
      hashes: [],
      scope: "excluded",
      facts: {
        "llmops:go.sum": sum ?? "built from a module of this repository; its go.sum pins what it needs",
      },
    };
  });
}
