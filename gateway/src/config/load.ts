import { readFile } from "node:fs/promises";
import { parse } from "yaml";
import { z } from "zod";
import { canonicalJson } from "../audit/canonical-json.ts";
import { sha256Hex } from "../audit/chain.ts";
import { guardCode } from "../guards/code.ts";
import { rulesOf } from "../guards/rules.ts";
import type { GatewayConfig, RuleConfig } from "./schema.ts";
import { gatewayConfigSchema } from "./schema.ts";

/** Raised for a configuration that cannot be used; lists every problem with its path. */
export class ConfigError extends Error {
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(`the gateway configuration is not valid:\n${problems.map((problem) => `  ${problem}`).join("\n")}`);
    this.name = "ConfigError";
    this.problems = problems;
  }
}

/** A usable configuration with its digest. */
export interface LoadedConfig {
  readonly config: GatewayConfig;
  /** SHA-256 of the canonical configuration; it holds no secret values. */
  readonly hash: string;
}

function duplicates(what: string, names: readonly string[]): string[] {
  return [...new Set(names.filter((name, index) => names.indexOf(name) !== index))].map(
    (name) => `${what}: "${name}" is there more than once`,
  );
}

/** A kind the detector does not find would turn its rule off without a word. */
function unknownKinds(side: "input" | "output", rules: readonly RuleConfig[]): string[] {
  return rulesOf(rules).flatMap(({ detector, kinds }, index) =>
    [...(kinds ?? [])]
      .filter((kind) => !detector.kinds.includes(kind))
      .map(
        (kind) =>
          `guards.${side}[${index}].kinds: "${kind}" is none of ${rules[index]?.detector}: ${detector.kinds.join(", ")}`,
      ),
  );
}

function crossChecks(config: GatewayConfig): string[] {
  const problems = [
    ...duplicates(
      "upstreams",
      config.upstreams.map(({ name }) => name),
    ),
    ...duplicates(
      "models",
      config.models.map(({ name }) => name),
    ),
    ...duplicates(
      "clients",
      config.clients.map(({ id }) => id),
    ),
    ...(["keys", "subjects", "certificates"] as const).flatMap((what) =>
      duplicates(
        `clients.${what}`,
        config.clients.flatMap((client) => client[what]),
      ),
    ),
  ];
  const upstreams = new Map(config.upstreams.map((upstream) => [upstream.name, upstream]));
  const models = new Map(config.models.map((model) => [model.name, model]));
  config.models.forEach((model, index) => {
    for (const target of [
      ...model.routes,
      ...model.tiers.flatMap(({ routes }) => routes),
      ...model.fallbacks,
    ]) {
      const upstream = upstreams.get(target.upstream);
      const missing = model.endpoints.filter((endpoint) => !(upstream?.endpoints ?? []).includes(endpoint));
      if (upstream === undefined)
        problems.push(`models[${index}]: there is no upstream "${target.upstream}"`);
      else if (missing.length > 0)
        problems.push(`models[${index}]: ${target.upstream} does not serve ${missing.join(", ")}`);
    }
  });
  config.models.forEach(({ hold, totalMs, prompts, endpoints }, index) => {
    if (hold !== null && hold.seconds * 1000 >= totalMs)
      problems.push(
        `models[${index}].hold.seconds: ${hold.seconds} s must be less than totalMs (${totalMs})`,
      );
    const bare = endpoints.filter((path) => path === "/v1/completions" || path === "/v1/embeddings");
    if (prompts.length > 0 && bare.length > 0)
      problems.push(`models[${index}].prompts: ${bare.join(", ")} takes no system prompt`);
    problems.push(
      ...duplicates(
        `models[${index}].prompts`,
        prompts.map(({ version }) => version),
      ),
    );
  });
  const { code } = config.guards;
  if (code !== null && code !== guardCode())
    problems.push(
      `guards.code: the configuration is for guards ${code}, this gateway has ${guardCode()}: deploy the image of the commit the configuration is from`,
    );
  const hasReview = [...config.guards.input, ...config.guards.output].some(
    ({ action }) => action === "review",
  );
  if (hasReview && config.admin?.keys.some(({ roles }) => roles.includes("review")) !== true)
    problems.push('guards: a rule asks for review and no key of "admin.keys" has the role "review"');
  if (config.clients.some(({ subjects }) => subjects.length > 0) && config.tokens === null)
    problems.push('clients: "subjects" need "tokens"');
  if (
    config.clients.some(({ certificates }) => certificates.length > 0) &&
    config.listen.tls?.clientAuthorityPath == null
  )
    problems.push('clients: "certificates" need "listen.tls.clientAuthorityPath"');
  config.clients.forEach((client, index) => {
    if (client.keys.length + client.subjects.length + client.certificates.length === 0)
      problems.push(`clients[${index}]: give it keys, subjects or certificates`);
    if (client.trace?.maxCost != null && client.models.some((each) => models.get(each)?.price === null))
      problems.push(`clients[${index}].trace.maxCost: each of its models needs a price`);
    for (const name of client.models) {
      const model = models.get(name);
      if (model === undefined) problems.push(`clients[${index}].models: there is no model "${name}"`);
      else if (
        client.budget !== null &&
        model.price !== "none" &&
        model.price?.currency !== client.budget.currency
      ) {
        problems.push(`clients[${index}].budget: model "${name}" has no price in ${client.budget.currency}`);
      }
    }
  });
  problems.push(
    ...unknownKinds("input", config.guards.input),
    ...unknownKinds("output", config.guards.output),
  );
  const rules = rulesOf(config.guards.output);
  const longest = Math.max(0, ...rules.map(({ detector }) => detector.maxLength));
  const { mode, window } = config.guards.stream;
  if (mode === "window" && window < longest) {
    problems.push(`guards.stream.window: ${window} is shorter than the longest match (${longest})`);
  }
  return problems;
}

/**
 * Checks a configuration value.
 * @throws ConfigError with every problem found.
 */
export function checkConfig(value: unknown): LoadedConfig {
  const result = gatewayConfigSchema.safeParse(value);
  if (!result.success) {
    throw new ConfigError(
      result.error.issues.map((issue) => `${z.core.toDotPath(issue.path)}: ${issue.message}`),
    );
  }
  const problems = crossChecks(result.data);
  if (problems.length > 0) throw new ConfigError(problems);
  return { config: result.data, hash: sha256Hex(canonicalJson(result.data)) };
}

/**
 * Reads a YAML (or JSON) configuration file.
 * @throws ConfigError when it cannot be parsed or is not valid.
 */
export async function readConfig(path: string): Promise<LoadedConfig> {
  const text = await readFile(path, "utf8");
  let value: unknown;
  try {
    value = parse(text, { uniqueKeys: true, maxAliasCount: 0 });
  } catch (error) {
    throw new ConfigError([error instanceof Error ? error.message : String(error)]);
  }
  return checkConfig(value);
}
