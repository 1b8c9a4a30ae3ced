import { z } from "zod";

/**
 * Kubernetes label-safe name; 40 characters leave room for the suffixes that components add below the 63 of RFC 1123
 * (https://kubernetes.io/docs/concepts/overview/working-with-objects/names/).
 */
export const dnsName = z.string().regex(/^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$/, {
  error:
    "must be 1-40 lower-case letters, digits or '-', starting with a letter and ending with a letter or digit",
});

/** Short name that becomes the prefix of every cloud resource; 20 characters fit every provider's limits. */
export const shortName = z.string().regex(/^[a-z]([a-z0-9-]{0,18}[a-z0-9])?$/, {
  error:
    "must be 1-20 lower-case letters, digits or '-', starting with a letter and ending with a letter or digit",
});

/** Content digest of an immutable artefact. */
export const sha256 = z
  .string()
  .regex(/^sha256:[0-9a-f]{64}$/, { error: "must be 'sha256:' and 64 lower-case hexadecimal digits" });

/** E-mail address of a person or a group. */
export const email = z.email({ error: "must be an e-mail address" });

/** IPv4 network in CIDR notation. */
export const cidr = z.cidrv4({ error: "must be an IPv4 network in CIDR notation, for example 10.20.0.0/16" });

/** Calendar date, UTC. */
export const isoDate = z.iso.date({ error: "must be a calendar date, YYYY-MM-DD" });

/** Positive whole number. */
export const count = z.int().min(1);

/** Whole number from zero. */
export const countOrZero = z.int().min(0);

/** A key of a Kubernetes Secret that someone else fills; configuration never holds the value. */
export const secretRef = z
  .strictObject({
    name: dnsName.describe("Name of the Kubernetes Secret."),
    key: z.string().min(1).describe("Key in the Secret."),
  })
  .describe("Reference to a Kubernetes Secret; the value itself must never be in this file.");

/** Reference of a container image that cannot change. */
export const pinnedImage = z.string().regex(/^[^\s]+@sha256:[0-9a-f]{64}$/, {
  error: "must be pinned by digest: <image>@sha256:<64 hex digits>",
});

const SERVICE = String.raw`https?://[a-z0-9-]+\.[a-z0-9-]+\.svc(\.cluster\.local)?(:\d+)?`;

/** Address of a Service of the cluster. */
export const serviceUrl = z.string().regex(new RegExp(`^${SERVICE}$`), {
  error: "must be a Service of the cluster, for example http://mlflow.mlflow.svc:5000",
});

/** Address that pods reach which may leave the cluster by port 443 only. */
export const reachableUrl = z.string().regex(new RegExp(`^(${SERVICE}|https://[^\\s/:]+(/\\S*)?)$`), {
  error: "must be a Service of the cluster (http://mlflow.mlflow.svc:5000), or https without a port",
});
