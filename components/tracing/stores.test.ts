import { describe, expect, it } from "vitest";
import type { ObjectStore } from "../storage/object-store.ts";
import { lokiStorage, tempoStorage, type TelemetryStorage } from "./stores.ts";
import { telemetryPolicies } from "./telemetry-namespace.ts";

function bucket(location: ObjectStore["location"]): TelemetryStorage {
  return { kind: "bucket", store: { location, identity: [], ready: [] } };
}

const ON_AWS = bucket({ kind: "s3", bucket: "acme-prod-traces-1", region: "eu-south-2" });
const ON_GOOGLE = bucket({ kind: "gcs", bucket: "globex-prod-traces-p" });

describe("a store of telemetry", () => {
  it("keeps everything on its volume, or is told its bucket and no credential", () => {
    expect(tempoStorage({ kind: "volume" })).toEqual({});
    expect(tempoStorage(ON_AWS)).toEqual({
      trace: {
        backend: "s3",
        s3: { bucket: "acme-prod-traces-1", region: "eu-south-2", endpoint: "s3.eu-south-2.amazonaws.com" },
      },
    });
    expect(tempoStorage(ON_GOOGLE)).toEqual({
      trace: { backend: "gcs", gcs: { bucket_name: "globex-prod-traces-p" } },
    });
    const names = (name: string): object => ({ chunks: name, ruler: name, admin: name });
    expect(lokiStorage({ kind: "volume" })).toEqual({
      objectStore: "filesystem",
      values: { type: "filesystem" },
    });
    expect(lokiStorage(ON_AWS)).toEqual({
      objectStore: "s3",
      values: { type: "s3", bucketNames: names("acme-prod-traces-1"), s3: { region: "eu-south-2" } },
    });
    expect(lokiStorage(ON_GOOGLE)).toEqual({
      objectStore: "gcs",
      values: { type: "gcs", bucketNames: names("globex-prod-traces-p") },
    });
  });

  it("has a way to its bucket and its identity only where it has a bucket", () => {
    expect(Object.keys(telemetryPolicies({ outside: "none" }))).toEqual([
      "default-deny",
      "inside",
      "senders",
      "readers",
    ]);
    const { buckets } = telemetryPolicies({
      outside: "none",
      buckets: { identity: [{ cidr: "169.254.170.23/32", port: 80 }] },
    });
    expect(buckets).toEqual({
      podSelector: {
        matchExpressions: [{ key: "app.kubernetes.io/name", operator: "In", values: ["tempo", "loki"] }],
      },
      policyTypes: ["Egress"],
      egress: [
        { to: [{ ipBlock: { cidr: "0.0.0.0/0" } }], ports: [{ protocol: "TCP", port: 443 }] },
        { to: [{ ipBlock: { cidr: "169.254.170.23/32" } }], ports: [{ protocol: "TCP", port: 80 }] },
      ],
    });
  });
});
