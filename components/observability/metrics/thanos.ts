import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { stringify } from "yaml";
import { clusterDns } from "../../cluster/dns.ts";
import { SYSTEM_NODE_LABEL } from "../../cluster/handle.ts";
import { LlmopsComponent, type ComponentOptions } from "../../component.ts";
import { podSecurityLabels } from "../../pod-security.ts";
import { tcp, toObjectStore } from "../../network-policy.ts";
import { restrictedContainer, restrictedPod } from "../../restricted.ts";
import { MONITORING_NAMESPACE, THANOS_ACCOUNTS, THANOS_NAMESPACE, THANOS_PORTS } from "../address.ts";
import { THANOS_STORE_SECRET, thanosStoreData, type MetricsBackend } from "./backend.ts";

/** What Thanos reads and keeps. */
export interface ThanosArgs extends Extract<MetricsBackend, { kind: "thanos" }> {
  readonly labels: Readonly<Record<string, string>>;
}

const USER = 1001;
const PORTS = THANOS_PORTS;
const QUERY = "thanos-query";

/** Cache of the reader of the bucket; it is rebuilt when lost. */
const STORE_CACHE_GIB = 10;

/** Service of the sidecars, which the chart names. */
const SIDECARS = "kube-prometheus-stack-thanos-discovery";

interface Part {
  readonly name: string;
  readonly args: readonly string[];
  readonly memory: string;
  /** Who it is at the bucket, and the volume it works on, GiB; absent for what reads no bucket. */
  readonly bucket?: { readonly account: string; readonly volumeGiB: number };
}

const LISTEN = [`--http-address=0.0.0.0:${PORTS.http}`];
const GRPC = `--grpc-address=0.0.0.0:${PORTS.grpc}`;
const FROM_BUCKET = ["--data-dir=/data", `--objstore.config-file=/etc/thanos/${THANOS_STORE_SECRET.key}`];

function endpointsOf(service: string, namespace: string): string {
  return `--endpoint=dnssrv+_grpc._tcp.${service}.${namespace}.svc.cluster.local`;
}

/** Merges what the sidecars wrote, thins it out, and deletes it after its time; one at most may run. */
function compactor({ retentionDays, volumeGiB }: ThanosArgs): Part {
  return {
    name: THANOS_ACCOUNTS.compactor,
    args: [
      "compact",
      "--wait",
      ...FROM_BUCKET,
      ...LISTEN,
      ...["raw", "5m", "1h"].map((resolution) => `--retention.resolution-${resolution}=${retentionDays}d`),
    ],
    memory: "1Gi",
    bucket: { account: THANOS_ACCOUNTS.compactor, volumeGiB },
  };
}

const STORE: Part = {
  name: THANOS_ACCOUNTS.store,
  args: ["store", ...FROM_BUCKET, GRPC, ...LISTEN],
  memory: "1Gi",
  bucket: { account: THANOS_ACCOUNTS.store, volumeGiB: STORE_CACHE_GIB },
};

/** Answers PromQL over both Prometheus and the bucket, each series once. */
const QUERIER: Part = {
  name: QUERY,
  args: [
    "query",
    GRPC,
    ...LISTEN,
    "--query.replica-label=prometheus_replica",
    endpointsOf(SIDECARS, MONITORING_NAMESPACE),
    endpointsOf(THANOS_ACCOUNTS.store, THANOS_NAMESPACE),
  ],
  memory: "512Mi",
};

function selectorOf({ name }: Part): Readonly<Record<string, string>> {
  return { "app.kubernetes.io/name": name };
}

/** Reader, compactor and querier of Thanos over a bucket that the sidecars of Prometheus fill, in a closed namespace. */
export class Thanos extends LlmopsComponent {
  constructor(name: string, args: ThanosArgs, opts: ComponentOptions) {
    super("observability", "Thanos", name, opts);
    const inside = { parent: this, dependsOn: this.#namespace(args) };
    new k8s.core.v1.Secret(
      this.childName("object-store"),
      {
        metadata: metadataOf(THANOS_STORE_SECRET.name, args),
        stringData: thanosStoreData(args.store),
      },
      inside,
    );
    this.#network(args, inside);
    for (const account of Object.values(THANOS_ACCOUNTS))
      new k8s.core.v1.ServiceAccount(
        this.childName(`account-${account}`),
        { metadata: metadataOf(account, args), automountServiceAccountToken: false },
        inside,
      );
    for (const part of [STORE, compactor(args), QUERIER]) this.#part(part, args, inside);
    this.#dataSource(args);
    this.registerOutputs({});
  }

  #namespace({ labels }: ThanosArgs): k8s.core.v1.Namespace {
    return new k8s.core.v1.Namespace(
      this.childName("namespace"),
      {
        metadata: {
          name: THANOS_NAMESPACE,
          labels: {
            ...labels,
            ...podSecurityLabels("restricted"),
          },
        },
      },
      { parent: this },
    );
  }

