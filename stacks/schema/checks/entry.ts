import { LONGEST_IDLE_SECONDS } from "../../../components/entry/limits.ts";
import { addressRange } from "../../../components/network/cidr.ts";
import { entryCallSeconds } from "../call-time.ts";
import type { PlatformConfig } from "../platform.ts";
import type { ConfigProblem } from "../problem.ts";
import { problem, type Check } from "./check.ts";
import { EU_REGIONS } from "./residency.ts";

type Entry = Exclude<PlatformConfig["gateway"]["entry"], { kind: "none" }>;

const AT = ["gateway", "entry"] as const;

/** Widest network that may call, prefix length; as wide as the Kubernetes API may be opened. */
const WIDEST_PREFIX = 8;

/** Narrowest range of proxies. @see https://cloud.google.com/load-balancing/docs/proxy-only-subnets */
const NARROWEST_PROXIES = 26;

/** A rule about an entry where there is one. */
function ofEntry(
  rule: (entry: Entry, config: PlatformConfig) => ConfigProblem[],
): (config: PlatformConfig) => ConfigProblem[] {
  return (config) => (config.gateway.entry.kind === "none" ? [] : rule(config.gateway.entry, config));
}

function possible(entry: Entry, { cloud, models, providers }: PlatformConfig): ConfigProblem[] {
  if (cloud.provider === "existing" || cloud.provider === "local")
    return [
      problem(
        [...AT, "kind"],
        entry.kind,
        `provider '${cloud.provider}' has no load balancer the platform could make and check`,
        "set kind: none, and lead your own load balancer to the Service gateway in namespace llm-gateway, paths /v1 only",
      ),
    ];
  return models.length + providers.length === 0
    ? [problem([...AT, "kind"], entry.kind, "nothing is served, so there is no gateway", "set kind: none")]
    : [];
}

function namedNetworks({ allowedCidrs }: Entry): ConfigProblem[] {
  return allowedCidrs.flatMap((network, index) =>
    addressRange(network).prefix >= WIDEST_PREFIX
      ? []
      : [
          problem(
            [...AT, "allowedCidrs", index],
            network,
            `${network} opens the gateway to ${network.endsWith("/0") ? "the whole internet" : `more than a /${WIDEST_PREFIX}`}`,
            "list the networks your callers come from",
          ),
        ],
  );
}

function knownCallers({ kind }: Entry, { gateway }: PlatformConfig): ConfigProblem[] {
  if (kind !== "public") return [];
  return gateway.clients.flatMap(({ id, keys, subjects }, index) =>
    keys.length + subjects.length > 0
      ? []
      : [
          problem(
            [...AT, "kind"],
            kind,
            `the internet would reach a gateway whose client '${id}' nothing identifies`,
            `write gateway.clients[${index}].keys or subjects, or set kind: private`,
          ),
        ],
  );
}

/** What ids look like on each cloud. */
const FORMS = {
  aws: {
    zone: { is: /^Z[A-Z0-9]{5,31}$/, example: "Z0123456789ABCDEFGHIJ" },
    certificate: (cloud: { readonly region: string; readonly accountId: string }) => ({
      is: new RegExp(`^arn:aws:acm:${cloud.region}:${cloud.accountId}:certificate/[\\w-]+$`),
      example: `arn:aws:acm:${cloud.region}:${cloud.accountId}:certificate/<id>`,
    }),
  },
  gcp: {
    zone: { is: /^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/, example: "llm-acme-example" },
    certificate: { is: /^[a-zA-Z][\w-]{0,62}$/, example: "llm-acme-example" },
  },
} as const;

function ids(entry: Entry, { cloud }: PlatformConfig): ConfigProblem[] {
  if (cloud.provider !== "aws" && cloud.provider !== "gcp") return [];
  const zone = FORMS[cloud.provider].zone;
  const certificate = cloud.provider === "aws" ? FORMS.aws.certificate(cloud) : FORMS.gcp.certificate;
  const form = (
    path: readonly string[],
    value: string,
    what: string,
    { is, example }: { readonly is: RegExp; readonly example: string },
  ): ConfigProblem[] =>
    is.test(value)
      ? []
      : [problem([...AT, ...path], value, `this is not ${what}`, `write one such as ${example}`)];
  const what = `a certificate of ${cloud.region}`;
  return [
    ...form(
      ["zone"],
      entry.zone,
      cloud.provider === "aws" ? "a zone id of Route 53" : "a zone of Cloud DNS",
      zone,
    ),
    ...(entry.certificate.kind === "existing"
      ? form(["certificate", "name"], entry.certificate.name, what, certificate)
      : []),
    ...(entry.common === undefined
      ? []
      : form(["common", "certificate"], entry.common.certificate, what, certificate)),
  ];
}

function waits(_entry: Entry, config: PlatformConfig): ConfigProblem[] {
  const seconds = entryCallSeconds(config);
  if (config.cloud.provider !== "aws" || seconds <= LONGEST_IDLE_SECONDS) return [];
  return [
    problem(
      [...AT, "kind"],
      config.gateway.entry.kind,
      `a call may take ${seconds} seconds, and a load balancer on AWS gives up after ${LONGEST_IDLE_SECONDS} of silence`,
      "lower models[].slo.e2eP99Ms or gateway.holdSeconds, or set kind: none",
    ),
  ];
}

