import * as k8s from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";
import { SYSTEM_NODE_LABEL } from "../cluster/handle.ts";
import { LlmopsComponent, type ComponentOptions, refuse } from "../component.ts";
import { podSecurityLabels } from "../pod-security.ts";
import { configurationHash } from "../configuration-hash.ts";
import { TELEMETRY_SENDER_LABEL } from "../tracing/address.ts";
import {
  GATEWAY_ACCOUNT,
  GATEWAY_NAMESPACE,
  GATEWAY_NAMESPACE_LABEL,
  GATEWAY_PATHS,
  GATEWAY_PORTS,
  GATEWAY_SELECTOR,
  GATEWAY_SERVICE,
} from "./address.ts";
import { validateGates, type ServedGate } from "../delivery/gate.ts";
import { gatePods, gateReports, untilSigned, type PodGates } from "../delivery/pod-gate.ts";
import { KEPT_FOR_EARLIER_PODS, versioned } from "../delivery/versioned.ts";
import { updateAnnotations, updateStrategy, type GatewayDelivery } from "./delivery.ts";
import { gatewayNetworkPolicies, type GatewayReach } from "./network.ts";
import { restrictedContainer, restrictedPod } from "../restricted.ts";

/** The guardrail gateway on the cluster. */
export interface GatewayArgs {
  readonly namespace: string;
  /** Image built from `gateway/Dockerfile`, pinned by digest. */
  readonly image: string;
  readonly replicas: number;
  /** Configuration file of the gateway, already checked; it holds no secret. */
  readonly configuration: string;
  /** Secret with the gateway's own keys, mounted as files. */
  readonly keysSecret: string;
  /** Secrets with credentials of model providers, one environment variable each. */
  readonly credentials: readonly CredentialVariable[];
  /** Volume of each replica for records on their way to the store, GiB. */
  readonly auditVolumeGiB: number;
  /** Annotations that give the service account its cloud identity. */
  readonly serviceAccountAnnotations: Readonly<Record<string, pulumi.Input<string>>>;
  /** Whom it may talk to. */
  readonly reach: GatewayReach;
  /** Seconds running calls get after SIGTERM. */
  readonly drainSeconds: number;
  readonly delivery: GatewayDelivery;
  /** Evaluations without which no pod starts; empty where they are advice. */
  readonly gates: readonly ServedGate[];
  readonly labels: Readonly<Record<string, string>>;
}

/** A key of a Secret as an environment variable. */
export interface CredentialVariable {
  readonly variable: string;
  readonly secret: string;
  readonly key: string;
}

const USER = 65_532;
/** Seconds a replica goes on taking calls after it was told to stop: load balancers need them to notice. */
export const PRE_STOP_SECONDS = 10;
const STOP_MARGIN_SECONDS = 20;

/**
 * Checks the arguments.
 * @throws pulumi.InputPropertyError naming the property.
 */
export function validateGatewayArgs(args: GatewayArgs): void {
  if (!/@sha256:[0-9a-f]{64}$/.test(args.image)) refuse("image", `'${args.image}' is not pinned by digest`);
  if (!Number.isInteger(args.replicas) || args.replicas < 1)
    refuse(
      "replicas",
      `${args.replicas} is not a whole number from 1: without a gateway no request reaches a model`,
    );
  if (!Number.isInteger(args.auditVolumeGiB) || args.auditVolumeGiB < 5)
    refuse("auditVolumeGiB", `${args.auditVolumeGiB} is not a whole number from 5`);
  const { delivery, replicas, gates } = args;
  if (delivery.strategy === "canary" && !(delivery.replicas >= 1 && delivery.replicas < replicas))
    refuse(
      "delivery.replicas",
      `${delivery.replicas} of ${replicas} replicas leave none that keeps its version`,
    );
  validateGates(gates);
}

/**
 * The guardrail gateway: replicas with a volume each for their own audit chain, reachable from labelled namespaces only.
 * It must be the only way to a model; engines refuse every other namespace.
 */
export class Gateway extends LlmopsComponent {
  readonly set: k8s.apps.v1.StatefulSet;

