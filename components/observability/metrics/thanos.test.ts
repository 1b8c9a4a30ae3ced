import { parse } from "yaml";
import { describe, expect, it } from "vitest";
import { ofType, type ResourceGraph } from "../../../graph/graph.ts";
import { valueAt } from "../../../graph/values.ts";
import { capture } from "../../../plan/capture.ts";
import { thanosStoreData } from "./backend.ts";
import { Thanos, thanosPolicies, type ThanosArgs } from "./thanos.ts";

const args: ThanosArgs = {
  kind: "thanos",
  image: `quay.io/thanos/thanos:v0.41.0@sha256:${"a".repeat(64)}`,
  store: {
    location: { kind: "s3", bucket: "acme-prod-metrics-1", region: "eu-south-2" },
    identity: [{ cidr: "169.254.170.23/32", port: 80 }],
    ready: [],
  },
  retentionDays: 400,
  volumeGiB: 70,
  labels: { "llmops.io/client": "acme" },
};

function graphOf(): Promise<ResourceGraph> {
  return capture({ stack: "test", program: () => new Thanos("t", args, {}) });
}

describe("Thanos", () => {
  it("runs one compactor, which deletes after the retention, a reader and two queriers", async () => {
    const graph = await graphOf();
    const workloads = [
      ...ofType(graph, "kubernetes:apps/v1:StatefulSet"),
      ...ofType(graph, "kubernetes:apps/v1:Deployment"),
    ].map(({ inputs }) => [
      valueAt(inputs, "metadata.name"),
      valueAt(inputs, "spec.replicas"),
      valueAt(inputs, "spec.template.spec.serviceAccountName"),
      valueAt(inputs, "spec.template.spec.containers.0.args"),
    ]);
    const bucket = ["--data-dir=/data", "--objstore.config-file=/etc/thanos/objstore.yaml"];
    expect(workloads).toEqual([
      [
        "thanos-compactor",
        1,
        "thanos-compactor",
        [
          "compact",
          "--wait",
          ...bucket,
          "--http-address=0.0.0.0:10902",
          "--retention.resolution-raw=400d",
          "--retention.resolution-5m=400d",
          "--retention.resolution-1h=400d",
        ],
      ],
      [
        "thanos-store",
        1,
        "thanos-store",
        ["store", ...bucket, "--grpc-address=0.0.0.0:10901", "--http-address=0.0.0.0:10902"],
      ],
      [
        "thanos-query",
        2,
        undefined,
        [
          "query",
          "--grpc-address=0.0.0.0:10901",
          "--http-address=0.0.0.0:10902",
          "--query.replica-label=prometheus_replica",
          "--endpoint=dnssrv+_grpc._tcp.kube-prometheus-stack-thanos-discovery.monitoring.svc.cluster.local",
          "--endpoint=dnssrv+_grpc._tcp.thanos-store.thanos.svc.cluster.local",
        ],
      ],
    ]);
  });

  it("is told its bucket and no credential", () => {
    const { location, ...store } = args.store;
    const told = (where: typeof location): unknown =>
      parse(thanosStoreData({ ...store, location: where })["objstore.yaml"] ?? "");
    expect(told(location)).toEqual({
      type: "S3",
      config: {
        bucket: "acme-prod-metrics-1",
        endpoint: "s3.eu-south-2.amazonaws.com",
        region: "eu-south-2",
        aws_sdk_auth: true,
      },
    });
    expect(told({ kind: "gcs", bucket: "b" })).toEqual({ type: "GCS", config: { bucket: "b" } });
  });

  it("is asked by Grafana's namespace only, and only what reads the bucket reaches it", () => {
    const { query, bucket, ...rest } = thanosPolicies(args);
    expect(Object.keys(rest)).toEqual(["default-deny", "inside"]);
    expect(query?.ingress).toEqual([
      {
        from: [{ namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "monitoring" } } }],
        ports: [{ protocol: "TCP", port: 10902 }],
      },
    ]);
    expect(bucket?.podSelector).toEqual({
      matchExpressions: [
        { key: "app.kubernetes.io/name", operator: "In", values: ["thanos-store", "thanos-compactor"] },
      ],
    });
    expect(bucket?.egress).toEqual([
      { to: [{ ipBlock: { cidr: "0.0.0.0/0" } }], ports: [{ protocol: "TCP", port: 443 }] },
      { to: [{ ipBlock: { cidr: "169.254.170.23/32" } }], ports: [{ protocol: "TCP", port: 80 }] },
    ]);
  });
});
