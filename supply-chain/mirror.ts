import type { ChartName } from "../charts/catalog.ts";
import { chartImages } from "../charts/images.ts";
import { formatImage, parseImage } from "./image.ts";

/** A registry that holds a copy of every image and chart. */
export interface RegistryMirror {
  /** Host, with port and path where there are, for example `registry.acme.example/mirror`. */
  readonly host: string;
}

/** True for an image or chart that comes from the mirror. */
export function isMirrored(reference: string, { host }: RegistryMirror): boolean {
  return reference.replace(/^oci:\/\//, "").startsWith(`${host}/`);
}

/** Where the mirror keeps an image: below the host it comes from, so that no two of them meet; the digest stays. */
export function mirroredImage(image: string, mirror: RegistryMirror): string {
  if (isMirrored(image, mirror)) return image;
  return `${mirror.host}/${formatImage(parseImage(image))}`;
}

/** Image that a place in the mirror is a copy of. */
export function originalImage(image: string, mirror: RegistryMirror): string {
  return isMirrored(image, mirror) ? image.slice(mirror.host.length + 1) : image;
}

/** Where the mirror keeps a chart; without the version. */
export function mirroredChart(chart: string, { host }: RegistryMirror): string {
  return `oci://${host}/charts/${chart.split("/").at(-1) ?? chart}`;
}

/** Values that make a chart take its images from the mirror: key path and value. */
export function mirrorValues(
  chart: ChartName,
  { host }: RegistryMirror,
): readonly (readonly [string, string])[] {
  const known = chartImages(chart);
  if ("unknown" in known) return [];
  return known.images.map((each) => {
    const { registry } = parseImage(each.image);
    return "registryKey" in each
      ? [each.registryKey, `${host}/${registry}`]
      : [each.repositoryKey, `${host}/${each.image}`];
  });
}
