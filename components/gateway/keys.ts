import * as k8s from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";
import * as tls from "@pulumi/tls";
import { keptOptions, type AuditRetention } from "../audit/retention.ts";
import { LlmopsComponent, type ComponentOptions } from "../component.ts";
import { REDIS_NAME, REDIS_PORT } from "./address.ts";

/** Where the keys go. */
export interface GatewayKeysArgs {
  readonly namespace: string;
  /** How hard the records are kept; the keys that prove and match them are kept as hard. */
  readonly retention: AuditRetention;
  readonly labels: Readonly<Record<string, string>>;
}

/** Keys of the gateway as files of one Secret. */
export const KEY_FILES = {
  /** Ed25519 private key of the checkpoints, PEM. */
  signing: "signing.pem",
  /** Secret of the keyed digests, base64. */
  digest: "digest",
  /** Key that wraps the data subjects' keys, base64. */
  master: "master",
  /** Password of Redis. */
  redis: "redis-password",
  /** Address of Redis with its password. */
  redisUrl: "redis-url",
} as const;

/** Bytes of a symmetric key. */
const KEY_BYTES = 32;

/**
 * Keys of the gateway: made once, kept in the encrypted state of the stack and in one Secret, never in a file. Protect it like the audit store. Losing the
 * digest key makes old digests unmatchable; losing the signing key does not harm old checkpoints, which the public key
 * verifies.
 */
export class GatewayKeys extends LlmopsComponent {
  /** Secret that holds the files of {@link KEY_FILES}. */
  readonly secret: k8s.core.v1.Secret;
  /** What an auditor needs to verify checkpoints, PEM. */
  readonly publicKeyPem: pulumi.Output<string>;

  constructor(name: string, args: GatewayKeysArgs, opts: ComponentOptions) {
    super("gateway", "GatewayKeys", name, opts);
    const kept = { parent: this, ...keptOptions(args.retention) };
    // Own providers, so that the offline plan shows everything the engine creates.
    const randomness = new random.Provider(this.childName("randomness"), {}, { parent: this });
    const certificates = new tls.Provider(this.childName("certificates"), {}, { parent: this });
    const signing = new tls.PrivateKey(
      this.childName("signing"),
      { algorithm: "ED25519" },
      { ...kept, provider: certificates },
    );
    const bytes = (suffix: string): random.RandomBytes =>
      new random.RandomBytes(
        this.childName(suffix),
        { length: KEY_BYTES },
        { ...kept, provider: randomness },
      );
    const [digest, master] = [bytes("digest"), bytes("master")];
    const redis = new random.RandomPassword(
      this.childName("redis"),
      { length: KEY_BYTES, special: false },
      { parent: this, provider: randomness },
    );
    this.publicKeyPem = signing.publicKeyPem;
    this.secret = new k8s.core.v1.Secret(
      this.childName("secret"),
      {
        metadata: { name: "gateway-keys", namespace: args.namespace, labels: args.labels },
        stringData: {
          [KEY_FILES.signing]: signing.privateKeyPemPkcs8,
          [KEY_FILES.digest]: digest.base64,
          [KEY_FILES.master]: master.base64,
          [KEY_FILES.redis]: redis.result,
          [KEY_FILES.redisUrl]: redis.result.apply(
            (password) => `redis://:${password}@${REDIS_NAME}:${REDIS_PORT}`,
          ),
        },
      },
      { parent: this },
    );
    this.registerOutputs({ publicKeyPem: this.publicKeyPem });
  }
}
