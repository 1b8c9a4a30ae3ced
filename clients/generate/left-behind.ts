import type { PlatformConfig } from "../../stacks/schema/platform.ts";
import { adaptersOf } from "../../components/serving/engine.ts";
import type { ForkAnswers } from "../answers.ts";
import type { Decision } from "../decision.ts";
import { PLACEHOLDER_DIGEST, PLACEHOLDER_SIGNER, placeholderKey } from "../../stacks/placeholders.ts";
import type { StackDocument } from "../stack-document.ts";

/** Keys of callers and administrators are nobody's until the client makes its own. */
function keys(document: StackDocument, { gateway, evaluation }: PlatformConfig): Decision[] {
  gateway.clients.forEach((_, index) => {
    document.set(["gateway", "clients", index, "keys"], [placeholderKey()]);
    document.remove(["gateway", "clients", index, "subjects"]);
  });
  gateway.admins.forEach((_, index) => {
    document.set(["gateway", "admins", index, "key"], placeholderKey(index + 1));
  });
  if (evaluation.signer !== undefined && evaluation.signer.trim() !== PLACEHOLDER_SIGNER.trim())
    document.set(["evaluation", "signer"], PLACEHOLDER_SIGNER);
  document.remove(["gateway", "tokens"]);
  return [
    ...(gateway.clients.length > 0
      ? [
          {
            key: "gateway.clients, gateway.admins",
            what: "who may call and decide; zeros stand for the digests of their keys: printf %s <key> | sha256sum",
          },
        ]
      : []),
    ...(gateway.tokens === undefined
      ? []
      : [{ key: "gateway.tokens", what: "left out: the identity provider is the template's client's" }]),
    ...(evaluation.signer === undefined
      ? []
      : [
          {
            key: "evaluation.signer",
            what: "nobody's key: write the one the client's evaluations are signed with",
          },
        ]),
  ];
}

/** Where a stack file names evaluations. */
function evaluationKeys({
  models,
}: PlatformConfig): { readonly path: readonly (string | number)[]; readonly key: string }[] {
  return models.flatMap((model, index) => [
    ...(model.delivery.evaluation === undefined
      ? []
      : [
          {
            path: ["models", index, "delivery", "evaluation"],
            key: `models[${model.name}].delivery.evaluation`,
          },
        ]),
    ...adaptersOf(model.engine).flatMap(({ name, evaluation }, at) =>
      evaluation === undefined
        ? []
        : [
            {
              path: ["models", index, "engine", "adapters", at, "evaluation"],
              key: `models[${model.name}].engine.adapters[${name}].evaluation`,
            },
          ],
    ),
  ]);
}

/** What somebody declared, agreed or evaluated for the template's client holds for nobody else. */
function declarations(document: StackDocument, template: PlatformConfig): Decision[] {
  const { attestations, exemptions, providers, gateway } = template;
  document.remove(["attestations"]);
  document.remove(["exemptions"]);
  document.remove(["providers"]);
  const external = new Set(providers.flatMap((provider) => provider.models.map(({ name }) => name)));
  // From the end, so that no index moves before it is used.
  for (const [index, client] of [...gateway.clients.entries()].reverse()) {
    const own = client.models.filter((model) => !external.has(model));
    if (own.length === 0) document.remove(["gateway", "clients", index]);
    else if (own.length < client.models.length) document.set(["gateway", "clients", index, "models"], own);
  }
  const evaluations = evaluationKeys(template);
  for (const { path } of evaluations) {
    document.set([...path, "report"], PLACEHOLDER_DIGEST);
    document.set([...path, "dataSets"], PLACEHOLDER_DIGEST);
  }
  return [
    ...attestations.map(({ control, subject }) => ({
      key: `attestations[${control} ${subject}]`,
      what: "left out: somebody declared it for the template's client",
    })),
    ...exemptions.map(({ id }) => ({
      key: `exemptions[${id}]`,
      what: "left out: it was granted to the template's client",
    })),
    ...providers.map(({ name }) => ({
      key: `providers[${name}]`,
      what: "left out: it needs an agreement of the client's own (GDPR Art. 28)",
    })),
    ...evaluations.map(({ key }) => ({
      key,
      what: "zeros until the client's own evaluation is signed; the gate lets nothing pass before",
    })),
  ];
}

