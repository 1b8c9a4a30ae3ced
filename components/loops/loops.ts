import * as k8s from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";
import * as tls from "@pulumi/tls";
import { chartImage } from "../addon/chart-image.ts";
import { HelmAddon } from "../addon/helm-addon.ts";
import { configurationHash } from "../configuration-hash.ts";
import { SYSTEM_NODE_LABEL } from "../cluster/handle.ts";
import { LlmopsComponent, refuse, type ComponentOptions } from "../component.ts";
import { podSecurityLabels } from "../pod-security.ts";
import { MLFLOW_CLIENT_LABEL } from "../evaluation/address.ts";
import {
  accountVariables,
  MLFLOW_ACCOUNT_SECRET,
  mlflowService,
  toMlflow,
} from "../evaluation/mlflow-client.ts";
import { MONITORING_NAMESPACE } from "../observability/address.ts";
import { ACCOUNT_FOLDER, LOOPS_NAMESPACE, LOOPS_TOKEN, WORKFLOWS_NAMESPACE } from "./address.ts";
import { CONTROLLER_RESTRAINT } from "./restraint.ts";
import {
  abortRules,
  CONTROLLER_RULES,
  EXECUTOR_RULES,
  WORKFLOWS_ACCOUNT,
  WORKFLOWS_RULES,
  type RoleRule,
} from "./roles.ts";
import { EXECUTOR_ACCOUNT, retrainTemplate, rollbackTemplate, type RetrainArgs } from "./templates.ts";
import { restrictedContainer, restrictedPod } from "../restricted.ts";
import { clusterDns } from "../cluster/dns.ts";
import { tcp } from "../network-policy.ts";

/** A model a loop may touch. */
export interface LoopModel {
  readonly name: string;
  readonly namespace: string;
}

/** Loops of one environment. */
export interface LoopsArgs {
  /** Image built from `loops/Dockerfile`, pinned by digest. */
  readonly image: string;
  /** Image `argoexec` of the chart's version, pinned by digest: Argo adds it to every step. */
  readonly executorImage: string;
  /** Configuration file of the controller, already checked; it holds no secret. */
  readonly configuration: string;
  /** Absent: no alert retrains. */
  readonly retrain?: RetrainArgs;
  /** Absent: no alert goes back. */
  readonly rollback?: Parameters<typeof rollbackTemplate>[0];
  /** Models delivered in steps: the only ones an abort says anything to. */
  readonly models: readonly LoopModel[];
  readonly labels: Readonly<Record<string, string>>;
}

/** Paths inside the container. */
export const LOOPS_PATHS = {
  configuration: "/etc/llmops-loops/loops.json",
  keys: "/var/run/llmops-loops",
  evidence: "/var/lib/llmops-loops/evidence.jsonl",
} as const;

/** Port of the controller. */
export const LOOPS_PORT = 8080;

const SELECTOR = { "app.kubernetes.io/name": "llmops-loops" } as const;
const USER = 65_532;

/**
 * Checks the arguments.
 * @throws pulumi.InputPropertyError naming the property.
 */
