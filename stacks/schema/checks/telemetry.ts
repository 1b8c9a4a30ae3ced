import type { PlatformConfig } from "../platform.ts";
import type { ConfigProblem } from "../problem.ts";
import { bucketsOf } from "../telemetry-storage.ts";
import { problem, type Check } from "./check.ts";

type Telemetry = PlatformConfig["observability"]["telemetry"];
type Platform = Extract<Telemetry, { kind: "collector" }>["platforms"][number];

/** Hosted Langfuse outside of the European Union. @see https://langfuse.com/security/data-regions */
const LANGFUSE_OUTSIDE = /^(us|hipaa|jp)\.cloud\.langfuse\.com$/;

function leavesUnion(platform: Platform): { readonly key: string; readonly value: string } | undefined {
  switch (platform.kind) {
    case "langsmith":
    case "braintrust":
      return platform.region === "eu" ? undefined : { key: "region", value: platform.region };
    case "langfuse":
      return LANGFUSE_OUTSIDE.test(new URL(platform.url).host)
        ? { key: "url", value: platform.url }
        : undefined;
    case "mlflow":
      return undefined;
  }
}

function platforms({ observability: { telemetry } }: PlatformConfig): ConfigProblem[] {
  if (telemetry.kind === "off") return [];
  const kinds = telemetry.platforms.map(({ kind }) => kind);
  return telemetry.platforms.flatMap((platform, index) => {
    const path = ["observability", "telemetry", "platforms", index] as const;
    const outside = leavesUnion(platform);
    return [
      ...(kinds.indexOf(platform.kind) === index
        ? []
        : [
            problem(
              [...path, "kind"],
              platform.kind,
              `traces already go to ${platform.kind}`,
              "keep one entry per kind",
            ),
          ]),
      ...(outside === undefined
        ? []
        : [
            problem(
              [...path, outside.key],
              outside.value,
              "traces would be processed outside the EU-27 (GDPR Art. 44)",
              "use the platform's EU region, or remove it",
            ),
          ]),
    ];
  });
}

function bucketsNeedCloud(config: PlatformConfig): ConfigProblem[] {
  const { provider } = config.cloud;
  if (provider === "aws" || provider === "gcp") return [];
  return bucketsOf(config).map((purpose) =>
    problem(
      ["observability", "telemetry", purpose, "storage"],
      "bucket",
      `provider '${provider}' has no bucket to keep ${purpose} in`,
      "set it to volume",
    ),
  );
}

function bucketsAreBudgeted(config: PlatformConfig): ConfigProblem[] {
  const buckets = bucketsOf(config);
  if (buckets.length === 0 || config.budget.usage.objectStorageGiB !== undefined) return [];
  return [
    problem(
      ["budget", "usage", "objectStorageGiB"],
      undefined,
      `${buckets.join(" and ")} are kept in a bucket, so without it the cost is not complete`,
      "declare budget.usage.objectStorageGiB: { expected: <number>, max: <number> }",
    ),
  ];
}

/** Rules about telemetry. */
export const telemetryChecks: readonly Check[] = [
  { needs: ["observability"], run: platforms },
  { needs: ["observability", "cloud", "environment"], run: bucketsNeedCloud },
  { needs: ["observability", "cloud", "environment", "budget"], run: bucketsAreBudgeted },
];
