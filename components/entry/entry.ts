import type * as pulumi from "@pulumi/pulumi";

/** Which certificate a name has: one the cloud makes and validates in the zone, or one that is there. */
export type EntryCertificate =
  | { readonly kind: "managed" }
  /** ARN in ACM, or name in Certificate Manager. */
  | { readonly kind: "existing"; readonly name: string };

/** A name that several regions answer under. */
export interface CommonName {
  readonly hostname: string;
  /** ARN in ACM, or name in Certificate Manager; it belongs to no region's stack. */
  readonly certificate: string;
  /** This environment among those of the name. */
  readonly site: string;
  readonly record:
    | { readonly kind: "each-region" }
    | {
        readonly kind: "here";
        readonly others: readonly { readonly region: string; readonly address: string }[];
      }
    | { readonly kind: "elsewhere" };
}

/** How callers outside of the cluster reach the gateway. */
export interface EntrySpec {
  /** Whether its addresses are of the environment's network or of the internet. */
  readonly reach: "private" | "public";
  readonly hostname: string;
  /** Route 53 zone id, or name of the Cloud DNS zone; it exists already. */
  readonly zone: string;
  readonly certificate: EntryCertificate;
  /** Networks callers come from. */
  readonly allowedCidrs: readonly string[];
  readonly common?: CommonName;
  /** Seconds a call may take, or be silent. */
  readonly callSeconds: number;
  /** Seconds running calls get when a replica stops. */
  readonly drainSeconds: number;
  /** What the entry leads to; it outlives the entry. */
  readonly gateway: pulumi.Resource;
}

/** What others need of an entry. */
export interface Entry {
  readonly hostname: string;
  /** Address or name of the load balancer. */
  readonly address: pulumi.Output<string>;
}

/** Paths that leave the cluster: the API of the gateway, neither its metrics nor its administration. */
export const ENTRY_PATH = "/v1";

/** Answers 200 while the gateway can write audit records, 503 otherwise. */
export const READINESS_PATH = "/readyz";

/** Seconds between two looks at a replica, and how many must fail before it gets no more calls. */
export const READINESS_CHECK = { intervalSeconds: 5, timeoutSeconds: 4, failures: 2 } as const;

/**
 * The one record that proves a certificate's only name.
 * @throws Error when the cloud wants none or several
 */
export function onlyProof<T>(proofs: readonly T[], hostname: string): T {
  const [proof, ...more] = proofs;
  if (proof === undefined || more.length > 0)
    throw new Error(`${hostname}: the cloud wants ${proofs.length} records to prove a certificate, not one`);
  return proof;
}