export function validateLoopsArgs({ image, executorImage, retrain }: LoopsArgs): void {
  const pinned = (propertyPath: string, value: string): void => {
    if (!/@sha256:[0-9a-f]{64}$/.test(value)) refuse(propertyPath, `'${value}' is not pinned by digest`);
  };
  pinned("image", image);
  pinned("executorImage", executorImage);
  // The chart takes host and path apart.
  if (!/^[^/]*[.:][^/]*\//.test(executorImage))
    refuse("executorImage", `'${executorImage}' does not name its registry`);
  if (retrain !== undefined) pinned("retrain.trainingImage", retrain.trainingImage);
}

/** Values of the chart for the containers it adds to a step: they pass the admission policies like every other container of it. */
function executorValues(image: string): object {
  const { repository: path, tag } = chartImage(image);
  const host = path.indexOf("/");
  return {
    image: { registry: path.slice(0, host), repository: path.slice(host + 1), tag },
    resources: { requests: { cpu: "50m", memory: "64Mi" }, limits: { memory: "128Mi" } },
    securityContext: {
      runAsNonRoot: true,
      allowPrivilegeEscalation: false,
      capabilities: { drop: ["ALL"] },
      seccompProfile: { type: "RuntimeDefault" },
    },
  };
}

/** Alerts that set something in motion: a controller that decides and records, and workflows that carry it out. */
export class Loops extends LlmopsComponent {
  /** What verifies the records, PEM. */
  readonly publicKeyPem: pulumi.Output<string>;

  /** @throws pulumi.InputPropertyError for invalid arguments */
  constructor(name: string, args: LoopsArgs, opts: ComponentOptions) {
    validateLoopsArgs(args);
    super("loops", "Loops", name, opts);
    const namespace = this.#namespace(args);
    const inside = { parent: this, dependsOn: namespace };
    const metadata = this.#metadata(args);
    const workflows = this.#workflows(args, namespace);
    this.publicKeyPem = this.#secrets(args, inside);
    this.#network(args, inside);
    this.#accounts(args, inside);
    const templates = {
      ...(args.retrain === undefined ? {} : { retrain: retrainTemplate(args.retrain) }),
      ...(args.rollback === undefined ? {} : { rollback: rollbackTemplate(args.rollback) }),
    };
    for (const [loop, spec] of Object.entries(templates))
      new k8s.apiextensions.CustomResource(
        this.childName(`template-${loop}`),
        { apiVersion: "argoproj.io/v1alpha1", kind: "WorkflowTemplate", metadata: metadata(loop), spec },
        { parent: this, dependsOn: workflows },
      );
    this.#restraint(args);
    this.#controller(args, inside);
    this.registerOutputs({ publicKeyPem: this.publicKeyPem });
  }

  #metadata({ labels }: LoopsArgs): (name: string) => k8s.types.input.meta.v1.ObjectMeta {
    return (name) => ({ name, namespace: LOOPS_NAMESPACE, labels: { ...labels, ...SELECTOR } });
  }

  #namespace({ retrain, labels }: LoopsArgs): k8s.core.v1.Namespace {
    return new k8s.core.v1.Namespace(
      this.childName("namespace"),
      {
        metadata: {
          name: LOOPS_NAMESPACE,
          labels: {
            ...labels,
            ...(retrain === undefined ? {} : MLFLOW_CLIENT_LABEL),
            ...podSecurityLabels("restricted"),
          },
        },
      },
      { parent: this },
    );
  }

  /** Argo Workflows, in a namespace of its own, with rights in that of the loops only. */
  #workflows({ executorImage }: LoopsArgs, managed: k8s.core.v1.Namespace): HelmAddon {
    const namespace = new k8s.core.v1.Namespace(
      this.childName("workflows-namespace"),
      { metadata: { name: WORKFLOWS_NAMESPACE, labels: podSecurityLabels("restricted") } },
      { parent: this },
    );
    return new HelmAddon(
      this.childName("workflows"),
      {
        chart: "argo-workflows",
        namespace: WORKFLOWS_NAMESPACE,
        values: { executor: executorValues(executorImage) },
      },
      { parent: this, dependsOn: [namespace, managed] },
    );
  }

  /**
   * The token of Alertmanager on both sides and the key that signs records, made once and kept in the encrypted state, and the account
   * that training logs in to MLflow with.
   */
  #secrets(args: LoopsArgs, inside: pulumi.CustomResourceOptions): pulumi.Output<string> {
    // Own providers, so that the offline plan shows everything the engine creates.
    const randomness = new random.Provider(this.childName("randomness"), {}, { parent: this });
    const certificates = new tls.Provider(this.childName("certificates"), {}, { parent: this });
    const token = new random.RandomPassword(
      this.childName("token"),
      { length: 48, special: false },
      { parent: this, provider: randomness },
    );
    const signing = new tls.PrivateKey(
      this.childName("signing"),
      { algorithm: "ED25519" },
      { parent: this, provider: certificates },
    );
    for (const namespace of [LOOPS_NAMESPACE, MONITORING_NAMESPACE])
      new k8s.core.v1.Secret(
        this.childName(`token-${namespace}`),
        {
          metadata: { name: LOOPS_TOKEN.name, namespace, labels: args.labels },
          stringData: { [LOOPS_TOKEN.key]: token.result },
        },
        inside,
      );
    new k8s.core.v1.Secret(
      this.childName("key"),
      {
        metadata: { name: "loops-key", namespace: LOOPS_NAMESPACE, labels: args.labels },
        stringData: { "signing.pem": signing.privateKeyPemPkcs8 },
      },
      inside,
    );
    const account = args.retrain?.mlflow.account;
    if (account !== undefined)
      new k8s.core.v1.Secret(
        this.childName("mlflow"),
        {
          metadata: { name: MLFLOW_ACCOUNT_SECRET, namespace: LOOPS_NAMESPACE, labels: args.labels },
          stringData: accountVariables(account),
        },
        inside,
      );
    return signing.publicKeyPem;
  }

  #network(args: LoopsArgs, inside: pulumi.CustomResourceOptions): void {
    const monitoring = {
      namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": MONITORING_NAMESPACE } },
    };
    const metadata = this.#metadata(args);
    const mlflow = args.retrain === undefined ? undefined : mlflowService(args.retrain.mlflow.url);
    new k8s.networking.v1.NetworkPolicy(
      this.childName("default-deny"),
      {
        metadata: metadata("default-deny"),
        spec: { podSelector: {}, policyTypes: ["Ingress", "Egress"] },
      },
      inside,
    );
    new k8s.networking.v1.NetworkPolicy(
      this.childName("ingress"),
      {
        metadata: metadata("loops-ingress"),
        spec: {
          podSelector: { matchLabels: SELECTOR },
          policyTypes: ["Ingress"],
          ingress: [{ from: [monitoring], ports: [tcp(LOOPS_PORT)] }],
        },
      },
      inside,
    );
    new k8s.networking.v1.NetworkPolicy(
      this.childName("egress"),
      {
        metadata: metadata("loops-egress"),
        spec: {
          podSelector: {},
          policyTypes: ["Egress"],
          egress: [
            clusterDns(),
            { to: [monitoring], ports: [tcp(9090)] },
            ...(mlflow === undefined ? [] : [toMlflow(mlflow)]),
            // The API server, the Git host, and a registry of models outside of the cluster.
            { to: [{ ipBlock: { cidr: "0.0.0.0/0" } }], ports: [tcp(443), tcp(6443)] },
          ],
        },
      },
      inside,
    );
  }

  #accounts(args: LoopsArgs, inside: pulumi.CustomResourceOptions): void {
    const metadata = this.#metadata(args);
    const account = (accountName: string): k8s.core.v1.ServiceAccount =>
      new k8s.core.v1.ServiceAccount(
        this.childName(`account-${accountName}`),
        // Argo writes only a `false` into a pod, so the account decides for the step that calls the API server.
        { metadata: metadata(accountName), automountServiceAccountToken: accountName === "loops-rollback" },
        inside,
      );
    for (const accountName of ["loops", "loops-retrain", "loops-rollback"]) account(accountName);
    this.#executorToken(args, account(EXECUTOR_ACCOUNT));
    const grant = (
      suffix: string,
      namespace: string,
      rules: readonly RoleRule[],
      subject: { readonly namespace: string; readonly name: string },
    ): void => {
      const named = { ...metadata(`loops-${suffix}`), namespace };
      new k8s.rbac.v1.Role(
        this.childName(`role-${suffix}`),
        {
          metadata: named,
          rules: rules.map(({ apiGroups, resources, verbs, resourceNames }) => ({
            apiGroups: [...apiGroups],
            resources: [...resources],
            verbs: [...verbs],
            ...(resourceNames === undefined ? {} : { resourceNames: [...resourceNames] }),
          })),
        },
        inside,
      );
      new k8s.rbac.v1.RoleBinding(
        this.childName(`binding-${suffix}`),
        {
          metadata: named,
          roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: `loops-${suffix}` },
          subjects: [{ kind: "ServiceAccount", ...subject }],
        },
        inside,
      );
    };
    const own = (accountName: string): { namespace: string; name: string } => ({
      namespace: LOOPS_NAMESPACE,
      name: accountName,
    });
    grant("controller", LOOPS_NAMESPACE, CONTROLLER_RULES, own("loops"));
    grant("executor", LOOPS_NAMESPACE, EXECUTOR_RULES, own(EXECUTOR_ACCOUNT));
    grant("workflows", LOOPS_NAMESPACE, WORKFLOWS_RULES, {
      namespace: WORKFLOWS_NAMESPACE,
      name: WORKFLOWS_ACCOUNT,
    });
    if (args.rollback === undefined) return;
    for (const tenant of new Set(args.models.map(({ namespace }) => namespace))) {
      const models = args.models.filter(({ namespace }) => namespace === tenant).map(({ name }) => name);
      grant(`abort-${tenant}`, tenant, abortRules(models), own("loops-rollback"));
    }
  }

  /**
   * Kubernetes makes no such Secret by itself any more, and without it no step's pod starts. It comes after its account: Kubernetes
   * deletes a token whose account is not there.
   */
  #executorToken(args: LoopsArgs, account: k8s.core.v1.ServiceAccount): void {
    const metadata = this.#metadata(args)(`${EXECUTOR_ACCOUNT}.service-account-token`);
    new k8s.core.v1.Secret(
      this.childName("executor-token"),
      {
        metadata: { ...metadata, annotations: { "kubernetes.io/service-account.name": EXECUTOR_ACCOUNT } },
        type: "kubernetes.io/service-account-token",
      },
      { parent: this, dependsOn: account },
    );
  }

  #restraint({ labels }: LoopsArgs): void {
    const metadata = { name: "llmops-loops-controller", labels: { ...labels } };
    const policy = new k8s.admissionregistration.v1.ValidatingAdmissionPolicy(
      this.childName("restraint"),
      { metadata, spec: CONTROLLER_RESTRAINT },
      { parent: this },
    );
    new k8s.admissionregistration.v1.ValidatingAdmissionPolicyBinding(
      this.childName("restraint-binding"),
      { metadata, spec: { policyName: metadata.name, validationActions: ["Deny"] } },
      { parent: this, dependsOn: policy },
    );
  }

  #controller(args: LoopsArgs, inside: pulumi.CustomResourceOptions): void {
    const metadata = this.#metadata(args);
    const configuration = new k8s.core.v1.ConfigMap(
      this.childName("configuration"),
      { metadata: metadata("loops"), data: { "loops.json": args.configuration } },
      inside,
    );
    new k8s.core.v1.Service(
      this.childName("service"),
      {
        metadata: metadata("loops"),
        spec: { selector: SELECTOR, ports: [{ name: "http", port: 80, targetPort: "http" }] },
      },
      inside,
    );
    new k8s.apps.v1.StatefulSet(
      this.childName("controller"),
      {
        metadata: metadata("loops"),
        spec: {
          serviceName: "loops",
          // One: decisions about the same cooldown must not be taken twice.
          replicas: 1,
          persistentVolumeClaimRetentionPolicy: { whenDeleted: "Retain", whenScaled: "Retain" },
          selector: { matchLabels: SELECTOR },
          template: {
            metadata: {
              labels: { ...args.labels, ...SELECTOR },
              // The controller reads its configuration once.
              annotations: { ...configurationHash(args.configuration) },
            },
            spec: controllerPod(args.image, configuration.metadata.name),
          },
          volumeClaimTemplates: [
            {
              metadata: { name: "evidence", labels: { ...args.labels } },
              spec: { accessModes: ["ReadWriteOncePod"], resources: { requests: { storage: "1Gi" } } },
            },
          ],
        },
      },
      inside,
    );
  }
}

