import { ofType } from "../../graph/graph.ts";
import { valueAt } from "../../graph/values.ts";
import { textOf } from "../../policies/controls/reading.ts";
import { control, item, table, type ComplianceDocument, type Facts } from "../bundle.ts";

function models({ config }: Facts): string {
  return table(
    ["Model", "Source and revision", "Parameters", "Engine", "Image", "Context, tokens"],
    config.models.map(({ name, source, architecture, engine }) => [
      name,
      source.kind === "hub"
        ? `${source.repository}@${source.revision}`
        : `${source.kind === "oci" ? source.image : source.uri} ${source.digest}`,
      `${architecture.parametersBillion} billion, ${architecture.bytesPerParameter} bytes each`,
      engine.kind,
      engine.image,
      String(engine.maxModelLen),
    ]),
  );
}

function hardware({ config }: Facts): string {
  return table(
    ["GPU pool", "Accelerator", "GPUs per node", "Capacity", "Nodes"],
    config.gpuPools.map(({ name, accelerator, gpusPerNode, capacity, nodes }) => [
      name,
      accelerator,
      String(gpusPerNode),
      capacity.join(", then "),
      `${nodes.min} to ${nodes.max}, ${nodes.expected} expected`,
    ]),
  );
}

function software({ graph }: Facts): string {
  const charts = ofType(graph, "kubernetes:helm.sh/v3:Release").map(({ inputs }) => [
    textOf(valueAt(inputs, "chart")),
    textOf(valueAt(inputs, "version")),
    "Helm chart",
  ]);
  const images = graph.nodes
    .filter(({ type }) => /^kubernetes:apps\/v1:(Deployment|StatefulSet)$/.test(type))
    .map(({ name, inputs }) => [
      name,
      textOf(valueAt(inputs, "spec.template.spec.containers.0.image")),
      "image",
    ]);
  return table(["What", "Version or digest", "Kind"], [...charts, ...images]);
}

/** Technical documentation in the order of Annex IV, filled from the resources as far as they say it. */
export function technicalDocumentation(facts: Facts): ComplianceDocument {
  const { config, diagram, version, commit } = facts;
  const { riskClass, guardrails, oversight, audit, evaluation } = config;
  return {
    name: "02-technical-documentation",
    title: "Technical documentation (AI Act Annex IV)",
    markdown: [
      "## 1. General description",
      "",
      item("declared", `(a) Intended purpose: ${riskClass.intendedPurpose}`),
      item("declared", `(a) Role under Art. 3: ${riskClass.role}; accountable: ${riskClass.owner}`),
      item(
        "declared",
        `(b) Interaction with other systems: clients ${config.gateway.clients.map(({ id }) => id).join(", ") || "none"}; external providers ${config.providers.map(({ name }) => name).join(", ") || "none"}`,
      ),
      item(
        "declared",
        `(c) Versions of relevant software: blueprint ${version}, commit ${commit ?? "unknown"}`,
      ),
      control(facts, "AIA-GOV-03"),
      "",
      software(facts),
      "",
      item("declared", "(d) Form in which it is put into service: a service behind the guardrail gateway"),
      item("declared", "(e) Hardware on which it is intended to run:"),
      "",
      hardware(facts),
      "",
      item("open", "(f) Photographs or illustrations, where it is part of a product"),
      item("open", "(g) Basic description of the user interface given to the deployer"),
      item("open", "(h) Instructions for use for the deployer; `04-transparency` has the part about logs"),
      "",
      "## 2. Elements and development",
      "",
      item("declared", "(a) Third-party models and how they are used:"),
      "",
      models(facts),
      "",
      item(
        "open",
        "(b) Design specifications: key choices, assumptions, who the system is for, what it optimises",
      ),
      item(
        "declared",
        "(c) Architecture and computational resources: the diagram, from the resources themselves:",
      ),
      "",
      "```",
      diagram.trim(),
      "```",
      "",
      item(
        "open",
        "(d) Data: provenance, scope and main characteristics of what fine-tuned models were trained on",
      ),
      item(
        "declared",
        `(e) Human oversight: contact ${oversight.contact}, review of ${oversight.review} answers`,
      ),
      control(facts, "AIA-OVR-01"),
      control(facts, "AIA-OVR-02"),
      item("open", "(f) Pre-determined changes"),
      item(
        "declared",
        `(g) Validation and testing: gate ${evaluation.gate}, at least ${evaluation.minSamples} samples, reports no older than ${evaluation.maxAgeDays} days`,
      ),
      control(facts, "AIA-TST-01"),
      item("declared", "(h) Cybersecurity measures:"),
      ...[
        "AIA-SEC-01",
        "AIA-SEC-02",
        "AIA-SEC-03",
        "AIA-SEC-04",
        "AIA-SEC-05",
        "AIA-SEC-06",
        "AIA-SEC-07",
        "AIA-LOG-08",
      ].map((id) => control(facts, id)),
      "",
      "## 3. Monitoring, functioning and control",
      "",
      item(
        "declared",
        `Guards: personal data ${guardrails.pii}, credentials ${guardrails.secrets}, prompt injection ${guardrails.promptInjection}, streams by ${guardrails.streaming}`,
      ),
      control(facts, "AIA-TST-02"),
      control(facts, "AIA-OVR-03"),
      item(
        "open",
        "Capabilities and limitations, accuracy for the groups of people it is meant for, foreseeable unintended outcomes",
      ),
      "",
      "## 4. Appropriateness of the performance metrics",
      "",
      item("open", "Why the metrics of the evaluation suite fit the purpose"),
      "",
      "## 5. Risk management system (Art. 9)",
      "",
      control(facts, "AIA-GOV-04"),
      item("open", "Risks found, measures taken, residual risk, by whom and when"),
      "",
      "## 6. Relevant changes through the lifecycle",
      "",
      item("declared", "Each change is a commit; its review comment and evidence record are kept with it"),
      control(facts, "AIA-LOG-12"),
      "",
      "## 7. Harmonised standards",
      "",
      item(
        "open",
        "None is cited in the Official Journal as of 2026-08-05; list other standards that are applied",
      ),
      "",
      "## 8. EU declaration of conformity (Art. 47)",
      "",
      item("open", "For providers of high-risk systems"),
      "",
      "## 9. Post-market monitoring (Art. 72)",
      "",
      item("declared", "`07-post-market-monitoring`"),
      "",
      "## Logs (Art. 12, 19, 26(6))",
      "",
      item(
        "declared",
        `Mode ${audit.mode}, ${audit.retentionDays} days, lock ${audit.objectLock}, content ${audit.content}`,
      ),
      ...[
        "AIA-LOG-01",
        "AIA-LOG-02",
        "AIA-LOG-03",
        "AIA-LOG-04",
        "AIA-LOG-05",
        "AIA-LOG-06",
        "AIA-LOG-07",
        "AIA-LOG-09",
        "AIA-LOG-10",
        "AIA-LOG-11",
        "AIA-LOG-13",
      ].map((id) => control(facts, id)),
      "",
      "## Keeping this documentation (Art. 18)",
      "",
      control(facts, "AIA-DOC-01"),
    ].join("\n"),
  };
}
