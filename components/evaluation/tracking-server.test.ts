import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { ofType, type ResourceGraph } from "../../graph/graph.ts";
import { SECRET, valueAt } from "../../graph/values.ts";
import { CHART_NAMESPACE_LABEL } from "../policy/chart-namespace.ts";
import { capture } from "../../plan/capture.ts";
import { typeCounts } from "../../plan/plan.ts";
import { TrackingServer, WRITE_AUTH_FILE, type TrackingServerArgs } from "./tracking-server.ts";

const HEX = "a".repeat(64);
const args: TrackingServerArgs = {
  image: `registry.example/mlflow:v3.12.0-full@sha256:${HEX}`,
  database: { uri: { name: "mlflow-database", key: "uri" }, cidr: "10.20.0.0/16", port: 5432 },
  artifacts: {
    location: { kind: "s3", bucket: "acme-prod-mlflow-1", region: "eu-south-2" },
    identity: [{ cidr: "169.254.170.23/32", port: 80 }],
    ready: [],
  },
  labels: { "llmops.io/client": "acme" },
};

const graphOf = (): Promise<ResourceGraph> =>
  capture({ stack: "test", program: () => new TrackingServer("m", args, {}) });

describe("TrackingServer", () => {
  it("consists of exactly these resources", async () => {
    const { nodes } = await graphOf();
    expect(Object.fromEntries(typeCounts(nodes.filter(({ custom }) => custom)))).toEqual({
      "kubernetes:core/v1:Namespace": 1,
      "kubernetes:core/v1:Secret": 1,
      "kubernetes:core/v1:ServiceAccount": 1,
      "kubernetes:helm.sh/v3:Release": 1,
      "kubernetes:networking.k8s.io/v1:NetworkPolicy": 3,
      "pulumi:providers:random": 1,
      "random:index/randomPassword:RandomPassword": 2,
    });
  });

  it("runs the image of the stack behind a login, with runs in Postgres and artifacts in the bucket", async () => {
    const [release] = ofType(await graphOf(), "kubernetes:helm.sh/v3:Release");
    expect(release?.inputs).toMatchObject({
      chart: "oci://ghcr.io/mlflow/charts/mlflow",
      version: "0.1.1",
      namespace: "mlflow",
    });
    const values = valueAt(release?.inputs ?? {}, "values");
    expect(values).toMatchObject({
      image: { repository: "registry.example/mlflow:v3.12.0-full@sha256", tag: HEX },
      replicaCount: 1,
      serviceAccount: { create: false, name: "mlflow", automountServiceAccountToken: false },
      server: {
        value_options: {
          host: "0.0.0.0",
          port: 5000,
          workers: 2,
          app_name: "basic-auth",
          allowed_hosts:
            "mlflow:5000,mlflow.mlflow.svc:5000,mlflow.mlflow.svc.cluster.local:5000,localhost:5000",
        },
      },
      mlflow: {
        backendStoreUriFrom: { secretKeyRef: { name: "mlflow-database", key: "uri" } },
        artifactsDestination: "s3://acme-prod-mlflow-1/artifacts",
      },
      extraInitContainers: [
        {
          image: args.image,
          securityContext: {
            allowPrivilegeEscalation: false,
            readOnlyRootFilesystem: true,
            capabilities: { drop: ["ALL"] },
          },
        },
      ],
    });
    expect(valueAt(values ?? null, "env")).toEqual([
      { name: "MLFLOW_AUTH_CONFIG_PATH", value: "/auth/basic_auth.ini" },
      {
        name: "MLFLOW_FLASK_SERVER_SECRET_KEY",
        valueFrom: { secretKeyRef: { name: "mlflow-auth", key: "flask-key" } },
      },
      { name: "MLFLOW_DISABLE_TELEMETRY", value: "true" },
    ]);
  });

  it("is in a namespace that admission policies leave out, because its chart knows none of their labels", async () => {
    const [namespace] = ofType(await graphOf(), "kubernetes:core/v1:Namespace");
    expect(valueAt(namespace?.inputs ?? {}, "metadata.labels")).toMatchObject(CHART_NAMESPACE_LABEL);
  });

  it("has passwords that are made and secret, never a default", async () => {
    const graph = await graphOf();
    const [secret] = ofType(graph, "kubernetes:core/v1:Secret");
    expect(valueAt(secret?.inputs ?? {}, "stringData")).toEqual(SECRET);
    expect(
      ofType(graph, "random:index/randomPassword:RandomPassword").map(({ inputs }) => inputs["length"]),
    ).toEqual([32, 64]);
    expect(JSON.stringify(graph.nodes)).not.toContain("password1234");
  });

  it("lets in its clients and Grafana, and reaches names, Postgres, the bucket and the agent of identities", async () => {
    const policies = ofType(await graphOf(), "kubernetes:networking.k8s.io/v1:NetworkPolicy");
    const spec = (suffix: string): unknown =>
      policies.find(({ name }) => name === `m-${suffix}`)?.inputs["spec"];
    expect(spec("default-deny")).toEqual({ podSelector: {}, policyTypes: ["Ingress", "Egress"] });
    expect(spec("clients")).toEqual({
      podSelector: {},
      policyTypes: ["Ingress"],
      ingress: [
        {
          from: [
            { namespaceSelector: { matchLabels: { "llmops.io/mlflow-client": "true" } } },
            { namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "monitoring" } } },
          ],
          ports: [{ protocol: "TCP", port: 5000 }],
        },
      ],
    });
    expect(spec("stores")).toMatchObject({
      policyTypes: ["Egress"],
      egress: [
        { ports: [{ port: 53 }, { port: 53 }] },
        { to: [{ ipBlock: { cidr: "10.20.0.0/16" } }], ports: [{ port: 5432 }] },
        { to: [{ ipBlock: { cidr: "0.0.0.0/0" } }], ports: [{ port: 443 }] },
        { to: [{ ipBlock: { cidr: "169.254.170.23/32" } }], ports: [{ port: 80 }] },
      ],
    });
  });
});

describe("the file of accounts", () => {
  it("says to Python what was meant, percent signs included, and lets nobody see what they were not given", () => {
    const folder = mkdtempSync(join(tmpdir(), "llmops-auth-"));
    const file = join(folder, "auth.ini");
    try {
      execFileSync("python3", ["-c", WRITE_AUTH_FILE], {
        env: {
          PATH: process.env["PATH"],
          MLFLOW_AUTH_CONFIG_PATH: file,
          MLFLOW_BACKEND_STORE_URI: "postgresql://u:p%40ss@db/mlflow",
          ADMIN_PASSWORD: "100%",
        },
      });
      const read =
        "import configparser, json, sys; c = configparser.ConfigParser(); c.read(sys.argv[1]); print(json.dumps(dict(c['mlflow'])))";
      expect(JSON.parse(execFileSync("python3", ["-c", read, file], { encoding: "utf8" }))).toEqual({
        default_permission: "NO_PERMISSIONS",
        database_uri: "postgresql://u:p%40ss@db/mlflow",
        admin_username: "admin",
        admin_password: "100%",
        authorization_function: "mlflow.server.auth:authenticate_request_basic_auth",
      });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
