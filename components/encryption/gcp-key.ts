import * as gcp from "../sdk/gcp.ts";
import type * as pulumi from "@pulumi/pulumi";
import { keptLike, LlmopsComponent, type ComponentOptions } from "../component.ts";

/** What a customer-managed key protects. */
export interface GcpKeyArgs {
  /** Key ring and key name; key rings cannot be deleted, so the name stays taken for ever. */
  readonly keyName: string;
  readonly projectId: string;
  readonly region: string;
  /** Members that may encrypt and decrypt, for example a service agent; the key of the map names the grant. */
  readonly users: Readonly<Record<string, pulumi.Input<string>>>;
  readonly labels: Readonly<Record<string, string>>;
}

/** Rotation every 90 days. Source: https://cloud.google.com/kms/docs/key-rotation (read 2026-11-24). */
const ROTATION_PERIOD = `${90 * 24 * 3600}s`;

/** Thirty days between scheduling a destruction and losing the data. */
const DESTROY_DELAY = `${30 * 24 * 3600}s`;

/** A customer-managed Cloud KMS key in the environment's region and the grants to use it. */
export class GcpKey extends LlmopsComponent {
  readonly key: gcp.kms.CryptoKey;
  /** Grants; whatever encrypts with the key depends on them. */
  readonly grants: readonly gcp.kms.CryptoKeyIAMMember[];

  constructor(name: string, args: GcpKeyArgs, opts?: ComponentOptions) {
    super("encryption", "GcpKey", name, opts);
    const child = { parent: this, ...keptLike(opts) };
    const ring = new gcp.kms.KeyRing(
      this.childName("ring"),
      { name: args.keyName, location: args.region, project: args.projectId },
      child,
    );
    this.key = new gcp.kms.CryptoKey(
      this.childName("key"),
      {
        name: args.keyName,
        keyRing: ring.id,
        rotationPeriod: ROTATION_PERIOD,
        destroyScheduledDuration: DESTROY_DELAY,
        labels: args.labels,
      },
      child,
    );
    this.grants = Object.entries(args.users).map(
      ([grant, member]) =>
        new gcp.kms.CryptoKeyIAMMember(
          this.childName(`grant-${grant}`),
          { cryptoKeyId: this.key.id, role: "roles/cloudkms.cryptoKeyEncrypterDecrypter", member },
          child,
        ),
    );
    this.registerOutputs({ keyId: this.key.id });
  }
}
