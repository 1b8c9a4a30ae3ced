import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parsePlatform } from "../parse.ts";
import type { PlatformConfig } from "../platform.ts";
import { readStack } from "../stack-file.ts";

const STACKS = join(import.meta.dirname, "..", "..");
const acme = readStack(STACKS, "acme-prod");
const globex = readStack(STACKS, "globex-prod");

type Entry = Exclude<PlatformConfig["gateway"]["entry"], { kind: "none" }>;

function entryOf(config: PlatformConfig): Entry {
  const { entry } = config.gateway;
  if (entry.kind === "none") throw new Error("no entry");
  return entry;
}

function withEntry(config: PlatformConfig, changes: object): PlatformConfig {
  return { ...config, gateway: { ...config.gateway, entry: { ...entryOf(config), ...changes } } };
}

const common = {
  hostname: "llm.eu.acme.example",
  regions: ["eu-south-2", "eu-central-1"],
  certificate: "arn:aws:acm:eu-south-2:111122223333:certificate/common",
  record: { kind: "each-region" },
};

const inSpain: PlatformConfig = {
  ...acme,
  site: "es",
  residency: { regions: ["eu-south-2", "eu-central-1"] },
};

const googleCommon = {
  hostname: "llm.eu.globex.example",
  regions: ["europe-west4", "europe-west1"],
  certificate: "llm-eu",
  record: { kind: "here", others: [{ region: "europe-west1", address: "34.1.2.3" }] },
};

const inNetherlands: PlatformConfig = { ...globex, site: "nl" };

function problems(config: unknown): string[] {
  const parsed = parsePlatform(config);
  return parsed.kind === "valid"
    ? []
    : parsed.problems.map(({ path, reason, fix }) => `${path}: ${reason}; ${fix}`);
}