  #network(args: ThanosArgs, inside: pulumi.CustomResourceOptions): void {
    for (const [suffix, spec] of Object.entries(thanosPolicies(args)))
      new k8s.networking.v1.NetworkPolicy(
        this.childName(suffix),
        { metadata: metadataOf(suffix, args), spec },
        inside,
      );
  }

  #service(part: Part, args: ThanosArgs, inside: pulumi.CustomResourceOptions): void {
    new k8s.core.v1.Service(
      this.childName(`${part.name}-service`),
      {
        metadata: metadataOf(part.name, args),
        spec: {
          selector: selectorOf(part),
          ports: [
            { name: "grpc", port: PORTS.grpc, targetPort: "grpc" },
            { name: "http", port: PORTS.http, targetPort: "http" },
          ],
        },
      },
      inside,
    );
  }

  #part(part: Part, args: ThanosArgs, inside: pulumi.CustomResourceOptions): void {
    this.#service(part, args, inside);
    const { bucket } = part;
    if (bucket === undefined) this.#stateless(part, args, inside);
    else this.#stateful(part, bucket.volumeGiB, args, inside);
  }

  #stateful(part: Part, volumeGiB: number, args: ThanosArgs, inside: pulumi.CustomResourceOptions): void {
    new k8s.apps.v1.StatefulSet(
      this.childName(part.name),
      {
        metadata: metadataOf(part.name, args),
        spec: {
          serviceName: part.name,
          replicas: 1,
          selector: { matchLabels: selectorOf(part) },
          template: podTemplate(part, args),
          volumeClaimTemplates: [
            {
              metadata: { name: "data" },
              spec: {
                accessModes: ["ReadWriteOnce"],
                resources: { requests: { storage: `${volumeGiB}Gi` } },
              },
            },
          ],
        },
      },
      pulumi.mergeOptions(inside, { dependsOn: [...args.store.ready] }),
    );
  }

  #stateless(part: Part, args: ThanosArgs, inside: pulumi.CustomResourceOptions): void {
    new k8s.policy.v1.PodDisruptionBudget(
      this.childName(`${part.name}-disruption`),
      {
        metadata: metadataOf(part.name, args),
        spec: { maxUnavailable: 1, selector: { matchLabels: selectorOf(part) } },
      },
      inside,
    );
    new k8s.apps.v1.Deployment(
      this.childName(part.name),
      {
        metadata: metadataOf(part.name, args),
        spec: {
          replicas: 2,
          selector: { matchLabels: selectorOf(part) },
          template: podTemplate(part, args),
        },
      },
      inside,
    );
  }

  /** Grafana reads the long past from here; its own Prometheus stays the default. */
  #dataSource({ labels }: ThanosArgs): void {
    const source = {
      name: "Thanos",
      uid: "thanos",
      type: "prometheus",
      access: "proxy",
      url: `http://${QUERY}.${THANOS_NAMESPACE}.svc:${PORTS.http}`,
    };
    new k8s.core.v1.ConfigMap(
      this.childName("data-source"),
      {
        metadata: {
          name: "thanos-data-source",
          namespace: MONITORING_NAMESPACE,
          labels: { ...labels, grafana_datasource: "1" },
        },
        data: { "thanos.yaml": stringify({ apiVersion: 1, datasources: [source] }) },
      },
      { parent: this },
    );
  }
}

/** Policies of the namespace by name: closed in both directions, then one opening for each need. */
export function thanosPolicies({
  store,
}: Pick<ThanosArgs, "store">): Record<string, k8s.types.input.networking.v1.NetworkPolicySpec> {
  const everyPod = { podSelector: {} };
  const monitoring = {
    namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": MONITORING_NAMESPACE } },
  };
  return {
    "default-deny": { podSelector: {}, policyTypes: ["Ingress", "Egress"] },
    inside: {
      podSelector: {},
      policyTypes: ["Ingress", "Egress"],
      ingress: [{ from: [everyPod], ports: [tcp(PORTS.grpc)] }],
      egress: [clusterDns(), { to: [everyPod], ports: [tcp(PORTS.grpc)] }],
    },
    query: {
      podSelector: { matchLabels: { ...selectorOf(QUERIER) } },
      policyTypes: ["Ingress", "Egress"],
      ingress: [{ from: [monitoring], ports: [tcp(PORTS.http)] }],
      egress: [{ to: [monitoring], ports: [tcp(PORTS.grpc)] }],
    },
    bucket: {
      podSelector: {
        matchExpressions: [
          { key: "app.kubernetes.io/name", operator: "In", values: Object.values(THANOS_ACCOUNTS) },
        ],
      },
      policyTypes: ["Egress"],
      egress: toObjectStore(store.identity),
    },
  };
}

function metadataOf(name: string, { labels }: ThanosArgs): k8s.types.input.meta.v1.ObjectMeta {
  return { name, namespace: THANOS_NAMESPACE, labels: { ...labels, "app.kubernetes.io/name": name } };
}

function podTemplate(part: Part, { image, labels }: ThanosArgs): k8s.types.input.core.v1.PodTemplateSpec {
  return {
    metadata: { labels: { ...labels, ...selectorOf(part) } },
    spec: {
      ...(part.bucket === undefined ? {} : { serviceAccountName: part.bucket.account }),
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      nodeSelector: SYSTEM_NODE_LABEL,
      securityContext: { ...restrictedPod(USER), fsGroup: USER },
      containers: [container(part, image)],
      volumes:
        part.bucket === undefined
          ? []
          : [{ name: "object-store", secret: { secretName: THANOS_STORE_SECRET.name, defaultMode: 0o440 } }],
    },
  };
}

function container({ name, args, memory, bucket }: Part, image: string): k8s.types.input.core.v1.Container {
  const probe = (path: string): k8s.types.input.core.v1.Probe => ({
    httpGet: { path, port: "http" },
    periodSeconds: 10,
    failureThreshold: 6,
  });
  return {
    name,
    image,
    args: [...args],
    ports: [
      { name: "grpc", containerPort: PORTS.grpc },
      { name: "http", containerPort: PORTS.http },
    ],
    readinessProbe: probe("/-/ready"),
    livenessProbe: probe("/-/healthy"),
    resources: { requests: { cpu: "100m", memory }, limits: { memory } },
    securityContext: restrictedContainer(),
    volumeMounts:
      bucket === undefined
        ? []
        : [
            { name: "data", mountPath: "/data" },
            { name: "object-store", mountPath: "/etc/thanos", readOnly: true },
          ],
  };
}