  /** @throws pulumi.InputPropertyError for invalid arguments */
  constructor(name: string, args: GatewayArgs, opts: ComponentOptions) {
    validateGatewayArgs(args);
    super("gateway", "Gateway", name, opts);
    const metadata = {
      name: "gateway",
      namespace: args.namespace,
      labels: { ...args.labels, ...GATEWAY_SELECTOR },
    };
    const account = new k8s.core.v1.ServiceAccount(
      this.childName("account"),
      {
        metadata: { ...metadata, name: GATEWAY_ACCOUNT, annotations: args.serviceAccountAnnotations },
        automountServiceAccountToken: false,
      },
      { parent: this },
    );
    const configuration = new k8s.core.v1.ConfigMap(
      this.childName("configuration"),
      {
        metadata: { ...metadata, name: versioned("gateway", args.configuration) },
        immutable: true,
        data: { "gateway.yaml": args.configuration },
      },
      { parent: this, ...KEPT_FOR_EARLIER_PODS },
    );
    const reports = gateReports((suffix) => this.childName(suffix), gatesOf(args), metadata, {
      parent: this,
    });
    for (const [suffix, policy] of Object.entries(gatewayNetworkPolicies(args.reach)))
      new k8s.networking.v1.NetworkPolicy(
        this.childName(suffix),
        { metadata: { ...metadata, name: `gateway-${suffix}` }, spec: policy },
        { parent: this },
      );
    for (const [suffix, spec] of Object.entries(services()))
      new k8s.core.v1.Service(
        this.childName(suffix),
        { metadata: { ...metadata, name: suffix, annotations: untilSigned(args.gates) }, spec },
        { parent: this },
      );
    new k8s.policy.v1.PodDisruptionBudget(
      this.childName("disruption"),
      { metadata, spec: { maxUnavailable: 1, selector: { matchLabels: GATEWAY_SELECTOR } } },
      { parent: this },
    );
    this.set = this.#set(args, metadata, account, configuration, reports);
    new k8s.apiextensions.CustomResource(
      this.childName("metrics"),
      {
        apiVersion: "monitoring.coreos.com/v1",
        kind: "PodMonitor",
        metadata,
        spec: {
          selector: { matchLabels: GATEWAY_SELECTOR },
          // The operator labels every target with its port as `endpoint`; the gateway's own `endpoint` is the API path.
          podMetricsEndpoints: [{ port: "http", path: "/metrics", interval: "5s", honorLabels: true }],
        },
      },
      { parent: this },
    );
    this.registerOutputs({ url: `http://gateway.${args.namespace}.svc` });
  }

  #set(
    args: GatewayArgs,
    metadata: k8s.types.input.meta.v1.ObjectMeta,
    account: k8s.core.v1.ServiceAccount,
    configuration: k8s.core.v1.ConfigMap,
    reports: readonly k8s.core.v1.ConfigMap[],
  ): k8s.apps.v1.StatefulSet {
    return new k8s.apps.v1.StatefulSet(
      this.childName("set"),
      {
        metadata: {
          ...metadata,
          annotations: { ...updateAnnotations(args.delivery), ...untilSigned(args.gates) },
        },
        spec: {
          ...updateStrategy(args.replicas, args.delivery),
          serviceName: "gateway-replicas",
          replicas: args.replicas,
          podManagementPolicy: "Parallel",
          // A volume holds records that may not have reached the store yet.
          persistentVolumeClaimRetentionPolicy: { whenDeleted: "Retain", whenScaled: "Retain" },
          selector: { matchLabels: GATEWAY_SELECTOR },
          template: {
            metadata: {
              labels: { ...args.labels, ...GATEWAY_SELECTOR },
              // The gateway reads its configuration once: another one starts other pods, one after the other.
              annotations: { ...configurationHash(args.configuration) },
            },
            spec: podSpec(args, account.metadata.name, configuration.metadata.name),
          },
          volumeClaimTemplates: [
            {
              metadata: { name: "audit", labels: args.labels },
              spec: {
                accessModes: ["ReadWriteOncePod"],
                resources: { requests: { storage: `${args.auditVolumeGiB}Gi` } },
              },
            },
          ],
        },
      },
      { parent: this, dependsOn: [...reports] },
    );
  }
}

