import type { PlatformConfig } from "../platform.ts";
import type { ConfigProblem } from "../problem.ts";
import { servedNames } from "../served-names.ts";
import { problem, type Check } from "./check.ts";

/** Names of all models a client may be given: own ones and those of providers. */
function modelNames({ models, providers }: PlatformConfig): string[] {
  return [
    ...models.flatMap(servedNames),
    ...providers.flatMap((provider) => provider.models.map(({ name }) => name)),
  ];
}

function isServed({ cloud, models, providers }: PlatformConfig): boolean {
  return cloud.provider !== "local" && models.length + providers.length > 0;
}

function deployable(config: PlatformConfig): ConfigProblem[] {
  if (!isServed(config)) return [];
  const { image, redisImage, replicas, clients } = config.gateway;
  return [
    ...(image === undefined
      ? [
          problem(
            ["gateway", "image"],
            image,
            "models are served, and no request may reach them past the gateway",
            "build gateway/Dockerfile and write its image with digest",
          ),
        ]
      : []),
    ...(replicas > 1 && redisImage === undefined
      ? [
          problem(
            ["gateway", "redisImage"],
            redisImage,
            `${replicas} replicas need Redis: each alone would grant every budget in full`,
            "write a Redis image with digest, or set replicas to 1",
          ),
        ]
      : []),
    ...(clients.length === 0
      ? [problem(["gateway", "clients"], clients, "nobody may call the models", "add at least one client")]
      : []),
  ];
}

/** A canary is compared with replicas that keep the version before. */
function canaryLeavesSome({ gateway: { delivery, replicas } }: PlatformConfig): ConfigProblem[] {
  if (delivery.strategy === "rolling" || delivery.replicas < replicas) return [];
  return [
    problem(
      ["gateway", "delivery", "replicas"],
      delivery.replicas,
      `gateway.replicas is ${replicas}, so none would keep the version that serves now`,
      "lower it, raise gateway.replicas, or use strategy: rolling",
    ),
  ];
}

function clients(config: PlatformConfig): ConfigProblem[] {
  const known = modelNames(config);
  const tenants = config.tenancy.tenants.map(({ name }) => name);
  return config.gateway.clients.flatMap((client, index) => {
    const at = ["gateway", "clients", index] as const;
    const strangers = client.models.filter((name) => !known.includes(name));
    return [
      ...strangers.map((name) =>
        problem(
          [...at, "models"],
          name,
          `there is no model '${name}'`,
          `use ${known.join(", ") || "a configured model"}`,
        ),
      ),
      ...(tenants.includes(client.tenant)
        ? []
        : [
            problem([...at, "tenant"], client.tenant, "there is no such tenant", `use ${tenants.join(", ")}`),
          ]),
      ...(client.keys.length + client.subjects.length === 0
        ? [
            problem(
              [...at, "keys"],
              client.keys,
              "nothing identifies this client",
              "add a key digest or a subject",
            ),
          ]
        : []),
      ...(client.subjects.length > 0 && config.gateway.tokens === undefined
        ? [
            problem(
              [...at, "subjects"],
              client.subjects,
              "no identity provider is configured",
              "add gateway.tokens",
            ),
          ]
        : []),
    ];
  });
}

function names(config: PlatformConfig): ConfigProblem[] {
  const ids = config.gateway.clients.map(({ id }) => id);
  const repeated = ids.flatMap((id, index) =>
    ids.indexOf(id) === index
      ? []
      : [
          problem(
            ["gateway", "clients", index, "id"],
            id,
            `the id '${id}' is used twice`,
            "give each client its own id",
          ),
        ],
  );
  const taken = new Set(config.models.flatMap(servedNames));
  const clashes = config.providers.flatMap((provider, index) =>
    provider.models.flatMap(({ name }, at) => {
      if (!taken.has(name)) {
        taken.add(name);
        return [];
      }
      const path = ["providers", index, "models", at, "name"] as const;
      return [problem(path, name, `the model name '${name}' is used twice`, "give each model its own name")];
    }),
  );
  return [...repeated, ...clashes];
}

function reviewers({ guardrails, oversight, gateway, cloud }: PlatformConfig): ConfigProblem[] {
  const flags = Object.values(guardrails).includes("flag");
  const someone = gateway.admins.some(({ roles }) => roles.includes("review"));
  if (cloud.provider === "local" || !flags || oversight.review === "none" || someone) return [];
  return [
    problem(
      ["gateway", "admins"],
      gateway.admins,
      "flagged requests wait for a person, and nobody may decide them",
      'add an administrator with the role "review", or set oversight.review to none',
    ),
  ];
}

function erasable({ audit, cloud, gateway }: PlatformConfig): ConfigProblem[] {
  if (audit.content === "none" || cloud.provider !== "existing" || gateway.replicas === 1) return [];
  return [
    problem(
      ["audit", "content"],
      audit.content,
      "on an existing cluster each replica keeps keys on its own volume, so an erasure would reach one of them only",
      "set content to none, or gateway.replicas to 1",
    ),
  ];
}

function replicable({ audit, cloud }: PlatformConfig): ConfigProblem[] {
  if (audit.replica === undefined || (cloud.provider === "aws" && audit.objectLock !== "none")) return [];
  return [
    problem(
      ["audit", "replica"],
      audit.replica,
      "only a locked store on AWS is copied",
      "remove replica, or use provider aws with objectLock",
    ),
  ];
}

/** Checks of the gateway against models, tenants and oversight. */
export const gatewayChecks: readonly Check[] = [
  { needs: ["gateway"], run: canaryLeavesSome },
  { needs: ["gateway", "models", "providers", "cloud"], run: deployable },
  { needs: ["gateway", "models", "providers", "tenancy"], run: clients },
  { needs: ["gateway", "models", "providers"], run: names },
  { needs: ["guardrails", "oversight", "gateway", "cloud"], run: reviewers },
  { needs: ["audit", "gateway", "cloud"], run: erasable },
  { needs: ["audit", "cloud"], run: replicable },
];
