import * as k8s from "@pulumi/kubernetes";
import { LlmopsComponent, type ComponentOptions } from "../component.ts";
import { SYSTEM_NODE_LABEL } from "../cluster/handle.ts";
import { REDIS_NAME, REDIS_PORT } from "./address.ts";
import { KEY_FILES } from "./keys.ts";
import { restrictedContainer, restrictedPod } from "../restricted.ts";

/** The store the replicas of the gateway count in. */
export interface RedisArgs {
  readonly namespace: string;
  /** Image of Redis 7 or of Valkey, pinned by digest. */
  readonly image: string;
  /** Name of the Secret with the password. */
  readonly keysSecret: string;
  /** Labels of the pods that may connect. */
  readonly clients: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
}

const USER = 999;
const SELECTOR = { "app.kubernetes.io/name": REDIS_NAME } as const;

/**
 * One Redis with an append-only file that is synced before it answers, so that a restart forgets no reservation. While
 * it is away the gateway answers 503; it holds no content.
 */
export class Redis extends LlmopsComponent {
  readonly set: k8s.apps.v1.StatefulSet;

  constructor(name: string, args: RedisArgs, opts: ComponentOptions) {
    super("gateway", "Redis", name, opts);
    const metadata = { name: REDIS_NAME, namespace: args.namespace, labels: { ...args.labels, ...SELECTOR } };
    new k8s.networking.v1.NetworkPolicy(
      this.childName("network"),
      {
        metadata,
        spec: {
          podSelector: { matchLabels: SELECTOR },
          policyTypes: ["Ingress", "Egress"],
          ingress: [
            {
              from: [{ podSelector: { matchLabels: args.clients } }],
              ports: [{ protocol: "TCP", port: REDIS_PORT }],
            },
          ],
        },
      },
      { parent: this },
    );
    new k8s.core.v1.Service(
      this.childName("service"),
      {
        metadata,
        spec: { clusterIP: "None", selector: SELECTOR, ports: [{ name: "redis", port: REDIS_PORT }] },
      },
      { parent: this },
    );
    this.set = new k8s.apps.v1.StatefulSet(
      this.childName("set"),
      {
        metadata,
        spec: {
          serviceName: REDIS_NAME,
          replicas: 1,
          selector: { matchLabels: SELECTOR },
          template: { metadata: { labels: { ...args.labels, ...SELECTOR } }, spec: podSpec(args) },
          volumeClaimTemplates: [
            {
              metadata: { name: "data", labels: args.labels },
              spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "2Gi" } } },
            },
          ],
        },
      },
      { parent: this },
    );
    this.registerOutputs({ host: REDIS_NAME });
  }
}

function podSpec({ image, keysSecret }: RedisArgs): k8s.types.input.core.v1.PodSpec {
  return {
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    nodeSelector: SYSTEM_NODE_LABEL,
    securityContext: { ...restrictedPod(USER), fsGroup: USER },
    containers: [
      {
        name: "redis",
        image,
        command: ["sh", "-c"],
        args: [
          'exec redis-server --requirepass "$REDIS_PASSWORD" --dir /data --appendonly yes --appendfsync always --save "" --maxmemory 512mb --maxmemory-policy noeviction',
        ],
        env: [
          {
            name: "REDIS_PASSWORD",
            valueFrom: { secretKeyRef: { name: keysSecret, key: KEY_FILES.redis } },
          },
        ],
        ports: [{ name: "redis", containerPort: REDIS_PORT }],
        readinessProbe: { tcpSocket: { port: "redis" }, periodSeconds: 5 },
        livenessProbe: { tcpSocket: { port: "redis" }, periodSeconds: 10, failureThreshold: 6 },
        resources: { requests: { cpu: "100m", memory: "768Mi" }, limits: { memory: "768Mi" } },
        securityContext: restrictedContainer(),
        volumeMounts: [{ name: "data", mountPath: "/data" }],
      },
    ],
  };
}
