import { join } from "node:path";
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { beforeAll, describe, expect, it } from "vitest";
import { CHART_NAMES } from "../../charts/catalog.ts";
import { chartImages } from "../../charts/images.ts";
import { HelmAddon } from "../../components/addon/helm-addon.ts";
import { ofType, type ResourceGraph } from "../../graph/graph.ts";
import { valueAt } from "../../graph/values.ts";
import { capture } from "../../plan/capture.ts";
import { platformProgram } from "../../stacks/program.ts";
import { takeFromMirror } from "../../stacks/registry-mirror.ts";
import { parsePlatform } from "../../stacks/schema/parse.ts";
import { readStack, stackNames } from "../../stacks/schema/stack-file.ts";
import { broughtImages } from "../../supply-chain/mirror.ts";
import { imagesOfObjects, inventoryOf, outsideMirror } from "../../supply-chain/inventory.ts";

const STACKS = join(import.meta.dirname, "..", "..", "stacks");
const mirror = { host: "mirror.example/all" };
const RELEASE = "kubernetes:helm.sh/v3:Release";
/** Hosts of registries and repositories of charts that the blueprint knows. */
const ELSEWHERE =
  /(?<!mirror\.example\/all\/)(docker\.io|ghcr\.io|quay\.io|nvcr\.io|registry\.k8s\.io|public\.ecr\.aws|registry\.\w+\.example)|vllm\/vllm-openai(?<!docker\.io\/vllm\/vllm-openai)|"repositoryOpts"/;

function graphOf(stack: string, withMirror: boolean): Promise<ResourceGraph> {
  const config = readStack(STACKS, stack);
  return capture({
    stack,
    program: () => platformProgram(withMirror ? { ...config, registryMirror: mirror } : config),
  });
}

describe.each(stackNames(STACKS).filter((stack) => stack !== "local"))(
  "stack %s behind a mirror",
  (stack) => {
    let plain: ResourceGraph;
    let mirrored: ResourceGraph;
    beforeAll(async () => {
      plain = await graphOf(stack, false);
      mirrored = await graphOf(stack, true);
    });

    it("names no other registry in anything Kubernetes gets", () => {
      const objects = mirrored.nodes.filter(({ type }) => type.startsWith("kubernetes:"));
      const found = objects.filter(({ inputs }) => ELSEWHERE.test(JSON.stringify(inputs)));
      expect(found.map(({ name }) => name)).toEqual([]);
      expect(outsideMirror(mirrored, mirror)).toEqual([]);
    });

    it("is otherwise the same stack, with the same digests", () => {
      const strip = (text: string): string => text.replaceAll("mirror.example/all/", "");
      expect(mirrored.nodes.map(({ urn }) => urn)).toEqual(plain.nodes.map(({ urn }) => urn));
      expect(imagesOfObjects(mirrored).map(({ image, ...use }) => ({ image: strip(image), ...use }))).toEqual(
        imagesOfObjects(plain),
      );
    });

    it("without it every image and chart is reported", () => {
      const { images, charts } = inventoryOf(plain);
      const reported = outsideMirror(plain, mirror).join("\n");
      expect(images.length + charts.length).toBeGreaterThan(0);
      for (const { image, pinning } of images)
        if (pinning !== "unverified") expect(reported).toContain(image);
      for (const { name } of charts) expect(reported).toMatch(new RegExp(`chart \\S*${name} from elsewhere`));
    });

    it("has every digest of the plan in the inventory", () => {
      const digests =
        JSON.stringify(plain.nodes.map(({ inputs }) => inputs)).match(/@sha256:[0-9a-f]{64}/g) ?? [];
      const listed = inventoryOf(plain).images.map(({ image }) => image);
      for (const digest of digests) expect(listed.some((image) => image.endsWith(digest))).toBe(true);
      expect(digests.length).toBeGreaterThan(0);
    });
  },
);

