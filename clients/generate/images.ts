import type { PlatformConfig } from "../../stacks/schema/platform.ts";
import type { ForkAnswers } from "../answers.ts";
import type { Decision } from "../decision.ts";
import { PLACEHOLDER_DIGEST } from "../../stacks/placeholders.ts";
import type { KeyList, StackDocument } from "../stack-document.ts";

/** Host and path an image is pulled from, without its name: `registry.acme.example` of `registry.acme.example/redis:7.4@sha256:...`. */
function registryOf(image: string): string {
  return image.split("/").slice(0, -1).join("/");
}

function imagesBelow(value: unknown, keys: KeyList): { readonly keys: KeyList; readonly image: string }[] {
  if (typeof value === "string") return [{ keys, image: value }];
  if (typeof value !== "object" || value === null) return [];
  const entries: [string | number, unknown][] = Array.isArray(value)
    ? [...(value as unknown[]).entries()]
    : Object.entries(value);
  return entries.flatMap(([key, each]) => imagesBelow(each, [...keys, key]));
}

/**
 * Names every image of the template's own registry in the client's, with zeros for its digest: whoever builds or copies an
 * image knows it, nobody else. Images of public registries keep their digests.
 */
export function writeImages(
  document: StackDocument,
  { gateway }: PlatformConfig,
  { registry }: ForkAnswers,
): Decision[] {
  const own = registryOf(gateway.image ?? "");
  if (own === "") return [];
  const moved = imagesBelow(document.value([]), []).filter(({ image }) => image.startsWith(`${own}/`));
  for (const { keys, image } of moved) {
    const name = image.slice(own.length + 1).replace(/@sha256:[0-9a-f]{64}$/, `@${PLACEHOLDER_DIGEST}`);
    document.set(keys, `${registry}/${name}`);
    // Weights and adapters carry their digest beside the image.
    document.replace([...keys.slice(0, -1), "digest"], PLACEHOLDER_DIGEST);
  }
  const isMirrored = document.has(["registryMirror"]);
  document.replace(["registryMirror", "host"], registry);
  return [
    ...(isMirrored
      ? [{ key: "registryMirror.host", what: `${registry}: every image and chart must be copied there` }]
      : []),
    ...(moved.length === 0
      ? []
      : [
          {
            key: moved.map(({ keys }) => keys.join(".")).join(", "),
            what: `build or copy them to ${registry} and replace the zeros by their digests`,
          },
        ]),
  ];
}
