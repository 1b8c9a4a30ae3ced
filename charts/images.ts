import { existsSync, readFileSync } from "node:fs";
import { parse } from "yaml";
import { z } from "zod";
import type { ChartName } from "./catalog.ts";

const image = z.string().regex(/^[a-z0-9.-]+(\/[a-z0-9._-]+)+$/, {
  error: "must be <registry>/<repository>, without tag",
});
const key = z.string().regex(/^[\w-]+(\.[\w-]+)+$/, { error: "must be a key path of the chart's values" });

const images = z.union([
  z.strictObject({
    source: z.url(),
    images: z
      .array(
        z.union([
          z.strictObject({ image, registryKey: key }),
          z.strictObject({ image, repositoryKey: key }),
          z.strictObject({ givenKey: key }),
        ]),
      )
      .min(1),
  }),
  z.strictObject({ source: z.url(), unknown: z.string().min(10) }),
]);

/** An image of a chart, and the key of the chart's values that says where it comes from; `givenKey`: the stack gives the image. */
export type ChartImage =
  | { readonly image: string; readonly registryKey: string }
  | { readonly image: string; readonly repositoryKey: string }
  | { readonly givenKey: string };

/**
 * Images a chart deploys with our values, as its values file was read: nobody rendered the pinned version here, so another one
 * may be among what it really brings. `unknown` says why not even that could be read.
 */
export type ChartImages =
  { readonly source: string; readonly images: readonly ChartImage[] } | { readonly unknown: string };

/**
 * Reads what is known about the images of a pinned chart.
 * @throws Error naming the file when it is malformed.
 */
export function chartImages(name: ChartName): ChartImages {
  const file = new URL(`./${name}/images.yaml`, import.meta.url);
  if (!existsSync(file)) return { unknown: `nobody has listed them in charts/${name}/images.yaml` };
  const parsed = images.safeParse(parse(readFileSync(file, "utf8")));
  if (!parsed.success) throw new Error(`charts/${name}/images.yaml: ${z.prettifyError(parsed.error)}`);
  return parsed.data;
}