describe("an entry", () => {
  it.each([
    ["as shipped on AWS", acme],
    ["as shipped on Google Cloud", globex],
    ["public", withEntry(acme, { kind: "public" })],
    [
      "with a certificate of the account",
      withEntry(acme, { certificate: { kind: "existing", name: common.certificate } }),
    ],
    ["under a common name on AWS", withEntry(inSpain, { common })],
    [
      "under a common name on Google Cloud",
      withEntry(inNetherlands, { kind: "public", common: googleCommon }),
    ],
    [
      "under a common name whose record is elsewhere",
      withEntry(inNetherlands, {
        kind: "public",
        common: { ...googleCommon, record: { kind: "elsewhere" } },
      }),
    ],
  ])("%s is valid", (_what, config) => {
    expect(problems(config)).toEqual([]);
  });

  it.each([
    [
      "without networks",
      withEntry(acme, { kind: "public", allowedCidrs: [] }),
      [
        "gateway.entry.allowedCidrs: too small: expected array to have >=1 items; set gateway.entry.allowedCidrs to at least 1 entries (Networks callers come from; wider than a /8 is refused)",
      ],
    ],
    [
      "for the whole internet",
      withEntry(acme, { kind: "public", allowedCidrs: ["0.0.0.0/0"] }),
      [
        "gateway.entry.allowedCidrs[0]: 0.0.0.0/0 opens the gateway to the whole internet; list the networks your callers come from",
      ],
    ],
    [
      "for half of it",
      withEntry(acme, { allowedCidrs: ["10.0.0.0/8", "128.0.0.0/1"] }),
      [
        "gateway.entry.allowedCidrs[1]: 128.0.0.0/1 opens the gateway to more than a /8; list the networks your callers come from",
      ],
    ],
    [
      "public, with a caller nothing identifies",
      withEntry(
        {
          ...acme,
          gateway: {
            ...acme.gateway,
            clients: acme.gateway.clients.map((client) => ({ ...client, keys: [] })),
          },
        },
        { kind: "public" },
      ),
      [
        "gateway.clients[0].keys: nothing identifies this client; add a key digest or a subject",
        "gateway.entry.kind: the internet would reach a gateway whose client 'claims-portal' nothing identifies; write gateway.clients[0].keys or subjects, or set kind: private",
      ],
    ],
    [
      "in a zone of another cloud",
      withEntry(acme, { zone: "acme-example" }),
      ["gateway.entry.zone: this is not a zone id of Route 53; write one such as Z0123456789ABCDEFGHIJ"],
    ],
    [
      "with a certificate of another region",
      withEntry(acme, {
        certificate: { kind: "existing", name: "arn:aws:acm:us-east-1:111122223333:certificate/a" },
      }),
      [
        "gateway.entry.certificate.name: this is not a certificate of eu-south-2; write one such as arn:aws:acm:eu-south-2:111122223333:certificate/<id>",
      ],
    ],
    [
      "that would give up before the gateway does",
      withEntry(
        {
          ...acme,
          models: acme.models.map((model) => ({ ...model, slo: { ...model.slo, e2eP99Ms: 2_000_000 } })),
        },
        {},
      ),
      [
        "gateway.entry.kind: a call may take 4010 seconds, and a load balancer on AWS gives up after 4000 of silence; lower models[].slo.e2eP99Ms or gateway.holdSeconds, or set kind: none",
      ],
    ],
    [
      "nobody has said the traffic of",
      { ...globex, budget: { ...globex.budget, usage: {} } },
      [
        "budget.usage.balancerGiB: the entry is billed by what goes through it, and nobody has said how much; write expected and max, GiB per month",
      ],
    ],
    [
      "without proxies",
      {
        ...globex,
        cloud: {
          ...globex.cloud,
          network: { ...(globex.cloud as { network: object }).network, proxyCidr: undefined },
        },
      },
      [
        "cloud.network.proxyCidr: the load balancer of gateway.entry has no range for its proxies; write a free /26",
      ],
    ],
    [
      "with too few proxies, in a range that is taken",
      {
        ...globex,
        cloud: {
          ...globex.cloud,
          network: { ...(globex.cloud as { network: object }).network, proxyCidr: "10.69.0.0/28" },
        },
      },
      [
        "cloud.network.proxyCidr: proxyCidr 10.69.0.0/28 overlaps controlPlaneCidr 10.69.0.0/28; give every range its own addresses",
        "cloud.network.proxyCidr: proxies need at least a /26; write a wider range",
      ],
    ],
    [
      "over regions outside of the residency",
      withEntry({ ...inSpain, residency: { regions: ["eu-south-2"] } }, { common }),
      [
        "gateway.entry.common.regions[1]: callers would be answered outside of residency.regions eu-south-2; leave the region out, or have somebody who may widen residency.regions",
      ],
    ],
    [
      "over regions outside of the Union",
      withEntry({ ...acme, site: "es" }, { common: { ...common, regions: ["eu-south-2", "us-east-1"] } }),
      [
        "gateway.entry.common.regions[1]: callers would be answered outside of the EU-27; leave the region out, or have somebody who may widen residency.regions",
      ],
    ],
    [
      "over regions without its own, one of them twice, under its own name, without a site",
      withEntry(acme, {
        common: { ...common, regions: ["eu-central-1", "eu-central-1"], hostname: entryOf(acme).hostname },
      }),
      [
        "gateway.entry.common.regions: this environment's region eu-south-2 is not among them; add it",
        "gateway.entry.common.regions: a region is listed twice; list each region once",
        "site: several regions answer under one name, and nothing tells them apart; write a site",
        "gateway.entry.common.hostname: it is the name of this environment alone, which callers bound to this region use; give the regions a name of their own",
      ],
    ],
    [
      "whose record is in one place on AWS",
      withEntry(inSpain, { common: { ...common, record: { kind: "elsewhere" } } }),
      [
        "gateway.entry.common.record.kind: in Route 53 every region has a record of its own; leave record out",
      ],
    ],
    [
      "whose record is in every region on Google Cloud",
      withEntry(inNetherlands, {
        kind: "public",
        common: { ...googleCommon, record: { kind: "each-region" } },
      }),
      [
        "gateway.entry.common.record.kind: Cloud DNS keeps all regions of a name in one record set; write kind: here with the others' addresses in one region's file, and kind: elsewhere in the others",
      ],
    ],
    [
      "whose record lacks a region",
      withEntry(inNetherlands, {
        kind: "public",
        common: { ...googleCommon, regions: ["europe-west4", "europe-west1", "europe-west3"] },
      }),
      [
        "gateway.entry.common.record.others: the other regions of the name are europe-west1, europe-west3; give one address for each of them",
      ],
    ],
    [
      "private over regions on Google Cloud",
      withEntry(inNetherlands, { common: googleCommon }),
      [
        "gateway.entry.common: each region has a network of its own, and nothing here checks the health of private entries over them; use the name of each environment, or set kind: public",
      ],
    ],
    [
      "of a cluster somebody else made",
      {
        ...acme,
        gpuPools: acme.gpuPools.map((pool) => ({ ...pool, provisioner: "unmanaged" })),
        cloud: {
          provider: "existing",
          clusterName: "shared",
          region: "eu-south-2",
          kubeconfigPath: "kubeconfig",
          gpuSoftware: "managed",
        },
      },
      [
        "gateway.entry.kind: provider 'existing' has no load balancer the platform could make and check; set kind: none, and lead your own load balancer to the Service gateway in namespace llm-gateway, paths /v1 only",
      ],
    ],
  ])("%s is refused", (_what, config, expected) => {
    expect(problems(config)).toEqual(expected);
  });
});
