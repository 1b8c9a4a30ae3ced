import type { ChartName } from "../charts/catalog.ts";
import type { Inventory } from "./inventory.ts";
import { mirroredChart, mirroredImage, type RegistryMirror } from "./mirror.ts";

/** What the script copies. */
export interface CopyRequest {
  readonly stack: string;
  readonly mirror: RegistryMirror;
  /** Of the stack without its mirror: where everything comes from. */
  readonly inventory: Inventory;
  /** What somebody rendered with the mirror's values: images, and of which charts; none before. */
  readonly rendered: { readonly images: readonly string[]; readonly charts: readonly string[] };
  /** Namespace and file with the mirror's values for each chart. */
  readonly values: readonly {
    readonly chart: ChartName;
    readonly namespace: string;
    readonly file: string;
  }[];
}

/** A word as a POSIX shell takes it literally. */
export function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

function command(...words: readonly string[]): string {
  return words.map(quoted).join(" ");
}

/** Text that stays inside its comment. */
function comment(text: string): string {
  return `# ${text.replace(/\s+/g, " ")}`;
}

function chartLines(request: CopyRequest): string[] {
  return request.inventory.charts.flatMap(({ name, version, repository, digest }) => {
    const archive = `${name}-${version}.tgz`;
    const rendering = request.values.find(({ chart }) => chart === name);
    return [
      repository.startsWith("oci://")
        ? command("helm", "pull", `${repository}/${name}`, "--version", version)
        : command("helm", "pull", name, "--repo", repository, "--version", version),
      ...(digest.kind === "sha256"
        ? [`echo ${quoted(`${digest.value}  ${archive}`)} | sha256sum -c -`]
        : [comment(`not verified: ${digest.reason}`)]),
      command("helm", "push", archive, mirroredChart(name, request.mirror).replace(/\/[^/]+$/, "")),
      ...(rendering === undefined
        ? []
        : [
            `${command("helm", "template", name, archive, "--namespace", rendering.namespace, "--values", rendering.file)} > ${quoted(`rendered/${name}.yaml`)}`,
          ]),
    ];
  });
}

function imageLine(source: string, target: string): string {
  return command("skopeo", "copy", "--all", "--preserve-digests", `docker://${source}`, `docker://${target}`);
}

/** Skopeo refuses a reference with both: the digest is the one that says which bytes. */
function withoutTag(image: string): string {
  return image.replace(/:\w[\w.-]*@/, "@");
}

/** The tag goes with the copy, so that the mirror shows which version its digest is. */
function withoutDigest(image: string): string {
  return /:\w[\w.-]*@/.test(image) ? image.replace(/@.*$/, "") : image;
}

function imageLines({ inventory, mirror, rendered }: CopyRequest): string[] {
  const own = inventory.images.flatMap(({ image, pinning, usedBy }) => {
    switch (pinning) {
      case "digest":
        return imageLine(withoutTag(image), withoutDigest(mirroredImage(image, mirror)));
      case "tag-only":
        return [comment(`${image} is pinned by a tag only`), imageLine(image, mirroredImage(image, mirror))];
      case "placeholder":
        return comment(`${image}: build it, push it, and write its digest into the stack file`);
      case "unverified":
        return usedBy.every((by) => rendered.charts.some((chart) => by === `chart ${chart}`))
          ? []
          : comment(`${image} (${usedBy.join(", ")}): its tag is known once the chart is rendered`);
    }
  });
  return [
    ...own,
    ...rendered.images.map((image) =>
      imageLine(withoutTag(image), withoutDigest(mirroredImage(image, mirror))),
    ),
  ];
}

/**
 * A shell script that fills the mirror from a machine that reaches both sides: charts first, rendered so that a second run knows
 * their images; then images, all architectures, with their digests.
 */
export function copyScript(request: CopyRequest): string {
  const { stack, inventory, rendered } = request;
  return `${[
    "#!/bin/sh",
    comment(
      `Fills ${request.mirror.host} for stack ${stack}. Needs helm and skopeo, logged in to the mirror.`,
    ),
    "set -eu",
    "mkdir -p rendered",
    "",
    ...chartLines(request),
    "",
    ...(inventory.charts.some(({ name }) => !rendered.charts.includes(name))
      ? [
          comment(
            `Then: npx llmops airgap script -s ${stack} --rendered rendered --out <this folder>, and run it again.`,
          ),
        ]
      : []),
    ...inventory.unknown.map((text) => comment(`not known: ${text}`)),
    ...imageLines(request),
  ].join("\n")}\n`;
}
