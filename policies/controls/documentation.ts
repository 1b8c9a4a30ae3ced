import { documentBuckets } from "./audit-buckets.ts";
import { ANNEX_III_FROM, GDPR_FROM, byRisk, type Control, type Problem } from "./control.ts";
import { absent, problemAt } from "./reading.ts";

/** Ten years. @see AI Act Art. 18(1) */
const TEN_YEARS_DAYS = 3_650;
const TWO_YEARS_DAYS = 730;

/** Points of Annex III whose deployers assess fundamental rights even when they are private. @see AI Act Art. 27(1) */
const FRIA_POINTS = ["5(b)", "5(c)"];

/** Controls of assessments and documentation. */
export const documentationControls: readonly Control[] = [
  {
    id: "AIA-GOV-04",
    title: "Impact assessments are there",
    severity: "high",
    platforms: ["configuration"],
    legal: [
      { reference: "AI Act Art. 27", appliesFrom: ANNEX_III_FROM },
      { reference: "AI Act Art. 26(9)", appliesFrom: ANNEX_III_FROM },
      { reference: "GDPR Art. 35", appliesFrom: GDPR_FROM },
    ],
    levels: byRisk("M", "A", "A", "-"),
    rationale: "The effect on people is assessed before a high-risk system is used, not after.",
    remediation: "Write the assessments (`llmops compliance pack` gives the forms) and declare them.",
    blindSpots: "What the assessments say.",
    evaluate: (_graph, { riskClass, annexIII, publicService }) => {
      if (riskClass !== "high") return { kind: "not-applicable", reason: "the system is not high-risk" };
      const isFria = publicService === "yes" || FRIA_POINTS.includes(annexIII ?? "");
      return {
        kind: "checked",
        resources: ["stack"],
        problems: [],
        demands: [
          { subject: "dpia", what: "a data protection impact assessment", maxAgeDays: TWO_YEARS_DAYS },
          ...(isFria
            ? [
                {
                  subject: "fria",
                  what: "a fundamental rights impact assessment",
                  maxAgeDays: TWO_YEARS_DAYS,
                },
              ]
            : []),
        ],
      };
    },
  },
  {
    id: "AIA-DOC-01",
    title: "Documentation is kept for ten years",
    severity: "high",
    platforms: ["aws", "gcp"],
    legal: [
      { reference: "AI Act Art. 18(1)", appliesFrom: ANNEX_III_FROM },
      { reference: "AI Act Art. 11(1)", appliesFrom: ANNEX_III_FROM },
    ],
    levels: byRisk("M", "A", "A", "-"),
    rationale: "Who built it and how must be readable ten years after the system was put into service.",
    remediation: "Set documentation.vault.kind: locked.",
    blindSpots: "Whether documents are put there; the release job does that.",
    evaluate: (graph, { models, riskClass }) => {
      if (models.length === 0) return { kind: "not-applicable", reason: "the stack serves no model" };
      if (riskClass !== "high") return { kind: "not-applicable", reason: "the system is not high-risk" };
      const views = documentBuckets(graph);
      if (views.length === 0) return absent("no store of documents", "a locked bucket of its own");
      const problems = views.flatMap(({ lockedBy, lock, days }): Problem[] => {
        const isLocked = lock.kind === "set" && lock.value === "compliance";
        const isLong = days.kind === "set" && days.value >= TEN_YEARS_DAYS;
        const seen = (setting: typeof lock | typeof days): string | { readonly $unknown: true } =>
          setting.kind === "unknown"
            ? { $unknown: true }
            : setting.kind === "set"
              ? String(setting.value)
              : "not set";
        return [
          ...(isLocked ? [] : [problemAt(lockedBy.urn, "lock", seen(lock), "an irreversible lock")]),
          ...(isLong
            ? []
            : [problemAt(lockedBy.urn, "retention days", seen(days), `at least ${TEN_YEARS_DAYS} days`)]),
        ];
      });
      return { kind: "checked", resources: views.map(({ node }) => node.urn), problems };
    },
  },
];
