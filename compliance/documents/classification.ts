import { CATALOGUE } from "../../policies/catalogue.ts";
import { profileOf } from "../../policies/controls/control.ts";
import { APPLIES_FROM } from "../../stacks/schema/classification.ts";
import { item, table, type ComplianceDocument, type Facts } from "../bundle.ts";

/** Answers, the class that follows from them, and which controls it brings. */
export function classificationDocument(facts: Facts): ComplianceDocument {
  const { config, classification, report } = facts;
  const { riskClass, environment } = config;
  const profile = profileOf({ riskClass: riskClass.level, environment });
  const answers = Object.entries(riskClass)
    .filter(([key]) => key !== "level")
    .map(([key, value]) => [key, typeof value === "string" ? value : JSON.stringify(value)]);
  const levels = CATALOGUE.map(({ id, title, levels: all, legal }) => [
    id,
    title,
    all[profile],
    legal.map(({ reference, appliesFrom }) => `${reference} (${appliesFrom})`).join(", ") || "-",
  ]);
  return {
    name: "01-classification",
    title: "Risk classification",
    markdown: [
      `Declared class: **${riskClass.level}**; the answers lead to **${classification.level}**, whose obligations apply from ${classification.appliesFrom}.`,
      "",
      ...classification.reasons.map((reason) => item("declared", reason)),
      "",
      "## Answers",
      "",
      table(["Question (key of the stack file)", "Answer"], answers),
      "",
      "## Dates",
      "",
      `Regulation (EU) 2024/1689 as amended by Regulation (EU) 2026/1744: prohibitions from ${APPLIES_FROM.prohibitions}, transparency (Art. 50) from ${APPLIES_FROM.general}, marking by older generative systems from ${APPLIES_FROM.markingOfLegacySystems}, Annex III from ${APPLIES_FROM.annexIII}, Annex I from ${APPLIES_FROM.annexI}. The dates rest on secondary sources; check them against the Official Journal.`,
      ...(riskClass.placedOnMarket === undefined
        ? []
        : [
            "",
            `Placed on the market or put into service on ${riskClass.placedOnMarket}: before the date of its class, a high-risk system is only caught by significant changes in its design (Art. 111(2)), so each change is recorded.`,
          ]),
      "",
      `## Controls in this profile (${profile})`,
      "",
      table(["Control", "Title", "Level", "Law and date it applies from"], levels),
      "",
      `Evaluated as of ${report.asOf.slice(0, 10)}.`,
    ].join("\n"),
  };
}
