import type { ChartName } from "../charts/catalog.ts";
import { chartImages } from "../charts/images.ts";
import { formatImage, parseImage } from "./image.ts";

/** A registry that holds a copy of every image and chart. */
export interface RegistryMirror {
  /** Host, with port and path where there are, for example `registry.acme.example/mirror`. */
  readonly host: string;
}

/** True for an image, a registry or a chart that comes from the mirror. */
export function isMirrored(reference: string, { host }: RegistryMirror): boolean {
  return reference.replace(/^oci:\/\//, "").startsWith(`${host}/`);
}

/** Where the mirror keeps an image: below the host it comes from, so that no two of them meet; the digest stays. */
export function mirroredImage(image: string, mirror: RegistryMirror): string {
  if (isMirrored(image, mirror)) return image;
  return `${mirror.host}/${formatImage(parseImage(image))}`;
}

/** Where the mirror keeps the images of a registry. */
function mirroredRegistry(registry: string, mirror: RegistryMirror): string {
  return isMirrored(registry, mirror) ? registry : `${mirror.host}/${registry}`;
}

/** Image that a place in the mirror is a copy of. */
export function originalImage(image: string, mirror: RegistryMirror): string {
  return isMirrored(image, mirror) ? image.slice(mirror.host.length + 1) : image;
}

/** Where the mirror keeps a chart; without the version. */
export function mirroredChart(chart: string, { host }: RegistryMirror): string {
  return `oci://${host}/charts/${chart.split("/").at(-1) ?? chart}`;
}

/** A key of a chart's values, and what it has to be: `mirrored` is given what it is, empty where it is not set. */
export interface MirrorValue {
  readonly path: string;
  readonly mirrored: (current: string) => string;
}

/** Values that make a chart take its images from the mirror. */
export function mirrorValues(chart: ChartName, mirror: RegistryMirror): readonly MirrorValue[] {
  const known = chartImages(chart);
  if ("unknown" in known) return [];
  return known.images.map((each) => {
    if ("givenKey" in each)
      return { path: each.givenKey, mirrored: (current) => mirroredImage(current, mirror) };
    if ("repositoryKey" in each)
      return { path: each.repositoryKey, mirrored: () => `${mirror.host}/${each.image}` };
    const { registry } = parseImage(each.image);
    return {
      path: each.registryKey,
      // A stack may give the chart another image than its own, for example Google's Prometheus.
      mirrored: (current) => mirroredRegistry(current === "" ? registry : current, mirror),
    };
  });
}

/** Images a chart brings by itself, as far as they were listed. */
export function broughtImages(chart: ChartName): string[] {
  const known = chartImages(chart);
  return "unknown" in known ? [] : known.images.flatMap((each) => ("image" in each ? each.image : []));
}
