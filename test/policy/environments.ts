import { join } from "node:path";
import { policyOf } from "../../plan/policy.ts";
import type { StackPlan } from "../../plan/stack-plan.ts";
import { sharedPlan } from "../../plan/testing/shared-plan.ts";
import type { Control } from "../../policies/controls/control.ts";
import type { PolicyReport } from "../../policies/report.ts";
import type { PlatformConfig } from "../../stacks/schema/platform.ts";
import { parsePlatform } from "../../stacks/schema/parse.ts";
import { readStack } from "../../stacks/schema/stack-file.ts";
import { MISTRAL } from "../../stacks/testing/providers.ts";
import type { Change } from "./changes.ts";

/** Stacks that are shipped. */
export const SHIPPED = ["acme-prod", "acme-staging", "dev", "globex-prod"] as const;

/** Shipped stacks, and what they become with settings no shipped stack has. */
export type Environment =
  | (typeof SHIPPED)[number]
  | "acme-with-content"
  | "globex-with-content"
  | "globex-high-risk"
  | "acme-with-provider";

/** Day of every test. */
export const NOW = "2026-11-24T12:00:00.000Z";

const ERASER = { id: "dpo", key: `${"0".repeat(63)}4`, roles: ["erase"] } as const;

type Admin = PlatformConfig["gateway"]["admins"][number];

function withContent(config: PlatformConfig): PlatformConfig {
  const admins: Admin[] = [...config.gateway.admins, { ...ERASER, roles: [...ERASER.roles] }];
  return {
    ...config,
    audit: { ...config.audit, content: "encrypted" },
    gateway: { ...config.gateway, admins },
  };
}

/** Every model keeps downloads and kernels in shared files, and the stack file says what they cost. */
export function withSharedFiles(config: PlatformConfig): PlatformConfig {
  const { budget, cloud, models } = config;
  if (cloud.provider !== "aws" && cloud.provider !== "gcp") throw new Error("there is no cloud");
  const { onUnknownPrice, usage } = budget;
  if (onUnknownPrice.kind !== "assume") throw new Error("nothing is assumed");
  const place = `${cloud.provider}/${cloud.region}`;
  return {
    ...config,
    models: models.map((model) => ({ ...model, cache: { kind: "shared", sizeGiB: 1024 } })),
    budget: {
      ...budget,
      monthly: budget.monthly + 10_000,
      usage: {
        ...usage,
        ...(cloud.provider === "aws" ? { sharedFileGiB: { expected: 5_000, max: 20_000 } } : {}),
      },
      onUnknownPrice: {
        ...onUnknownPrice,
        usdPerHour: { ...onUnknownPrice.usdPerHour, [`${place}/shared-file-gib`]: 0.0005 },
        usdPerUnit: { ...onUnknownPrice.usdPerUnit, [`${place}/use/shared-file-io-gib`]: 0.06 },
      },
    },
  };
}

function highRisk(config: PlatformConfig): PlatformConfig {
  const declared = (control: string, subject: string): PlatformConfig["attestations"][number] => ({
    control,
    subject,
    owner: "dpo@globex.example",
    statement: "A declaration for the tests of this repository.",
    reference: "TEST-1",
    date: "2026-11-01",
    expires: "2027-01-01",
  });
  const { riskClass, models } = config;
  return {
    ...config,
    riskClass: { ...riskClass, level: "high", annexIII: "5(b)" },
    documentation: { vault: { kind: "locked", retentionDays: 3_653 } },
    models: models.map((model) => ({
      ...model,
      autoscaling: {
        ...model.autoscaling,
        minReplicas: 2,
        expectedReplicas: Math.max(2, model.autoscaling.expectedReplicas),
      },
    })),
    attestations: [
      declared("AIA-GOV-04", "dpia"),
      declared("AIA-GOV-04", "fria"),
      declared("AIA-OVR-01", "drill"),
      ...models.map(({ name, source }) =>
        declared("AIA-TST-01", `${name}@${source.kind === "hub" ? source.revision : source.digest}`),
      ),
    ],
  };
}

