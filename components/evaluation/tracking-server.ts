import * as k8s from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";
import { chartImage } from "../addon/chart-image.ts";
import { HelmAddon } from "../addon/helm-addon.ts";
import { LlmopsComponent, type ComponentOptions } from "../component.ts";
import { podSecurityLabels } from "../pod-security.ts";
import { CHART_NAMESPACE_LABEL } from "../policy/chart-namespace.ts";
import { restrictedContainer } from "../restricted.ts";
import type { ObjectStore, ObjectStoreLocation } from "../storage/object-store.ts";
import { MLFLOW_ACCOUNT, MLFLOW_ADMIN, MLFLOW_NAMESPACE, MLFLOW_PORT } from "./address.ts";
import { trackingPolicies } from "./tracking-network.ts";

/** MLflow of one cluster. */
export interface TrackingServerArgs {
  /** Image with the drivers of Postgres and of the object store, pinned by digest. */
  readonly image: string;
  readonly database: {
    /** Secret in the namespace `mlflow` that somebody else fills: `postgresql://<user>:<password>@<host>/<database>`. */
    readonly uri: { readonly name: string; readonly key: string };
    /** Network Postgres is in. */
    readonly cidr: string;
    readonly port: number;
  };
  /** Where artifacts go; the server waits for it. */
  readonly artifacts: ObjectStore;
  readonly labels: Readonly<Record<string, string>>;
}

const AUTH_SECRET = "mlflow-auth";
const AUTH_FOLDER = "/auth";
const AUTH_FILE = `${AUTH_FOLDER}/basic_auth.ini`;

/** Names the server answers to; any other `Host` is refused. */
const HOSTS = [
  `mlflow:${MLFLOW_PORT}`,
  `mlflow.${MLFLOW_NAMESPACE}.svc:${MLFLOW_PORT}`,
  `mlflow.${MLFLOW_NAMESPACE}.svc.cluster.local:${MLFLOW_PORT}`,
  `localhost:${MLFLOW_PORT}`,
];

/**
 * Program that writes the file of MLflow's basic-auth app: accounts are in the same database, nobody may see anything that nobody
 * gave them, and a percent sign of the address means itself.
 */
export const WRITE_AUTH_FILE = [
  "import configparser, os",
  "plain = lambda name: os.environ[name].replace('%', '%%')",
  "file = configparser.RawConfigParser()",
  `file['mlflow'] = {'default_permission': 'NO_PERMISSIONS', 'database_uri': plain('MLFLOW_BACKEND_STORE_URI'), 'admin_username': '${MLFLOW_ADMIN}', 'admin_password': plain('ADMIN_PASSWORD'), 'authorization_function': 'mlflow.server.auth:authenticate_request_basic_auth'}`,
  "file.write(open(os.environ['MLFLOW_AUTH_CONFIG_PATH'], 'w'))",
].join("\n");

/** Folder of a bucket as MLflow is told where it is. */
function artifactsUri({ kind, bucket }: ObjectStoreLocation): string {
  return `${kind === "s3" ? "s3" : "gs"}://${bucket}/artifacts`;
}

function fromSecret(name: string, secret: string, key: string): object {
  return { name, valueFrom: { secretKeyRef: { name: secret, key } } };
}

/**
 * MLflow as tracking server and model registry: runs in Postgres, artifacts in an object store, a login whose password only the
 * state of the stack and one Secret hold, and a namespace that only its clients enter.
 */
export class TrackingServer extends LlmopsComponent {
  /** Password of the administrator, for clients in other namespaces. */
  readonly adminPassword: pulumi.Output<string>;
  /** Clients wait for it. */
  readonly chart: HelmAddon;