function controllerPod(image: string, configuration: pulumi.Input<string>): k8s.types.input.core.v1.PodSpec {
  const probe = { httpGet: { path: "/healthz", port: "http" }, periodSeconds: 10 };
  return {
    serviceAccountName: "loops",
    // It creates workflows; this is the only pod with this account.
    automountServiceAccountToken: true,
    enableServiceLinks: false,
    nodeSelector: SYSTEM_NODE_LABEL,
    securityContext: { ...restrictedPod(USER), fsGroup: USER },
    containers: [
      {
        name: "loops",
        image,
        args: ["serve", `--config=${LOOPS_PATHS.configuration}`],
        env: [{ name: "NODE_EXTRA_CA_CERTS", value: `${ACCOUNT_FOLDER}/ca.crt` }],
        ports: [{ name: "http", containerPort: LOOPS_PORT }],
        readinessProbe: probe,
        livenessProbe: { ...probe, failureThreshold: 6 },
        resources: { requests: { cpu: "100m", memory: "256Mi" }, limits: { memory: "256Mi" } },
        securityContext: restrictedContainer(),
        volumeMounts: [
          { name: "configuration", mountPath: "/etc/llmops-loops", readOnly: true },
          { name: "token", mountPath: `${LOOPS_PATHS.keys}/token`, readOnly: true },
          { name: "key", mountPath: `${LOOPS_PATHS.keys}/key`, readOnly: true },
          { name: "evidence", mountPath: "/var/lib/llmops-loops" },
        ],
      },
    ],
    volumes: [
      { name: "configuration", configMap: { name: configuration } },
      { name: "token", secret: { secretName: LOOPS_TOKEN.name, defaultMode: 0o440 } },
      { name: "key", secret: { secretName: "loops-key", defaultMode: 0o440 } },
    ],
  };
}
