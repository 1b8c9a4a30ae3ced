import type { PlatformConfig } from "../platform.ts";
import type { ConfigProblem } from "../problem.ts";
import { problem, type Check } from "./check.ts";
import { addressRange, isPrivate, overlaps } from "../../../components/network/cidr.ts";
import { EU_REGIONS } from "./residency.ts";

/** Largest and smallest VPC of AWS: https://docs.aws.amazon.com/vpc/latest/userguide/vpc-cidr-blocks.html (read 2026-11-24); our zones need at most a /20. */
const AWS_VPC_PREFIX = { widest: 16, narrowest: 20 } as const;

function stageMatchesCloud({ environment, cloud }: PlatformConfig): ConfigProblem[] {
  if ((environment === "local") === (cloud.provider === "local")) return [];
  return [
    problem(
      ["cloud", "provider"],
      cloud.provider,
      `environment '${environment}' cannot run on provider '${cloud.provider}'`,
      "use environment 'local' together with provider 'local', and only together",
    ),
  ];
}

function regionInUnion({ cloud }: PlatformConfig): ConfigProblem[] {
  if (cloud.provider === "local" || EU_REGIONS.has(cloud.region)) return [];
  return [
    problem(
      ["cloud", "region"],
      cloud.region,
      `region '${cloud.region}' is not inside the EU-27, so personal data would leave the Union (GDPR Art. 44)`,
      `use one of ${[...EU_REGIONS].join(", ")}`,
    ),
  ];
}

/** Cloud and external providers stay inside the regions the stack file allows; `eu` is wider than any list of them. */
function inResidency({ cloud, providers, residency }: PlatformConfig): ConfigProblem[] {
  if (residency === undefined) return [];
  const { regions } = residency;
  const leaves = (path: (string | number)[], region: string): ConfigProblem[] =>
    regions.includes(region)
      ? []
      : [
          problem(
            path,
            region,
            `data would leave the allowed regions ${regions.join(", ")}`,
            "use one of them, or have somebody who may widen residency.regions",
          ),
        ];
  return [
    ...regions.flatMap((region, index) =>
      EU_REGIONS.has(region)
        ? []
        : [
            problem(
              ["residency", "regions", index],
              region,
              `'${region}' is not a region inside the EU-27`,
              `use some of ${[...EU_REGIONS].join(", ")}`,
            ),
          ],
    ),
    ...(cloud.provider === "local" ? [] : leaves(["cloud", "region"], cloud.region)),
    ...providers.flatMap(({ region }, index) => leaves(["providers", index, "region"], region)),
  ];
}

function zonesInRegion({ cloud }: PlatformConfig): ConfigProblem[] {
  if (cloud.provider !== "aws" && cloud.provider !== "gcp") return [];
  const zoneOf = cloud.provider === "aws" ? /^[a-z]$/ : /^-[a-z]$/;
  const example = cloud.provider === "aws" ? `${cloud.region}a` : `${cloud.region}-a`;
  return cloud.zones.flatMap((zone, index) => {
    const path = ["cloud", "zones", index];
    if (cloud.zones.indexOf(zone) !== index)
      return [problem(path, zone, `zone '${zone}' is listed twice`, "list each zone once")];
    return zone.startsWith(cloud.region) && zoneOf.test(zone.slice(cloud.region.length))
      ? []
      : [
          problem(
            path,
            zone,
            `zone '${zone}' is not in region '${cloud.region}'`,
            `use a zone such as ${example}`,
          ),
        ];
  });
}

function endpointNotWorldOpen({ cloud }: PlatformConfig): ConfigProblem[] {
  if (cloud.provider !== "aws" && cloud.provider !== "gcp") return [];
  const { access, allowedCidrs } = cloud.cluster.endpoint;
  return allowedCidrs.flatMap((network, index) => {
    const path = ["cloud", "cluster", "endpoint", "allowedCidrs", index];
    if (addressRange(network).prefix < 8)
      return [
        problem(
          path,
          network,
          `${network} opens the Kubernetes API to ${network.endsWith("/0") ? "the whole internet" : "more than a /8"}`,
          access === "public"
            ? "list the networks of your offices or CI runners, or set access: private"
            : "list the networks of your VPN or CI runners",
        ),
      ];
    return access === "public" || isPrivate(network)
      ? []
      : [
          problem(
            path,
            network,
            `${network} is not a private network (RFC 1918, RFC 6598), and nobody reaches a private endpoint from the internet`,
            "list private networks with a route to it, or set access: public",
          ),
        ];
  });
}

