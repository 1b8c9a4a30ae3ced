import type * as pulumi from "@pulumi/pulumi";
import { stringify } from "yaml";
import { MONITORING_NAMESPACE } from "../address.ts";
import type { ObjectStore, ObjectStoreLocation } from "../../storage/object-store.ts";
import { PLATFORM_SERIES, type SentSeries } from "./series.ts";

/** Reference to a key of a Secret in the namespace of Prometheus. */
export interface SecretKey {
  readonly name: string;
  readonly key: string;
}

/** How Prometheus says who it is to a server that takes remote write. */
export type RemoteWriteAuthorization =
  | { readonly kind: "basic"; readonly username: SecretKey; readonly password: SecretKey }
  | { readonly kind: "bearer"; readonly token: SecretKey }
  /** Signed with the role of its pod. */
  | { readonly kind: "sigv4"; readonly region: string };

/** Limits of sending, of each Prometheus. */
export interface SendingQueue {
  /** Most connections at the same time. */
  readonly maxShards: number;
  readonly maxSamplesPerSend: number;
}

/** Where metrics go besides the volumes of Prometheus. */
export type MetricsBackend =
  | { readonly kind: "local" }
  | {
      readonly kind: "remote-write";
      readonly url: pulumi.Input<string>;
      readonly authorization: RemoteWriteAuthorization;
      readonly series: SentSeries;
      readonly queue: SendingQueue;
      readonly ready: readonly pulumi.Resource[];
    }
  | {
      readonly kind: "google-managed";
      /** Google's build of Prometheus: `<registry>/<repository>:v<version>@sha256:<digest>`. */
      readonly image: string;
      readonly projectId: string;
      /** Region of the cluster. */
      readonly location: string;
      readonly series: SentSeries;
      readonly ready: readonly pulumi.Resource[];
    }
  | {
      readonly kind: "thanos";
      readonly image: string;
      readonly store: ObjectStore;
      readonly retentionDays: number;
      /** Volume of the compactor, GiB. */
      readonly volumeGiB: number;
    };

/** Key of the Secret that says where Thanos keeps its blocks. */
export const THANOS_STORE_SECRET = { name: "thanos-object-store", key: "objstore.yaml" } as const;

/** Objects of a bucket as Thanos is told where they are. @see https://thanos.io/tip/thanos/storage.md */
export function objectStoreConfig(location: ObjectStoreLocation): object {
  switch (location.kind) {
    case "s3":
      return {
        type: "S3",
        config: {
          bucket: location.bucket,
          endpoint: `s3.${location.region}.amazonaws.com`,
          region: location.region,
          // The identity of the pod; no key is anywhere.
          aws_sdk_auth: true,
        },
      };
    case "gcs":
      return { type: "GCS", config: { bucket: location.bucket } };
  }
}

/** Data of that Secret; it holds no credential, but the operator reads it from a Secret. */
export function thanosStoreData({ location }: ObjectStore): Record<string, string> {
  return { [THANOS_STORE_SECRET.key]: stringify(objectStoreConfig(location)) };
}

/** Lease by which the two Prometheus agree who exports. */
export const EXPORT_LEASE = "prometheus-export";

/** Requests a shard holds in memory; Prometheus recommends three to ten of one send. @see https://prometheus.io/docs/practices/remote_write/ */
const SENDS_IN_MEMORY = 5;

function authorizationFields(authorization: RemoteWriteAuthorization): object {
  switch (authorization.kind) {
    case "basic":
      return { basicAuth: { username: authorization.username, password: authorization.password } };
    case "bearer":
      return { authorization: { type: "Bearer", credentials: authorization.token } };
    case "sigv4":
      return { sigv4: { region: authorization.region } };
  }
}

function remoteWrite({
  url,
  authorization,
  series,
  queue,
}: Extract<MetricsBackend, { kind: "remote-write" }>): object {
  return {
    url,
    name: "platform",
    ...authorizationFields(authorization),
    queueConfig: {
      capacity: queue.maxSamplesPerSend * SENDS_IN_MEMORY,
      maxShards: queue.maxShards,
      maxSamplesPerSend: queue.maxSamplesPerSend,
    },
    ...(series === "all"
      ? {}
      : {
          writeRelabelConfigs: [{ sourceLabels: ["__name__"], regex: PLATFORM_SERIES, action: "keep" }],
        }),
  };
}

/**
 * Image of Prometheus as the chart's values name its parts.
 * @throws RangeError when it is not `<registry>/<repository>:v<version>@sha256:<digest>`
 */
function imageValues(image: string): { image: object; version: string } {
  const parts = /^([^/]+)\/([^:@]+):((v\d+\.\d+\.\d+)[^@]*)@sha256:([0-9a-f]{64})$/.exec(image);
  const [, registry, repository, tag, version, sha] = parts ?? [];
  if (version === undefined) throw new RangeError(`'${image}' names no version and digest of Prometheus`);
  return { image: { registry, repository, tag, sha }, version };
}

/**
 * Fields of the Prometheus resource that a backend needs.
 * @param cluster name of the cluster, on every series that leaves it
 * @see https://prometheus-operator.dev/docs/api-reference/api/
 */
export function prometheusFields(backend: MetricsBackend, cluster: string): Record<string, unknown> {
  const externalLabels = { cluster };
  switch (backend.kind) {
    case "local":
      return {};
    case "remote-write":
      return {
        externalLabels,
        // Amazon, Mimir and Cortex keep one of two replicas by this pair of labels.
        replicaExternalLabelName: "__replica__",
        remoteWrite: [remoteWrite(backend)],
      };
    case "google-managed":
      return {
        ...imageValues(backend.image),
        externalLabels,
        // One of the two exports at a time, and what it exports must not say which.
        replicaExternalLabelNameClear: true,
        prometheusExternalLabelNameClear: true,
        additionalArgs: [
          { name: "export.label.project-id", value: backend.projectId },
          { name: "export.label.location", value: backend.location },
          { name: "export.label.cluster", value: cluster },
          { name: "export.ha.backend", value: "kube" },
          { name: "export.ha.kube.namespace", value: MONITORING_NAMESPACE },
          { name: "export.ha.kube.name", value: EXPORT_LEASE },
          ...(backend.series === "all"
            ? []
            : [{ name: "export.match", value: `{__name__=~"${PLATFORM_SERIES}"}` }]),
        ],
      };
    case "thanos":
      return {
        externalLabels,
        thanos: {
          image: backend.image,
          objectStorageConfig: { existingSecret: THANOS_STORE_SECRET },
        },
      };
  }
}
