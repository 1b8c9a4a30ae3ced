import { z } from "zod";
import { cidr } from "./primitives.ts";

const hostname = z
  .string()
  .max(253)
  .regex(/^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$/, {
    error: "must be a host name in lower case, for example llm.acme.example",
  });

const certificateName = z
  .string()
  .min(1)
  .describe("AWS: ARN in ACM. Google Cloud: name in Certificate Manager. Both in this region.");

const common = z
  .strictObject({
    hostname: hostname.describe("The one name of all regions, in the same zone."),
    regions: z
      .array(z.string().min(1))
      .min(2)
      .describe("Regions whose environments answer under it, this one included; all in `residency.regions`."),
    certificate: certificateName,
    record: z
      .discriminatedUnion("kind", [
        z
          .strictObject({ kind: z.literal("each-region") })
          .describe("AWS: every region's stack has a latency record of its own."),
        z
          .strictObject({
            kind: z.literal("here"),
            others: z
              .array(
                z.strictObject({
                  region: z.string().min(1),
                  address: z.ipv4({ error: "must be an IPv4 address" }),
                }),
              )
              .min(1)
              .describe("Addresses of the other regions' entries: `pulumi stack output entryAddress`."),
          })
          .describe("Google Cloud keeps all regions in one record set: exactly one region's file has it."),
        z
          .strictObject({ kind: z.literal("elsewhere") })
          .describe("Google Cloud: another region's file has it."),
      ])
      .default({ kind: "each-region" })
      .describe("Who writes the record of the common name."),
  })
  .describe("One name over several regions, which answers from those that can.");

const reachable = {
  hostname: hostname.describe("Name of this environment alone; it always answers from this region."),
  zone: z
    .string()
    .min(1)
    .describe(
      "Zone of the name, which exists already. AWS: its id in Route 53. Google Cloud: its name in Cloud DNS.",
    ),
  certificate: z
    .discriminatedUnion("kind", [
      z
        .strictObject({ kind: z.literal("managed") })
        .describe("Made and renewed by the cloud, validated in `zone`, which has to be public."),
      z.strictObject({ kind: z.literal("existing"), name: certificateName }),
    ])
    .describe("Certificate of `hostname`."),
  allowedCidrs: z.array(cidr).min(1).describe("Networks callers come from; wider than a /8 is refused."),
  common: common.optional(),
} as const;

/** How callers outside of the cluster reach the gateway. */
export const entry = z
  .discriminatedUnion("kind", [
    z.strictObject({ kind: z.literal("none") }).describe("Only from inside the cluster."),
    z
      .strictObject({ kind: z.literal("private"), ...reachable })
      .describe("A load balancer with addresses of the environment's network only."),
    z.strictObject({ kind: z.literal("public"), ...reachable }).describe("A load balancer on the internet."),
  ])
  .describe("How callers outside of the cluster reach the gateway, by HTTPS only.");