function proxies(_entry: Entry, { cloud }: PlatformConfig): ConfigProblem[] {
  if (cloud.provider !== "gcp") return [];
  const path = ["cloud", "network", "proxyCidr"] as const;
  const { proxyCidr } = cloud.network;
  if (proxyCidr === undefined)
    return [
      problem(
        path,
        proxyCidr,
        "the load balancer of gateway.entry has no range for its proxies",
        "write a free /26",
      ),
    ];
  return addressRange(proxyCidr).prefix <= NARROWEST_PROXIES
    ? []
    : [problem(path, proxyCidr, `proxies need at least a /${NARROWEST_PROXIES}`, "write a wider range")];
}

function billed(_entry: Entry, { budget }: PlatformConfig): ConfigProblem[] {
  return budget.usage.balancerGiB === undefined
    ? [
        problem(
          ["budget", "usage", "balancerGiB"],
          undefined,
          "the entry is billed by what goes through it, and nobody has said how much",
          "write expected and max, GiB per month",
        ),
      ]
    : [];
}

function commonName(
  { common, kind, hostname }: Entry,
  { cloud, site, residency }: PlatformConfig,
): ConfigProblem[] {
  if (common === undefined || (cloud.provider !== "aws" && cloud.provider !== "gcp")) return [];
  const at = [...AT, "common"] as const;
  const allowed = residency?.regions ?? [...EU_REGIONS];
  return [
    ...common.regions.flatMap((region, index) =>
      allowed.includes(region)
        ? []
        : [
            problem(
              [...at, "regions", index],
              region,
              `callers would be answered outside of ${residency === undefined ? "the EU-27" : `residency.regions ${allowed.join(", ")}`}`,
              "leave the region out, or have somebody who may widen residency.regions",
            ),
          ],
    ),
    ...(common.regions.includes(cloud.region)
      ? []
      : [
          problem(
            [...at, "regions"],
            common.regions,
            `this environment's region ${cloud.region} is not among them`,
            "add it",
          ),
        ]),
    ...(new Set(common.regions).size === common.regions.length
      ? []
      : [problem([...at, "regions"], common.regions, "a region is listed twice", "list each region once")]),
    ...(site === undefined
      ? [
          problem(
            ["site"],
            site,
            "several regions answer under one name, and nothing tells them apart",
            "write a site",
          ),
        ]
      : []),
    ...(common.hostname === hostname
      ? [
          problem(
            [...at, "hostname"],
            common.hostname,
            "it is the name of this environment alone, which callers bound to this region use",
            "give the regions a name of their own",
          ),
        ]
      : []),
    ...recordWriter(common, kind, cloud),
  ];
}

function recordWriter(
  { record, regions }: NonNullable<Entry["common"]>,
  kind: Entry["kind"],
  cloud: { readonly provider: "aws" | "gcp"; readonly region: string },
): ConfigProblem[] {
  const at = [...AT, "common"] as const;
  if (cloud.provider === "aws")
    return record.kind === "each-region"
      ? []
      : [
          problem(
            [...at, "record", "kind"],
            record.kind,
            "in Route 53 every region has a record of its own",
            "leave record out",
          ),
        ];
  if (kind === "private")
    return [
      problem(
        at,
        regions,
        "each region has a network of its own, and nothing here checks the health of private entries over them",
        "use the name of each environment, or set kind: public",
      ),
    ];
  if (record.kind === "each-region")
    return [
      problem(
        [...at, "record", "kind"],
        record.kind,
        "Cloud DNS keeps all regions of a name in one record set",
        "write kind: here with the others' addresses in one region's file, and kind: elsewhere in the others",
      ),
    ];
  if (record.kind === "elsewhere") return [];
  const others = record.others.map(({ region }) => region).toSorted();
  const wanted = regions.filter((region) => region !== cloud.region).toSorted();
  return others.join() === wanted.join()
    ? []
    : [
        problem(
          [...at, "record", "others"],
          others,
          `the other regions of the name are ${wanted.join(", ")}`,
          "give one address for each of them",
        ),
      ];
}

/** Checks of the way in from outside of the cluster. */
export const entryChecks: readonly Check[] = [
  { needs: ["gateway", "cloud", "models", "providers"], run: ofEntry(possible) },
  { needs: ["gateway"], run: ofEntry(namedNetworks) },
  { needs: ["gateway"], run: ofEntry(knownCallers) },
  { needs: ["gateway", "cloud"], run: ofEntry(ids) },
  { needs: ["gateway", "cloud", "models", "providers"], run: ofEntry(waits) },
  { needs: ["gateway", "cloud"], run: ofEntry(proxies) },
  { needs: ["gateway", "budget"], run: ofEntry(billed) },
  { needs: ["gateway", "cloud", "site", "residency"], run: ofEntry(commonName) },
];
