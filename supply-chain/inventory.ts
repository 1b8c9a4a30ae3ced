import { CHART_NAMES, pinnedChart, type ChartPin } from "../charts/catalog.ts";
import { chartImages } from "../charts/images.ts";
import { ofType, type ResourceGraph } from "../graph/graph.ts";
import { isUnknown, pathsWhere, valueAt, type GraphValue } from "../graph/values.ts";
import { formatImage, imagesIn, parseImage, pinningOf, type Pinning } from "./image.ts";
import { broughtImages, isMirrored, mirrorValues, type RegistryMirror } from "./mirror.ts";

const RELEASE = "kubernetes:helm.sh/v3:Release";

/** An image a stack needs. */
export interface ImageUse {
  /** With registry; without tag where a chart decides it. */
  readonly image: string;
  /** `unverified`: a chart brings it, and neither tag nor digest was read. */
  readonly pinning: Pinning;
  /** Resources and charts that need it, sorted. */
  readonly usedBy: readonly string[];
}

/** A chart a stack installs. */
export interface ChartUse {
  readonly name: string;
  readonly version: string;
  readonly repository: string;
  readonly digest: ChartPin["digest"];
  readonly usedBy: readonly string[];
}

/** Images and charts of a stack, and what cannot be known about them from here. */
export interface Inventory {
  readonly images: readonly ImageUse[];
  readonly charts: readonly ChartUse[];
  readonly unknown: readonly string[];
}

interface Use {
  readonly image: string;
  readonly pinning: Pinning;
  readonly by: string;
}

function textAt(inputs: GraphValue, path: string): string {
  const value = valueAt(inputs, path);
  return typeof value === "string" ? value : "";
}

/** Images named by the objects of a graph and by containers in values of charts: its own, or what rendering a chart gave. */
export function imagesOfObjects(graph: ResourceGraph): ImageUse[] {
  return merged(
    graph.nodes
      .filter(({ type }) => type.startsWith("kubernetes:"))
      .flatMap(({ name, type, inputs }) =>
        imagesIn(type === RELEASE ? (inputs["values"] ?? null) : inputs).map((text) => {
          const reference = parseImage(text);
          return { image: formatImage(reference), pinning: pinningOf(reference), by: name };
        }),
      ),
  );
}

function merged(uses: readonly Use[]): ImageUse[] {
  const images = [...new Set(uses.map(({ image }) => image))].sort();
  return images.flatMap((image) => {
    const own = uses.filter((use) => use.image === image);
    const [first] = own;
    return first === undefined
      ? []
      : { image, pinning: first.pinning, usedBy: [...new Set(own.map(({ by }) => by))].sort() };
  });
}

/** Everything a stack takes from registries, read off its graph. */
export function inventoryOf(graph: ResourceGraph): Inventory {
  const releases = ofType(graph, RELEASE);
  const charts = CHART_NAMES.flatMap((name) => {
    const usedBy = releases.filter(({ inputs }) => inputs["name"] === name).map((node) => node.name);
    if (usedBy.length === 0) return [];
    const { version, repository, digest } = pinnedChart(name).pin;
    return { name, version, repository, digest, usedBy };
  });
  const brought = charts.flatMap(({ name }) =>
    broughtImages(name).map((image): Use => ({ image, pinning: "unverified", by: `chart ${name}` })),
  );
  return {
    images: [...imagesOfObjects(graph), ...merged(brought)],
    charts,
    unknown: [
      ...releases
        .filter(({ inputs }) => !charts.some(({ name }) => name === inputs["name"]))
        .map(({ name }) => `${name}: a chart that charts/ does not pin`),
      ...charts.flatMap(({ name }) => {
        const known = chartImages(name);
        return "unknown" in known ? `chart ${name}: ${known.unknown}` : [];
      }),
    ],
  };
}

/**
 * What a planned stack would still take from elsewhere than the mirror: one sentence each, naming the resource. Images that only
 * rendering a chart shows are not among them.
 */
export function outsideMirror(graph: ResourceGraph, mirror: RegistryMirror): string[] {
  const outside = (by: string, what: string): string =>
    `${by} takes ${what} from elsewhere than ${mirror.host}`;
  const objects = imagesOfObjects(graph).flatMap(({ image, usedBy }) =>
    isMirrored(image, mirror) ? [] : usedBy.map((by) => outside(by, image)),
  );
  const unknown = graph.nodes
    .filter(({ type }) => type.startsWith("kubernetes:") && type !== RELEASE)
    .flatMap(({ name, inputs }) =>
      pathsWhere(inputs, isUnknown)
        .filter((path) => /(^|\.)image(\.reference)?$/.test(path))
        .map(
          (path) => `${name} names its image (${path}) only after deployment, so nobody can tell where from`,
        ),
    );
  const releases = ofType(graph, RELEASE).flatMap(({ name: by, inputs }) => {
    const chart = textAt(inputs, "chart");
    const repository = textAt(inputs, "repositoryOpts.repo");
    const name = CHART_NAMES.find((each) => each === inputs["name"]);
    const overrides = name === undefined ? [] : mirrorValues(name, mirror);
    return [
      ...(isMirrored(chart, mirror) && repository === ""
        ? []
        : [outside(by, `chart ${repository === "" ? chart : `${repository}/${chart}`}`)]),
      ...overrides
        .filter(({ path, mirrored }) => {
          const current = textAt(inputs, `values.${path}`);
          return current === "" || current !== mirrored(current);
        })
        .map(({ path }) => outside(by, `the image of value ${path}`)),
      ...(overrides.length > 0
        ? []
        : [`${by} brings images nobody has listed, so they cannot be redirected`]),
    ];
  });
  return [...objects, ...unknown, ...releases];
}