/** Places outside the platform that belong to the template's client. */
function destinations(document: StackDocument, template: PlatformConfig, { cloud }: ForkAnswers): Decision[] {
  const { audit, observability, alerting, loops, evaluation, gateway } = template;
  document.remove(["audit", "replica"]);
  document.remove(["gateway", "entry"]);
  document.remove(["cloud", "network", "proxyCidr"]);
  document.remove(["budget", "usage", "balancerGiB"]);
  const { telemetry } = observability;
  const platforms = telemetry.kind === "off" ? [] : telemetry.platforms;
  if (platforms.length > 0) document.remove(["observability", "telemetry", "platforms"]);
  const { metrics } = observability;
  const otherCloud = cloud === "aws" ? "google-managed" : "amazon-managed";
  const staysHome = metrics.kind === "remote-write" || metrics.kind === otherCloud;
  if (staysHome) document.remove(["observability", "metrics"]);
  if (evaluation.tracking.kind === "mlflow") document.remove(["evaluation", "tracking"]);
  const judgesLive = evaluation.runner.kind === "cluster" && evaluation.runner.online.kind === "sampled";
  if (judgesLive) document.remove(["evaluation", "runner", "online"]);
  const hooks = alerting.receivers.filter(({ kind }) => kind === "webhook");
  for (const index of [...alerting.receivers.keys()].reverse())
    if (alerting.receivers[index]?.kind === "webhook") document.remove(["alerting", "receivers", index]);
  if (loops.automation.kind === "on") document.set(["loops", "automation"], { kind: "off" });
  return [
    ...(audit.replica === undefined
      ? []
      : [{ key: "audit.replica", what: "left out: bucket and key are the template's client's" }]),
    ...(gateway.entry.kind === "none"
      ? []
      : [
          {
            key: "gateway.entry",
            what: `left out: ${gateway.entry.hostname}, its zone and its certificate are the template's client's; until the client's own are written, the gateway is reached from inside the cluster only`,
          },
        ]),
    ...platforms.map(({ kind }) => ({
      key: `observability.telemetry.platforms[${kind}]`,
      what: "left out: traces would go to the template's client",
    })),
    ...(staysHome
      ? [
          {
            key: "observability.metrics",
            what: `left out: ${metrics.kind === "remote-write" ? "the server is the template's client's" : `${cloud} has no such service`}`,
          },
        ]
      : []),
    ...(evaluation.tracking.kind === "mlflow"
      ? [{ key: "evaluation.tracking", what: "left out: the database is the template's client's" }]
      : []),
    ...(judgesLive
      ? [
          {
            key: "evaluation.runner.online",
            what: "left out: the consent is of the template's client's people",
          },
        ]
      : []),
    ...hooks.map(() => ({
      key: "alerting.receivers[webhook]",
      what: "left out: alerts would go to the template's client",
    })),
    ...(loops.automation.kind === "on"
      ? [{ key: "loops.automation", what: "off: proposals and training belong to the template's client" }]
      : []),
    ...(alerting.receivers.length > hooks.length
      ? [{ key: "alerting.receivers", what: "the channels, and the keys in their Kubernetes Secrets" }]
      : []),
  ];
}

/** Prices somebody asked for in one region hold in no other. */
function prices(
  document: StackDocument,
  { budget }: PlatformConfig,
  { cloud, region }: ForkAnswers,
): Decision[] {
  if (budget.onUnknownPrice.kind === "error") return [];
  const holds = (sku: string): boolean => sku.startsWith(`${cloud}/${region}/`);
  const tables = ["usdPerHour", "usdPerUnit"] as const;
  const all = tables.flatMap((table) => document.names(["budget", "onUnknownPrice", table]));
  if (all.every(holds)) return [];
  if (!all.some(holds)) document.remove(["budget", "onUnknownPrice"]);
  else
    for (const table of tables)
      for (const sku of document.names(["budget", "onUnknownPrice", table]))
        if (!holds(sku)) document.remove(["budget", "onUnknownPrice", table, sku]);
  return [
    {
      key: "budget.onUnknownPrice",
      what: `the template's prices are not those of ${cloud} in ${region}; \`llmops plan\` names what has none`,
    },
  ];
}

/** Takes out everything that is the template's client's and nobody else's, and says what. */
export function leaveBehind(
  document: StackDocument,
  template: PlatformConfig,
  answers: ForkAnswers,
): Decision[] {
  return [
    ...keys(document, template),
    ...declarations(document, template),
    ...destinations(document, template, answers),
    ...prices(document, template, answers),
  ];
}
