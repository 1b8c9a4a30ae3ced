import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { checkConfig } from "../gateway/src/config/load.ts";
import { guardCode } from "../gateway/src/guards/code.ts";
import { gatewayConfiguration } from "./gateway-configuration.ts";
import type { PlatformConfig } from "./schema/platform.ts";
import { readStack } from "./schema/stack-file.ts";
import { OPENAI_EU } from "./testing/providers.ts";

const S3 = { bucket: { kind: "s3", bucket: "acme-prod-audit", region: "eu-south-2" } } as const;
const stack = (name: string): PlatformConfig => readStack(join(import.meta.dirname), name);

describe("gatewayConfiguration", () => {
  it("puts every model of acme-prod behind guards, limits across replicas and the locked bucket", () => {
    const configuration = gatewayConfiguration(stack("acme-prod"), S3);
    expect(configuration.audit).toMatchObject({
      mode: "required",
      store: { kind: "s3", bucket: "acme-prod-audit", region: "eu-south-2", prefix: "segments/" },
    });
    expect(configuration.shared).toMatchObject({ kind: "redis" });
    expect(configuration.upstreams.map(({ baseUrl, addresses }) => [baseUrl, addresses])).toEqual([
      ["http://claims-assistant.claims.svc.cluster.local:8000", { kind: "each" }],
      ["http://claims-reasoner.claims.svc.cluster.local:8000", { kind: "each" }],
    ]);
    expect(configuration.models.map(({ totalMs, cache, hold }) => [totalMs, cache, hold])).toEqual([
      [40_000, { seconds: 600 }, null],
      [120_000, { seconds: 600 }, null],
    ]);
    expect(configuration.guards).toMatchObject({
      input: [
        { detector: "secrets", action: "block" },
        { detector: "pii", action: "redact" },
        { detector: "injection", action: "review" },
      ],
      stream: { mode: "window" },
    });
  });

  it("bounds agent runs by steps, time, tokens, money, tool calls and repetitions", () => {
    const config = stack("acme-prod");
    const trace = {
      maxSteps: 9,
      maxSeconds: 60,
      maxTokens: 1000,
      maxRepeats: 2,
      maxToolCalls: 5,
      maxUsd: 0.5,
    };
    const clients = config.gateway.clients.map((client) => ({ ...client, trace }));
    const configuration = gatewayConfiguration({ ...config, gateway: { ...config.gateway, clients } }, S3);
    expect(configuration.clients[0]?.trace).toEqual({
      maxSteps: 9,
      maxSeconds: 60,
      maxTokens: 1000,
      maxRepeats: 2,
      maxToolCalls: 5,
      maxCost: "0.50",
    });
  });

  it("sends simple requests to the smaller model, back to the model itself where that fails, and never those of an adapter", () => {
    const config = stack("acme-prod");
    const [first, ...others] = config.models;
    if (first?.engine.kind !== "vllm") throw new Error("acme-prod's first model is not on vLLM");
    const adapter = {
      name: "motor",
      image: "registry.example/motor",
      digest: `sha256:${"e".repeat(64)}`,
      rank: 16,
    } as const;
    const tiers = [{ maxInputTokens: 256, maxMessages: 4, tools: "none", model: "claims-reasoner" }] as const;
    const changed = {
      ...config,
      models: [{ ...first, tiers: [...tiers], engine: { ...first.engine, adapters: [adapter] } }, ...others],
    };
    const [main, motor] = gatewayConfiguration(changed, S3).models;
    expect(main).toMatchObject({
      tiers: [
        {
          maxInputTokens: 256,
          maxMessages: 4,
          tools: "none",
          routes: [{ upstream: "claims-reasoner", model: "claims-reasoner" }],
        },
      ],
      fallbacks: [{ upstream: "claims-assistant", model: "claims-assistant" }],
    });
    expect(motor).not.toHaveProperty("tiers");
  });

  it("keeps idle connections longer than the load balancer of an entry does", () => {
    const listen = (name: string): unknown => gatewayConfiguration(stack(name), S3).listen;
    const base = { host: "0.0.0.0", port: 8080 };
    // Twice the 60 s of the slowest model, ten seconds for the load balancer and ten for the gateway.
    expect(listen("acme-prod")).toEqual({ ...base, keepAliveMs: 140_000 });
    expect(listen("globex-prod")).toEqual({ ...base, keepAliveMs: 610_000 });
    expect(listen("acme-staging")).toEqual(base);
  });

  it("tells the gateway what cached input costs only where the stack file says so", () => {
    const config = stack("acme-prod");
    const priced = (changes: object): unknown => {
      const [model] = OPENAI_EU.models.map((each) => ({ ...each, ...changes }));
      const providers = [{ ...OPENAI_EU, models: model === undefined ? [] : [model] }];
      return gatewayConfiguration({ ...config, providers }, S3).models.find(({ name }) => name === "gpt")
        ?.price;
    };
    const price = {
      currency: "USD",
      inputPerMillion: "2.5",
      outputPerMillion: "10",
      source: "price list",
      asOf: "2026-11-01",
    };
    expect(priced({})).toEqual(price);
    expect(priced({ cachedInputUsdPerMillion: "0.25" })).toEqual({ ...price, cachedInputPerMillion: "0.25" });
  });

  it("offers adapters under their own names, served by their base model", () => {
    const config = stack("acme-prod");
    const [first, ...others] = config.models;
    if (first?.engine.kind !== "vllm") throw new Error("acme-prod's first model is not on vLLM");
    const adapter = {
      name: "motor",
      image: "registry.example/motor",
      digest: `sha256:${"e".repeat(64)}`,
      rank: 16,
    } as const;
    const changed = {
      ...config,
      models: [{ ...first, engine: { ...first.engine, adapters: [adapter] } }, ...others],
    };
    expect(gatewayConfiguration(changed, S3).models.map(({ name, routes }) => [name, routes])).toEqual([
      [
        "claims-assistant",
        [expect.objectContaining({ upstream: "claims-assistant", model: "claims-assistant" })],
      ],
      ["motor", [expect.objectContaining({ upstream: "claims-assistant", model: "motor" })]],
      [
        "claims-reasoner",
        [expect.objectContaining({ upstream: "claims-reasoner", model: "claims-reasoner" })],
      ],
    ]);
  });

  it("holds calls for models that scale to zero, and leaves room for it in the total time", () => {
    const [model] = gatewayConfiguration(stack("dev"), { bucket: { kind: "gcs", bucket: "bucket" } }).models;
    expect(model).toMatchObject({ hold: { seconds: 600 }, totalMs: 720_000 });
  });

  it("keeps records on the volumes where there is no bucket", () => {
    const { store } = gatewayConfiguration(stack("acme-prod"), { bucket: { kind: "local" } }).audit;
    expect(store).toEqual({ kind: "directory", path: "/var/lib/llmops-gateway/audit-segments" });
  });

  it("keeps content with a key per person, the keys in a bucket of their own", () => {
    const keys = { kind: "s3", bucket: "acme-prod-keys", region: "eu-south-2" } as const;
    const { content } = gatewayConfiguration(stack("acme-prod"), { ...S3, subjectKeys: keys }).audit;
    expect(content).toMatchObject({
      kind: "encrypted",
      objects: { bucket: "acme-prod-audit", prefix: "content/" },
      keys: { bucket: "acme-prod-keys", prefix: "keys/" },
    });
  });

  it("gives providers their credential, price and a share of the cap for each client", () => {
    const config = stack("acme-prod");
    const [client] = config.gateway.clients as [PlatformConfig["gateway"]["clients"][number]];
    const both = ["a", "b", "c"].map((id, at) => ({
      ...client,
      id,
      keys: [String(at).repeat(64)],
      models: id === "c" ? ["claims-assistant"] : ["claims-assistant", "gpt"],
    }));
    const configuration = gatewayConfiguration(
      { ...config, providers: [OPENAI_EU], gateway: { ...config.gateway, clients: both } },
      S3,
    );
    expect(configuration.upstreams.at(-1)).toMatchObject({
      name: "openai-eu",
      credential: { from: "env", name: "PROVIDER_OPENAI_EU_KEY" },
      credentialHeader: "authorization",
    });
    expect(configuration.models.at(-1)).toMatchObject({
      name: "gpt",
      routes: [{ upstream: "openai-eu", model: "gpt-x" }],
      price: { inputPerMillion: "2.5", currency: "USD" },
    });
    expect(configuration.clients.map(({ budget }) => budget)).toEqual([
      { currency: "USD", amount: "500.00", period: "month" },
      { currency: "USD", amount: "500.00", period: "month" },
      null,
    ]);
  });

  it("lets flagged requests wait for a person where oversight says so", () => {
    const config = stack("acme-prod");
    const flagging: PlatformConfig = {
      ...config,
      guardrails: { ...config.guardrails, promptInjection: "flag", pii: "off" },
      gateway: {
        ...config.gateway,
        admins: [{ id: "maria", key: "1".repeat(64), roles: ["review"] }],
      },
    };
    const rules = (review: "flagged" | "none"): unknown =>
      gatewayConfiguration({ ...flagging, oversight: { ...config.oversight, review } }, S3).guards?.input;
    expect(rules("flagged")).toEqual([
      { detector: "secrets", action: "block" },
      { detector: "injection", action: "review" },
    ]);
    expect(rules("none")).toContainEqual({ detector: "injection", action: "flag" });
  });

  it("names the guards' code, and a gateway with other code refuses it", () => {
    const configuration = gatewayConfiguration(stack("acme-prod"), S3);
    expect(configuration.guards?.code).toBe(guardCode());
    const other = `sha256:${"0".repeat(64)}`;
    expect(() => checkConfig({ ...configuration, guards: { ...configuration.guards, code: other } })).toThrow(
      `guards.code: the configuration is for guards ${other}, this gateway has ${guardCode()}`,
    );
  });

  it("has a hash of the guards' code that anybody can make from the files", () => {
    const folder = join(import.meta.dirname, "..", "gateway", "src", "guards");
    const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter(
      (file) => file.endsWith(".ts") && !file.endsWith(".test.ts"),
    );
    const sha256 = (text: string | Buffer): string => createHash("sha256").update(text).digest("hex");
    const hashes = files.map((file) => [file, sha256(readFileSync(join(folder, file)))] as const);
    const sorted = Object.fromEntries([...hashes].sort(([a], [b]) => (a < b ? -1 : 1)));
    expect(files).toContain("pii.ts");
    expect(guardCode()).toBe(`sha256:${sha256(JSON.stringify(sorted))}`);
  });
});
