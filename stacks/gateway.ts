import type * as pulumi from "@pulumi/pulumi";
import { stringify } from "yaml";
import type { AuditDestination } from "../components/audit/destination.ts";
import type { ClusterHandle } from "../components/cluster/handle.ts";
import { GATEWAY_NAMESPACE, GATEWAY_SELECTOR } from "../components/gateway/address.ts";
import { Gateway, gatewayNamespace } from "../components/gateway/gateway.ts";
import { GatewayKeys } from "../components/gateway/keys.ts";
import { Redis } from "../components/gateway/redis.ts";
import { enginePort } from "../components/serving/engine.ts";
import { entrySources } from "./entry.ts";
import type { ClusterServices } from "./cluster-services.ts";
import { credentialVariable, GATEWAY_DRAIN_SECONDS, gatewayConfiguration } from "./gateway-configuration.ts";
import { gatesOf } from "./delivery.ts";
import type { PlatformConfig } from "./schema/platform.ts";

/** What the gateway is deployed onto. */
export interface GatewayTarget extends ClusterServices {
  readonly cluster: ClusterHandle;
  readonly audit: AuditDestination;
}

/** What others need of a deployed gateway. */
export interface DeployedGateway {
  readonly gateway: Gateway;
  /** Public key of the audit log's checkpoints, PEM. */
  readonly publicKeyPem: pulumi.Output<string>;
}

/**
 * The gateway with its keys and, for several replicas, Redis.
 * @throws RangeError when the configuration names no image; the schema refuses that before
 */
export function deployGateway(name: string, config: PlatformConfig, target: GatewayTarget): DeployedGateway {
  const { cluster, audit, monitoring } = target;
  const { gateway, models, providers: external } = config;
  if (gateway.image === undefined) throw new RangeError("gateway.image is missing");
  const labels = { "llmops.io/client": config.client, "llmops.io/environment": config.environment };
  const providers = { kubernetes: cluster.provider };
  const namespace = gatewayNamespace(`${name}-gateway-namespace`, labels, { provider: cluster.provider });
  const inside = { providers, dependsOn: [namespace, monitoring.chart] };
  const keys = new GatewayKeys(
    `${name}-gateway-keys`,
    {
      namespace: GATEWAY_NAMESPACE,
      retention: { days: config.audit.retentionDays, immutability: config.audit.objectLock },
      labels,
    },
    inside,
  );
  const redis =
    gateway.redisImage === undefined || gateway.replicas === 1
      ? []
      : [
          new Redis(
            `${name}-gateway-redis`,
            {
              namespace: GATEWAY_NAMESPACE,
              image: gateway.redisImage,
              keysSecret: "gateway-keys",
              clients: GATEWAY_SELECTOR,
              labels,
            },
            { providers, dependsOn: [namespace, keys] },
          ),
        ];
  const deployed = new Gateway(
    `${name}-gateway`,
    {
      namespace: GATEWAY_NAMESPACE,
      image: gateway.image,
      replicas: gateway.replicas,
      configuration: stringify(gatewayConfiguration(config, audit)),
      keysSecret: "gateway-keys",
      credentials: external.map(({ name: provider, credential }) => ({
        variable: credentialVariable(provider),
        secret: credential.name,
        key: credential.key,
      })),
      auditVolumeGiB: gateway.auditVolumeGiB,
      serviceAccountAnnotations: audit.serviceAccountAnnotations,
      reach: {
        engines: models.map(({ name: model, tenant, engine }) => ({
          model,
          namespace: tenant,
          port: enginePort(engine),
        })),
        entry: entrySources(config),
        identity: audit.identity,
        outside: audit.bucket.kind === "local" && external.length === 0 ? "none" : "https",
        telemetry: config.observability.telemetry.kind === "off" ? "none" : "collector",
      },
      drainSeconds: GATEWAY_DRAIN_SECONDS,
      delivery: gateway.delivery,
      gates: config.models.flatMap((model) => gatesOf(config, model, audit)),
      labels,
    },
    { providers, dependsOn: [namespace, monitoring.chart, keys, ...redis, ...audit.ready] },
  );
  return { gateway: deployed, publicKeyPem: keys.publicKeyPem };
}
