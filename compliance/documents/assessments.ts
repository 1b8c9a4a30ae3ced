import { control, item, table, type ComplianceDocument, type Facts } from "../bundle.ts";

/** Form of a data protection impact assessment with what the stack already says. @see GDPR Art. 35(7) */
export function dpiaDocument(facts: Facts): ComplianceDocument {
  const { config } = facts;
  const { riskClass, providers, audit, guardrails } = config;
  return {
    name: "05-dpia",
    title: "Data protection impact assessment (GDPR Art. 35)",
    markdown: [
      control(facts, "AIA-GOV-04"),
      "",
      "## (a) The processing and its purposes",
      "",
      item("declared", `Purpose: ${riskClass.intendedPurpose}`),
      item(
        "declared",
        `Part in decisions about people: ${riskClass.decisions}; profiling: ${riskClass.profiling}`,
      ),
      item("declared", `Where: ${config.cloud.provider === "local" ? "this machine" : config.cloud.region}`),
      ...providers.map(({ name, region, dataProcessingAgreement, trainingUse }) =>
        item(
          "declared",
          `Processor ${name}: ${region}, agreement ${dataProcessingAgreement}, training ${trainingUse}`,
        ),
      ),
      item(
        "open",
        "Categories of people and data, sources, recipients, legal basis (Art. 6, and Art. 9 where it applies)",
      ),
      "",
      "## (b) Necessity and proportionality",
      "",
      item(
        "declared",
        `Content of questions and answers is ${audit.content === "none" ? "not kept" : "kept encrypted, one key per person"}`,
      ),
      item("declared", `Personal data in prompts: ${guardrails.pii}`),
      item("open", "Why the purpose cannot be reached with less"),
      "",
      "## (c) Risks for people",
      "",
      item(
        "open",
        "Wrong answers, unequal treatment, disclosure, loss of control, each with likelihood and severity",
      ),
      "",
      "## (d) Measures",
      "",
      ...[
        "AIA-DPR-01",
        "AIA-DPR-02",
        "AIA-DPR-03",
        "AIA-DPR-04",
        "AIA-DPR-05",
        "AIA-LOG-04",
        "AIA-LOG-08",
      ].map((id) => control(facts, id)),
      item("open", "Measures outside of the platform"),
      "",
      "A digest of personal data is still personal data. That destroying a key is erasure is a strong measure, not a settled rule; the assessment must say why it suffices here.",
      "",
      "## Advice and result",
      "",
      item(
        "open",
        "Advice of the data protection officer, views of the people concerned (Art. 35(2), (9)), result, date, signature",
      ),
    ].join("\n"),
  };
}

/** Form of a fundamental rights impact assessment. @see AI Act Art. 27(1) */
export function friaDocument(facts: Facts): ComplianceDocument {
  const { riskClass, oversight, gateway } = facts.config;
  return {
    name: "06-fria",
    title: "Fundamental rights impact assessment (AI Act Art. 27)",
    markdown: [
      "For public bodies, private providers of public services, and deployers of systems of Annex III 5(b) and (c). It complements the data protection impact assessment (Art. 27(4)).",
      "",
      item("declared", `(a) Processes in which it is used: ${riskClass.intendedPurpose}`),
      item("open", "(b) Period and frequency of use"),
      item("open", "(c) Categories of people and groups likely to be affected"),
      item("open", "(d) Specific risks of harm to them, with the provider's information under Art. 13"),
      item(
        "declared",
        `(e) Human oversight: ${oversight.contact}, review of ${oversight.review} answers, ${gateway.admins.length} people or systems with keys`,
      ),
      control(facts, "AIA-OVR-01"),
      control(facts, "AIA-OVR-02"),
      item("open", "(f) What happens when the risks come true: internal governance and complaints"),
      "",
      item("open", "Notification of the market surveillance authority (Art. 27(3)), date, signature"),
    ].join("\n"),
  };
}

/** Record of processing activities. @see GDPR Art. 30(1) */
export function recordOfProcessing(facts: Facts): ComplianceDocument {
  const { config } = facts;
  const rows = [
    ["Controller and contact", `${config.client}; ${config.riskClass.owner}`, "declared"],
    ["Purposes", config.riskClass.intendedPurpose, "declared"],
    [
      "Purposes of each client",
      config.gateway.clients.map(({ id, purpose }) => `${id}: ${purpose ?? "not stated"}`).join("; ") ||
        "none",
      "declared",
    ],
    ["Categories of people and data", "", "TO BE WRITTEN"],
    [
      "Recipients and processors",
      config.providers.map(({ name, region }) => `${name} (${region})`).join("; ") ||
        "none outside of the cloud account",
      "declared",
    ],
    ["Transfers to third countries", "see AIA-DPR-01", "verified where the control passed"],
    [
      "Time limits of erasure",
      `audit records ${config.audit.retentionDays} days; metrics ${config.observability.metricsRetentionDays} days`,
      "declared",
    ],
    ["Security measures", "see 03-controls, AIA-SEC and AIA-LOG", "verified where the controls passed"],
  ];
  return {
    name: "09-record-of-processing",
    title: "Record of processing activities (GDPR Art. 30)",
    markdown: [
      table(["Item of Art. 30(1)", "Content", "Backed by"], rows),
      "",
      control(facts, "AIA-DPR-01"),
      control(facts, "AIA-DPR-04"),
    ].join("\n"),
  };
}