  constructor(name: string, args: TrackingServerArgs, opts: ComponentOptions) {
    super("evaluation", "TrackingServer", name, opts);
    const namespace = this.#namespace(args);
    const inside = { parent: this, dependsOn: namespace };
    const { admin, flask } = this.#passwords();
    this.adminPassword = admin;
    const secret = new k8s.core.v1.Secret(
      this.childName("auth"),
      {
        metadata: { name: AUTH_SECRET, namespace: MLFLOW_NAMESPACE, labels: args.labels },
        stringData: { password: admin, "flask-key": flask },
      },
      inside,
    );
    const account = new k8s.core.v1.ServiceAccount(
      this.childName("account"),
      {
        metadata: { name: MLFLOW_ACCOUNT, namespace: MLFLOW_NAMESPACE, labels: args.labels },
        automountServiceAccountToken: false,
      },
      inside,
    );
    this.chart = new HelmAddon(
      this.childName("chart"),
      { chart: "mlflow", namespace: MLFLOW_NAMESPACE, values: chartValues(args) },
      { parent: this, dependsOn: [secret, account, ...args.artifacts.ready] },
    );
    this.registerOutputs({});
  }

  #namespace({ database, artifacts, labels }: TrackingServerArgs): k8s.core.v1.Namespace {
    const namespace = new k8s.core.v1.Namespace(
      this.childName("namespace"),
      {
        metadata: {
          name: MLFLOW_NAMESPACE,
          labels: {
            ...labels,
            ...CHART_NAMESPACE_LABEL,
            ...podSecurityLabels("restricted"),
          },
        },
      },
      { parent: this },
    );
    const policies = trackingPolicies({ database, identity: artifacts.identity });
    for (const [suffix, spec] of Object.entries(policies))
      new k8s.networking.v1.NetworkPolicy(
        this.childName(suffix),
        { metadata: { name: suffix, namespace: MLFLOW_NAMESPACE, labels }, spec },
        { parent: this, dependsOn: namespace },
      );
    return namespace;
  }

  /** Passwords that are made once; an own provider, so that the offline plan shows everything the engine creates. */
  #passwords(): { readonly admin: pulumi.Output<string>; readonly flask: pulumi.Output<string> } {
    const provider = new random.Provider(this.childName("randomness"), {}, { parent: this });
    const make = (suffix: string, length: number): pulumi.Output<string> =>
      new random.RandomPassword(
        this.childName(`${suffix}-password`),
        { length, special: false },
        { parent: this, provider },
      ).result;
    return { admin: make("admin", 32), flask: make("flask", 64) };
  }
}

function chartValues({ image, database, artifacts, labels }: TrackingServerArgs): Record<string, unknown> {
  const mount = { name: "auth", mountPath: AUTH_FOLDER };
  const file = { name: "MLFLOW_AUTH_CONFIG_PATH", value: AUTH_FILE };
  return {
    image: chartImage(image),
    podLabels: labels,
    server: {
      value_options: {
        host: "0.0.0.0",
        port: MLFLOW_PORT,
        workers: 2,
        app_name: "basic-auth",
        allowed_hosts: HOSTS.join(","),
      },
    },
    mlflow: {
      backendStoreUriFrom: { secretKeyRef: database.uri },
      artifactsDestination: artifactsUri(artifacts.location),
    },
    env: [
      file,
      fromSecret("MLFLOW_FLASK_SERVER_SECRET_KEY", AUTH_SECRET, "flask-key"),
      { name: "MLFLOW_DISABLE_TELEMETRY", value: "true" },
    ],
    extraVolumes: [{ name: "auth", emptyDir: { medium: "Memory", sizeLimit: "1Mi" } }],
    extraVolumeMounts: [{ ...mount, readOnly: true }],
    extraInitContainers: [
      {
        name: "accounts",
        image,
        command: ["python", "-c", WRITE_AUTH_FILE],
        env: [
          file,
          fromSecret("MLFLOW_BACKEND_STORE_URI", database.uri.name, database.uri.key),
          fromSecret("ADMIN_PASSWORD", AUTH_SECRET, "password"),
        ],
        resources: { requests: { cpu: "50m", memory: "64Mi" }, limits: { memory: "128Mi" } },
        securityContext: restrictedContainer(),
        volumeMounts: [mount],
      },
    ],
  };
}