describe("a mirror", () => {
  const known = CHART_NAMES.filter((name) => broughtImages(name).length > 0);

  function release(chart: (typeof CHART_NAMES)[number]): Promise<ResourceGraph> {
    return capture({
      stack: "s",
      program: () => {
        takeFromMirror(mirror);
        return new HelmAddon("addon", { chart, namespace: "n" }, {});
      },
    });
  }

  it.each(known)("redirects every listed image of chart %s and keeps its other values", async (name) => {
    const graph = await release(name);
    expect(outsideMirror(graph, mirror)).toEqual([]);
    const images = chartImages(name);
    if (!("images" in images)) throw new Error("filtered above");
    const [{ inputs } = { inputs: {} }] = ofType(graph, RELEASE);
    for (const each of images.images) {
      if ("givenKey" in each) continue;
      const [path, value] =
        "registryKey" in each
          ? [each.registryKey, `mirror.example/all/${each.image.split("/")[0] ?? ""}`]
          : [each.repositoryKey, `mirror.example/all/${each.image}`];
      expect([path, valueAt(inputs, `values.${path}`)]).toEqual([path, value]);
    }
  });

  it("redirects the image a stack gives a chart", async () => {
    const graph = await capture({
      stack: "s",
      program: () => {
        takeFromMirror(mirror);
        const image = { repository: "own.example/mlflow:3@sha256", tag: "a".repeat(64) };
        const extraInitContainers = [{ image: "own.example/mlflow:3" }];
        const values = { image, extraInitContainers };
        return new HelmAddon("addon", { chart: "mlflow", namespace: "n", values }, {});
      },
    });
    expect(outsideMirror(graph, mirror)).toEqual([]);
    expect(ofType(graph, RELEASE)[0]?.inputs["values"]).toMatchObject({
      image: { repository: "mirror.example/all/own.example/mlflow:3@sha256", tag: "a".repeat(64) },
      extraInitContainers: [{ image: "mirror.example/all/own.example/mlflow:3" }],
    });
  });

  it("redirects another Prometheus that a stack gives its chart, and lists it", async () => {
    const config = readStack(STACKS, "globex-prod");
    const metrics = { kind: "google-managed", series: "platform" } as const;
    const google = (registryMirror?: typeof mirror): Promise<ResourceGraph> => {
      const parsed = parsePlatform({
        ...config,
        observability: { ...config.observability, metrics },
        budget: {
          ...config.budget,
          usage: { ...config.budget.usage, metricMillionSamples: { expected: 1, max: 2 } },
        },
        ...(registryMirror === undefined ? {} : { registryMirror }),
      });
      if (parsed.kind === "invalid") throw new Error(JSON.stringify(parsed.problems));
      return capture({ stack: "globex-prod", program: () => platformProgram(parsed.config) });
    };
    const image = /^gke\.gcr\.io\/prometheus-engine\/prometheus:v[^@]+@sha256:[0-9a-f]{64}$/;
    const [listed] = inventoryOf(await google()).images.filter((each) =>
      each.image.startsWith("gke.gcr.io/"),
    );
    expect(listed?.image).toMatch(image);
    const graph = await google(mirror);
    expect(outsideMirror(graph, mirror)).toEqual([]);
    expect(imagesOfObjects(graph).map((each) => each.image)).toContain(
      `mirror.example/all/${listed?.image ?? ""}`,
    );
  });

  it("cannot redirect a chart whose images nobody listed, and says so", async () => {
    expect(outsideMirror(await release("gpu-operator"), mirror)).toEqual([
      "addon-release brings images nobody has listed, so they cannot be redirected",
    ]);
  });

  it("reports a value of a chart that somebody set back", async () => {
    const graph = await release("loki");
    const nodes = graph.nodes.map((node) =>
      node.type === RELEASE
        ? { ...node, inputs: { ...node.inputs, values: { loki: { image: { registry: "docker.io" } } } } }
        : node,
    );
    expect(outsideMirror({ ...graph, nodes }, mirror)).toEqual([
      "addon-release takes the image of value loki.image.registry from elsewhere than mirror.example/all",
      "addon-release takes the image of value sidecar.image.repository from elsewhere than mirror.example/all",
    ]);
  });

  it("rewrites what is only known later, and reports an image nobody knows", async () => {
    const pod = (name: string, image: pulumi.Input<string>): k8s.core.v1.Pod =>
      new k8s.core.v1.Pod(name, { spec: { containers: [{ name: "c", image }] } });
    const graph = await capture({
      stack: "s",
      program: () => {
        takeFromMirror(mirror);
        pod("later", pulumi.output(Promise.resolve("quay.io/a:1")));
        const namespace = new k8s.core.v1.Namespace("n", {});
        pod("unknown", namespace.status.phase);
      },
    });
    expect(imagesOfObjects(graph).map(({ image }) => image)).toEqual(["mirror.example/all/quay.io/a:1"]);
    expect(outsideMirror(graph, mirror)).toEqual([
      "unknown names its image (spec.containers[0].image) only after deployment, so nobody can tell where from",
    ]);
  });
});
