import { beforeAll, describe, expect, it } from "vitest";
import {
  prometheusFields,
  type MetricsBackend,
  type RemoteWriteAuthorization,
} from "../../components/observability/metrics/backend.ts";
import { definitionsOf, DEFINITION_SOURCES } from "./cluster/custom-resources.ts";
import { strangers, type FieldSchema } from "./cluster/definition-fields.ts";

/** The Prometheus resource as the chart writes it from its values. */
function resourceOf(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const { image, thanos, replicaExternalLabelNameClear, prometheusExternalLabelNameClear, ...rest } = fields;
  const parts = image as { registry: string; repository: string; tag: string; sha: string } | undefined;
  const sidecar = thanos as
    { objectStorageConfig: { existingSecret: { name: string; key: string } }; image: string } | undefined;
  return {
    ...rest,
    ...(parts === undefined
      ? {}
      : { image: `${parts.registry}/${parts.repository}:${parts.tag}@sha256:${parts.sha}` }),
    ...(sidecar === undefined
      ? {}
      : { thanos: { ...sidecar, objectStorageConfig: sidecar.objectStorageConfig.existingSecret } }),
    ...(replicaExternalLabelNameClear === true ? { replicaExternalLabelName: "" } : {}),
    ...(prometheusExternalLabelNameClear === true ? { prometheusExternalLabelName: "" } : {}),
  };
}

const secret = { name: "metrics", key: "token" };
const GMP = `gke.gcr.io/prometheus-engine/prometheus:v2.53.5-gmp.4-gke.0@sha256:${"a".repeat(64)}`;

function remote(authorization: RemoteWriteAuthorization): MetricsBackend {
  return {
    kind: "remote-write",
    url: "https://metrics.example/push",
    authorization,
    series: "platform",
    queue: { maxShards: 20, maxSamplesPerSend: 1_000 },
    ready: [],
  };
}

function google(image: string): MetricsBackend {
  return {
    kind: "google-managed",
    image,
    projectId: "acme",
    location: "europe-west1",
    series: "platform",
    ready: [],
  };
}

const BACKENDS: readonly MetricsBackend[] = [
  { kind: "local" },
  remote({ kind: "basic", username: secret, password: secret }),
  remote({ kind: "bearer", token: secret }),
  remote({ kind: "sigv4", region: "eu-west-1" }),
  google(GMP),
  {
    kind: "thanos",
    image: `quay.io/thanos/thanos:v0.41.0@sha256:${"b".repeat(64)}`,
    store: { location: { kind: "gcs", bucket: "b" }, identity: [], ready: [] },
    retentionDays: 400,
    volumeGiB: 50,
  },
];

let spec: FieldSchema;

beforeAll(() => {
  const source = DEFINITION_SOURCES.find(({ module }) => module.endsWith("/prometheus-operator"));
  const definition = (source === undefined ? [] : definitionsOf(source)).find(
    ({ metadata }) => metadata.name === "prometheuses.monitoring.coreos.com",
  );
  const { versions } = definition?.["spec"] as {
    versions: { schema: { openAPIV3Schema: FieldSchema } }[];
  };
  const found = versions[0]?.schema.openAPIV3Schema.properties?.["spec"];
  if (found === undefined) throw new Error("the operator's module defines no Prometheus");
  spec = found;
}, 300_000);

describe("the Prometheus of each place metrics go to", () => {
  it.each(BACKENDS)("$kind has only fields the operator knows, with their types", (backend) => {
    expect(strangers(resourceOf(prometheusFields(backend, "acme-prod")), spec, "spec")).toEqual([]);
  });

  it.each([
    [{ remoteWrite: [{ name: "x" }] }, ["spec.remoteWrite[0].url is missing"]],
    [{ remoteWrites: [] }, ["spec.remoteWrites does not exist"]],
    [
      { remoteWrite: [{ url: "https://x", queueConfig: { maxShards: "9" } }] },
      ["spec.remoteWrite[0].queueConfig.maxShards: string, not integer"],
    ],
  ])("finds what the operator would not take: %j", (fields, problems) => {
    expect(strangers(fields, spec, "spec")).toEqual(problems);
  });

  it("refuses an image of Google's Prometheus without version or digest", () => {
    for (const image of ["gke.gcr.io/p:v2.53.5", GMP.replace(":v2.53.5", ":latest")])
      expect(() => prometheusFields(google(image), "c")).toThrow(
        `'${image}' names no version and digest of Prometheus`,
      );
  });
});
