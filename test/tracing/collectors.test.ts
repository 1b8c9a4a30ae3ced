import { describe, expect, it } from "vitest";
import { capture } from "../../plan/capture.ts";
import { CONTENT_ATTRIBUTES, RENAMED_ATTRIBUTES } from "../../gateway/src/tracing/semconv.ts";
import { ingestConfig, samplingConfig } from "../../components/tracing/collector-config.ts";
import { Collectors } from "../../components/tracing/collectors.ts";
import { platformTarget, type TracePlatform } from "../../components/tracing/platforms.ts";
import { telemetryPolicies } from "../../components/tracing/telemetry-namespace.ts";

const secret = { name: "platforms", key: "token" };
const langsmith: TracePlatform = { kind: "langsmith", region: "eu", project: "p", apiKey: secret };

const image = `registry.example/otelcol@sha256:${"a".repeat(64)}`;

describe("a platform", () => {
  it.each([
    [
      { kind: "mlflow", url: "https://mlflow.acme.example/", experimentId: "7" },
      "https://mlflow.acme.example",
      [],
    ],
    [langsmith, "https://eu.api.smith.langchain.com/otel", ["TRACES_LANGSMITH_CREDENTIAL"]],
    [{ ...langsmith, region: "us" }, "https://api.smith.langchain.com/otel", ["TRACES_LANGSMITH_CREDENTIAL"]],
    [
      { kind: "braintrust", region: "eu", projectId: "p", authorization: secret },
      "https://api-eu.braintrust.dev/otel",
      ["TRACES_BRAINTRUST_CREDENTIAL"],
    ],
    [
      { kind: "langfuse", url: "https://cloud.langfuse.com", authorization: secret },
      "https://cloud.langfuse.com/api/public/otel",
      ["TRACES_LANGFUSE_CREDENTIAL"],
    ],
  ] satisfies [TracePlatform, string, string[]][])(
    "%o has its endpoint, and its secret by reference",
    (platform, endpoint, variables) => {
      const target = platformTarget(platform);
      expect([target.endpoint, Object.keys(target.variables)]).toEqual([endpoint, variables]);
      for (const variable of variables) {
        expect(Object.values(target.headers)).toContain(`\${env:${variable}}`);
        expect(target.variables[variable]).toEqual(secret);
      }
    },
  );
});

describe("the configuration of the collectors", () => {
  it("gives the share that is kept in percent, after what always stays", () => {
    const config = samplingConfig({
      share: 0.05,
      slowMs: 800,
      store: "http://tempo:4318",
      platforms: [langsmith],
    });
    const { policies } = config.processors["tail_sampling"] as { policies: { name: string }[] };
    expect(policies.map(({ name }) => name)).toEqual(["failed", "slow", "stopped", "expensive", "share"]);
    expect(policies).toContainEqual({
      name: "share",
      type: "probabilistic",
      probabilistic: { sampling_percentage: 5 },
    });
    expect(config.service.pipelines["traces"]?.exporters).toEqual(["otlp_http/store", "otlp_http/langsmith"]);
  });

  it("translates every renamed attribute and removes every one with content before a span goes on", () => {
    const config = ingestConfig({
      renames: RENAMED_ATTRIBUTES,
      contentAttributes: CONTENT_ATTRIBUTES,
      sampling: { kind: "static", hostnames: ["a"] },
    });
    const { trace_statements: groups } = config.processors["transform/genai"] as {
      trace_statements: { context: string; statements: string[] }[];
    };
    expect(groups.map(({ context }) => context)).toEqual(["span", "spanevent"]);
    const statements = groups[0]?.statements ?? [];
    for (const [old, name] of RENAMED_ATTRIBUTES) {
      expect(statements).toContain(`delete_key(span.attributes, "${old}")`);
      expect(
        statements.some((line) =>
          line.startsWith(`set(span.attributes["${name}"], span.attributes["${old}"])`),
        ),
      ).toBe(true);
    }
    const pattern = /span\.attributes, "(\^.+)"\)$/.exec(statements.at(-1) ?? "")?.[1] ?? "";
    const removed = new RegExp(pattern.replaceAll("\\\\", "\\"));
    for (const name of [...CONTENT_ATTRIBUTES, "gen_ai.prompt.0.content", "llm.input_messages.0"])
      expect(removed.test(name)).toBe(true);
    for (const name of ["gen_ai.usage.input_tokens", "gen_ai.request.model", "llmops.prompt.version"])
      expect(removed.test(name)).toBe(false);
    expect(Object.keys(config.service.pipelines)).toEqual(["traces"]);
  });
});

describe("Collectors", () => {
  it("hold secrets as references only, in the tier that needs them, and say what changed", async () => {
    const { nodes } = await capture({
      stack: "test",
      program: () =>
        new Collectors(
          "c",
          {
            image,
            replicas: 2,
            renames: RENAMED_ATTRIBUTES,
            contentAttributes: CONTENT_ATTRIBUTES,
            share: 0.1,
            slowMs: 5_000,
            store: "http://tempo:4318",
            platforms: [langsmith],
            labels: {},
          },
          {},
        ),
    });
    const tiers = nodes.filter(({ type }) => type === "kubernetes:apps/v1:Deployment");
    const env = tiers.map(({ inputs }) => JSON.stringify(inputs).includes("TRACES_LANGSMITH_CREDENTIAL"));
    expect(env.filter(Boolean)).toHaveLength(1);
    for (const { inputs } of tiers) {
      expect(inputs).toMatchObject({
        spec: {
          template: {
            metadata: {
              annotations: { "llmops.io/configuration": expect.stringMatching(/^[0-9a-f]{16}$/) as unknown },
            },
          },
        },
      });
    }
  });
});

describe("the namespace of telemetry", () => {
  it("opens to the outside only for platforms, and for the sampling tier only", () => {
    expect(Object.keys(telemetryPolicies({ outside: "none" }))).toEqual([
      "default-deny",
      "inside",
      "senders",
      "readers",
    ]);
    expect(telemetryPolicies({ outside: "https" })["platforms"]).toMatchObject({
      podSelector: { matchLabels: { "app.kubernetes.io/name": "collector-sampling" } },
      egress: [{ to: [{ ipBlock: { cidr: "0.0.0.0/0" } }], ports: [{ protocol: "TCP", port: 443 }] }],
    });
  });
});
