import * as pulumi from "@pulumi/pulumi";
import { CHART_NAMES } from "../charts/catalog.ts";
import { imageIn } from "../supply-chain/image.ts";
import {
  mirroredChart,
  mirroredImage,
  mirrorValues,
  type MirrorValue,
  type RegistryMirror,
} from "../supply-chain/mirror.ts";

const RELEASE = "kubernetes:helm.sh/v3:Release";

function isPlain(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}

/** Copy of an input with every image in it rewritten; what is only known later is rewritten then. */
function rewritten(value: unknown, mirror: RegistryMirror, key = ""): unknown {
  if (typeof value === "string") {
    const found = imageIn(key, value);
    return found === undefined ? value : `${found.before}${mirroredImage(found.image, mirror)}`;
  }
  if (pulumi.Output.isInstance(value)) return value.apply((inner: unknown) => rewritten(inner, mirror, key));
  if (value instanceof Promise) return value.then((inner: unknown) => rewritten(inner, mirror, key));
  if (Array.isArray(value)) return value.map((item: unknown) => rewritten(item, mirror));
  return isPlain(value) ? rewrittenObject(value, mirror, key) : value;
}

function rewrittenObject(
  object: Readonly<Record<string, unknown>>,
  mirror: RegistryMirror,
  key = "",
): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(object).map(([name, item]) => [
      name,
      rewritten(item, mirror, key === "image" && name === "reference" ? "image" : name),
    ]),
  );
}

/** Copy of a chart's values with one of them as it has to be, whatever is known of them already. */
function withValue(values: unknown, path: readonly string[], mirrored: MirrorValue["mirrored"]): unknown {
  const [key, ...rest] = path;
  if (pulumi.Output.isInstance(values))
    return values.apply((inner: unknown) => withValue(inner, path, mirrored));
  if (key === undefined) return mirrored(typeof values === "string" ? values : "");
  const own = isPlain(values) ? values : {};
  return { ...own, [key]: withValue(own[key], rest, mirrored) };
}

/** A release of a chart of the mirror, which brings images of the mirror as far as its values can say so. */
function mirroredRelease(
  props: Readonly<Record<string, unknown>>,
  mirror: RegistryMirror,
): Record<string, unknown> {
  const release = { ...props };
  delete release["repositoryOpts"];
  const name = CHART_NAMES.find((each) => each === release["name"]);
  const overrides = name === undefined ? [] : mirrorValues(name, mirror);
  return {
    ...release,
    chart: mirroredChart(String(release["chart"]), mirror),
    values: overrides.reduce<unknown>(
      (values, { path, mirrored }) => withValue(values, path.split("."), mirrored),
      rewritten(release["values"], mirror),
    ),
  };
}

/**
 * Makes every Kubernetes object and chart of this program come from a mirror, including those of components that know nothing of
 * it. Call before the first resource.
 */
export function takeFromMirror(mirror: RegistryMirror): void {
  pulumi.runtime.registerStackTransformation(({ type, props, opts }) => {
    if (!type.startsWith("kubernetes:")) return undefined;
    const inputs = props as Readonly<Record<string, unknown>>;
    return {
      props: type === RELEASE ? mirroredRelease(inputs, mirror) : rewrittenObject(inputs, mirror),
      opts,
    };
  });
}
