import * as k8s from "@pulumi/kubernetes";
import { LlmopsComponent, type ComponentOptions, refuse } from "../component.ts";
import { GATEWAY_CLIENT_LABEL, GATEWAY_NAMESPACE_LABEL, GATEWAY_PORTS } from "../gateway/address.ts";
import { clusterDns } from "../cluster/dns.ts";
import { podSecurityLabels, type PodSecurityLevel } from "../pod-security.ts";
import { TELEMETRY_SENDER_LABEL } from "../tracing/address.ts";

/** What a tenant may use. */
export interface TenantArgs {
  /** Namespace, RFC 1123 label of at most 63 characters. */
  readonly namespace: string;
  /** Pod Security level that is enforced, audited and warned about. @default "restricted" */
  readonly podSecurity?: PodSecurityLevel;
  /** Most GPUs all pods may request together; it survives a `kubectl edit` of any autoscaler. */
  readonly gpus: number;
  /** Most CPU cores all pods may request together. */
  readonly cpus: number;
  /** Most memory all pods may request together, GiB. */
  readonly memoryGiB: number;
  /** `sends` lets its engines reach the collectors; who of its pods may, each pod's own policy says. @default "none" */
  readonly telemetry?: "sends" | "none";
  /** Labels of every object, for example client and environment. */
  readonly labels: Readonly<Record<string, string>>;
}

/**
 * Checks a tenant's arguments.
 * @throws pulumi.InputPropertyError naming the property.
 */
export function validateTenantArgs(args: TenantArgs): void {
  if (!/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(args.namespace))
    refuse("namespace", `'${args.namespace}' is not an RFC 1123 label`);
  if (args.namespace.startsWith("kube-"))
    refuse("namespace", `'${args.namespace}' belongs to Kubernetes itself`);
  for (const key of ["gpus", "cpus", "memoryGiB"] as const) {
    const least = key === "gpus" ? 0 : 1;
    if (!Number.isInteger(args[key]) || args[key] < least)
      refuse(key, `${args[key]} is not a whole number from ${least}`);
  }
}

/**
 * A tenant: its namespace with an enforced Pod Security level, a quota, default requests, and a network that is closed in
 * both directions except for name resolution and the gateway.
 */
export class Tenant extends LlmopsComponent {
  /** Namespace, usable as a dependency of whatever runs in it. */
  readonly namespace: k8s.core.v1.Namespace;
  /** Name of the namespace, known before deployment. */
  readonly namespaceName: string;

  /** @throws pulumi.InputPropertyError for invalid arguments */
  constructor(name: string, args: TenantArgs, opts: ComponentOptions) {
    validateTenantArgs(args);
    super("tenancy", "Tenant", name, opts);
    this.namespaceName = args.namespace;
    const podSecurity = args.podSecurity ?? "restricted";

    this.namespace = new k8s.core.v1.Namespace(
      this.childName("namespace"),
      {
        metadata: {
          name: args.namespace,
          labels: {
            ...args.labels,
            ...GATEWAY_CLIENT_LABEL,
            ...(args.telemetry === "sends" ? TELEMETRY_SENDER_LABEL : {}),
            ...podSecurityLabels(podSecurity),
          },
        },
      },
      { parent: this },
    );
    const inside = { parent: this, dependsOn: this.namespace };
    const metadata = (objectName: string): k8s.types.input.meta.v1.ObjectMeta => ({
      name: objectName,
      namespace: args.namespace,
      labels: args.labels,
    });

    new k8s.networking.v1.NetworkPolicy(
      this.childName("default-deny"),
      { metadata: metadata("default-deny"), spec: { podSelector: {}, policyTypes: ["Ingress", "Egress"] } },
      inside,
    );
    new k8s.networking.v1.NetworkPolicy(
      this.childName("allow-dns"),
      {
        metadata: metadata("allow-dns"),
        spec: {
          podSelector: {},
          policyTypes: ["Egress"],
          egress: [clusterDns()],
        },
      },
      inside,
    );
    new k8s.networking.v1.NetworkPolicy(
      this.childName("allow-gateway"),
      {
        metadata: metadata("allow-gateway"),
        spec: {
          podSelector: {},
          policyTypes: ["Egress"],
          egress: [
            {
              to: [{ namespaceSelector: { matchLabels: GATEWAY_NAMESPACE_LABEL } }],
              ports: [{ protocol: "TCP", port: GATEWAY_PORTS.api }],
            },
          ],
        },
      },
      inside,
    );
    new k8s.core.v1.ResourceQuota(
      this.childName("quota"),
      {
        metadata: metadata("quota"),
        spec: {
          hard: {
            "requests.nvidia.com/gpu": `${args.gpus}`,
            "requests.cpu": `${args.cpus}`,
            "requests.memory": `${args.memoryGiB}Gi`,
          },
        },
      },
      inside,
    );
    new k8s.core.v1.LimitRange(
      this.childName("defaults"),
      {
        metadata: metadata("defaults"),
        spec: {
          limits: [
            {
              type: "Container",
              defaultRequest: { cpu: "100m", memory: "128Mi" },
              default: { memory: "512Mi" },
            },
          ],
        },
      },
      inside,
    );

    this.registerOutputs({ namespace: args.namespace });
  }
}