function withTraces(config: PlatformConfig): PlatformConfig {
  return {
    ...config,
    observability: {
      ...config.observability,
      telemetry: {
        kind: "collector",
        image: `registry.globex.example/otelcol@sha256:${"0".repeat(64)}`,
        replicas: 2,
        slowMs: 5_000,
        traces: { retentionDays: 7, volumeGiB: 10, storage: "bucket" },
        engineSpans: "off",
        platforms: [],
      },
    },
  };
}

function withProvider(config: PlatformConfig): PlatformConfig {
  return {
    ...config,
    providers: [MISTRAL],
    gateway: {
      ...config.gateway,
      clients: config.gateway.clients.map((client) => ({
        ...client,
        models: [...client.models, "mistral-large"],
      })),
    },
  };
}

const VARIANTS: Readonly<
  Record<Environment, readonly [(typeof SHIPPED)[number], (config: PlatformConfig) => PlatformConfig]>
> = {
  "acme-prod": ["acme-prod", (config) => config],
  "acme-staging": ["acme-staging", (config) => config],
  dev: ["dev", (config) => config],
  "globex-prod": ["globex-prod", (config) => config],
  // They keep shared files and traces besides, because each further environment is planned once more.
  "acme-with-content": ["acme-prod", (config) => withSharedFiles(withContent(config))],
  "globex-with-content": ["globex-prod", (config) => withSharedFiles(withTraces(withContent(config)))],
  "globex-high-risk": ["globex-prod", highRisk],
  "acme-with-provider": ["acme-prod", withProvider],
};

/** Every environment of the tests. */
export const ENVIRONMENTS = Object.keys(VARIANTS) as Environment[];

/** Pulumi stack an environment is a variant of. */
export function stackOf(environment: Environment): (typeof SHIPPED)[number] {
  return VARIANTS[environment][0];
}

/**
 * Configuration of an environment; it passes the schema like any stack file.
 * @throws Error with the problems when it does not
 */
export function configOf(environment: Environment): PlatformConfig {
  const [stack, change] = VARIANTS[environment];
  const config = change(readStack(join(import.meta.dirname, "..", "..", "stacks"), stack));
  const parsed = parsePlatform(config);
  if (parsed.kind === "invalid") throw new Error(JSON.stringify(parsed.problems));
  return parsed.config;
}

/** A planned environment. */
export interface Planned {
  readonly config: PlatformConfig;
  readonly planned: StackPlan;
}

/** An environment with its plan. */
export async function planned(environment: Environment): Promise<Planned> {
  const config = configOf(environment);
  return { config, planned: await sharedPlan(stackOf(environment), config) };
}

/** Plans environments; one after the other, because the Pulumi runtime is one per process. */
export async function planAll(
  environments: readonly Environment[] = ENVIRONMENTS,
): Promise<ReadonlyMap<Environment, Planned>> {
  const found = new Map<Environment, Planned>();
  for (const environment of environments) found.set(environment, await planned(environment));
  return found;
}

/** What is changed before an environment is judged. */
export interface Circumstances {
  readonly change?: Change;
  readonly configure?: (config: PlatformConfig) => PlatformConfig;
  /** ISO time. @default NOW */
  readonly asOf?: string;
  readonly controls?: readonly Control[];
}

/** Judges an environment under circumstances. */
export function judged(
  { config, planned: { plan } }: Planned,
  circumstances: Circumstances = {},
): PolicyReport {
  const { asOf = NOW, controls } = circumstances;
  const { graph } = plan;
  return policyOf({
    graph: circumstances.change?.(graph) ?? graph,
    config: circumstances.configure?.(config) ?? config,
    asOf,
    ...(controls === undefined ? {} : { controls }),
  });
}