function systemNodesOrdered({ cloud }: PlatformConfig): ConfigProblem[] {
  if (cloud.provider !== "aws" && cloud.provider !== "gcp") return [];
  const { min, expected, max } = cloud.cluster.systemNodes;
  if (min <= expected && expected <= max) return [];
  return [
    problem(
      ["cloud", "cluster", "systemNodes"],
      { min, expected, max },
      `min <= expected <= max does not hold: ${min} <= ${expected} <= ${max}`,
      "order the three numbers",
    ),
  ];
}

function networksDisjoint({ cloud }: PlatformConfig): ConfigProblem[] {
  if (cloud.provider !== "gcp") return [];
  const ranges = (["cidr", "podsCidr", "servicesCidr", "controlPlaneCidr", "proxyCidr"] as const).flatMap(
    (name) => {
      const range = cloud.network[name];
      return range === undefined ? [] : [{ name, range }];
    },
  );
  const clashes = ranges.flatMap(({ name, range }, index) =>
    ranges
      .slice(0, index)
      .flatMap((other) =>
        overlaps(range, other.range)
          ? [
              problem(
                ["cloud", "network", name],
                range,
                `${name} ${range} overlaps ${other.name} ${other.range}`,
                "give every range its own addresses",
              ),
            ]
          : [],
      ),
  );
  const { prefix } = addressRange(cloud.network.controlPlaneCidr);
  if (prefix === 28) return clashes;
  return [
    ...clashes,
    problem(
      ["cloud", "network", "controlPlaneCidr"],
      cloud.network.controlPlaneCidr,
      `GKE takes exactly a /28 for the control plane, not a /${prefix}`,
      "write a network that ends in /28",
    ),
  ];
}

function vpcSize({ cloud }: PlatformConfig): ConfigProblem[] {
  if (cloud.provider !== "aws") return [];
  const { prefix } = addressRange(cloud.network.cidr);
  if (prefix >= AWS_VPC_PREFIX.widest && prefix <= AWS_VPC_PREFIX.narrowest) return [];
  return [
    problem(
      ["cloud", "network", "cidr"],
      cloud.network.cidr,
      `a /${prefix} does not fit: AWS takes at most a /${AWS_VPC_PREFIX.widest}, and the zones need at least a /${AWS_VPC_PREFIX.narrowest}`,
      `write a network between /${AWS_VPC_PREFIX.widest} and /${AWS_VPC_PREFIX.narrowest}`,
    ),
  ];
}

function principalsOfAccount({ cloud }: PlatformConfig): ConfigProblem[] {
  if (cloud.provider !== "aws") return [];
  return cloud.cluster.access.flatMap(({ principalArn }, index) =>
    principalArn.startsWith(`arn:aws:iam::${cloud.accountId}:`)
      ? []
      : [
          problem(
            ["cloud", "cluster", "access", index, "principalArn"],
            principalArn,
            `the principal is not in account ${cloud.accountId}`,
            "use a role of the environment's own account, or correct accountId",
          ),
        ],
  );
}

const rules = [
  regionInUnion,
  zonesInRegion,
  endpointNotWorldOpen,
  systemNodesOrdered,
  networksDisjoint,
  vpcSize,
  principalsOfAccount,
];

/** Rules about the cloud section. */
export const cloudChecks: readonly Check[] = [
  { needs: ["environment", "cloud"], run: stageMatchesCloud },
  { needs: ["cloud", "providers", "residency"], run: inResidency },
  ...rules.map((run): Check => ({ needs: ["cloud"], run })),
];