function gatesOf({ gates }: GatewayArgs): PodGates {
  return { place: "gateway", gates };
}

function services(): Record<string, k8s.types.input.core.v1.ServiceSpec> {
  const selector = GATEWAY_SELECTOR;
  return {
    [GATEWAY_SERVICE.name]: {
      selector,
      ports: [{ name: "http", port: GATEWAY_SERVICE.port, targetPort: "http" }],
    },
    "gateway-admin": { selector, ports: [{ name: "admin", port: 80, targetPort: "admin" }] },
    "gateway-replicas": {
      clusterIP: "None",
      publishNotReadyAddresses: true,
      selector,
      ports: [{ name: "http", port: GATEWAY_PORTS.api, targetPort: "http" }],
    },
  };
}

function podSpec(
  args: GatewayArgs,
  account: pulumi.Input<string>,
  configuration: pulumi.Input<string>,
): k8s.types.input.core.v1.PodSpec {
  const gates = gatePods(gatesOf(args));
  return {
    serviceAccountName: account,
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    terminationGracePeriodSeconds: PRE_STOP_SECONDS + args.drainSeconds + STOP_MARGIN_SECONDS,
    nodeSelector: SYSTEM_NODE_LABEL,
    topologySpreadConstraints: [
      {
        maxSkew: 1,
        topologyKey: "topology.kubernetes.io/zone",
        whenUnsatisfiable: "ScheduleAnyway",
        labelSelector: { matchLabels: GATEWAY_SELECTOR },
      },
    ],
    securityContext: { ...restrictedPod(USER), fsGroup: USER },
    ...(args.gates.length === 0 ? {} : { initContainers: gates.initContainers }),
    containers: [
      {
        name: "gateway",
        image: args.image,
        args: [GATEWAY_PATHS.configuration, "--writer", "$(POD_NAME)"],
        env: [
          { name: "POD_NAME", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } },
          ...args.credentials.map(({ variable, secret, key }) => ({
            name: variable,
            valueFrom: { secretKeyRef: { name: secret, key } },
          })),
        ],
        ports: [
          { name: "http", containerPort: GATEWAY_PORTS.api },
          { name: "admin", containerPort: GATEWAY_PORTS.admin },
        ],
        readinessProbe: { httpGet: { path: "/readyz", port: "http" }, periodSeconds: 2, failureThreshold: 2 },
        livenessProbe: {
          httpGet: { path: "/healthz", port: "http" },
          periodSeconds: 10,
          failureThreshold: 6,
        },
        // Recovery reads the newest segment of the chain before the first answer.
        startupProbe: { httpGet: { path: "/healthz", port: "http" }, periodSeconds: 2, failureThreshold: 60 },
        lifecycle: { preStop: { sleep: { seconds: PRE_STOP_SECONDS } } },
        resources: { requests: { cpu: "1", memory: "2Gi" }, limits: { memory: "2Gi" } },
        securityContext: restrictedContainer(),
        volumeMounts: [
          { name: "configuration", mountPath: "/etc/llmops-gateway", readOnly: true },
          { name: "keys", mountPath: GATEWAY_PATHS.keys, readOnly: true },
          { name: "audit", mountPath: "/var/lib/llmops-gateway" },
        ],
      },
    ],
    volumes: [
      { name: "configuration", configMap: { name: configuration } },
      { name: "keys", secret: { secretName: args.keysSecret, defaultMode: 0o440 } },
      ...gates.volumes,
    ],
  };
}

/** Namespace of the gateway, with the label that engines let in and the strictest Pod Security level. */
export function gatewayNamespace(
  name: string,
  labels: Readonly<Record<string, string>>,
  opts: pulumi.CustomResourceOptions,
): k8s.core.v1.Namespace {
  return new k8s.core.v1.Namespace(
    name,
    {
      metadata: {
        name: GATEWAY_NAMESPACE,
        labels: {
          ...labels,
          ...GATEWAY_NAMESPACE_LABEL,
          ...TELEMETRY_SENDER_LABEL,
          ...podSecurityLabels("restricted"),
        },
      },
    },
    opts,
  );
}
