import { mkdirSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { CATALOGUE, NEVER_EXEMPT } from "./catalogue.ts";
import { ADMISSION_RULES } from "./admission-rules.ts";
import type { Control, Platform, Profile } from "./controls/control.ts";

const ROOT = join(import.meta.dirname, "..");
const FOLDER = join(ROOT, "docs", "policies");

const PROFILES: readonly (readonly [Profile, string])[] = [
  ["high-prod", "high risk, production"],
  ["high-staging", "high risk, staging"],
  ["other-prod", "limited and minimal risk, production"],
  ["other-staging", "limited and minimal risk, staging"],
  ["dev", "development"],
];

const PLATFORMS: Readonly<Record<Platform, string>> = {
  aws: "AWS",
  gcp: "Google Cloud",
  kubernetes: "Kubernetes",
  configuration: "the stack file",
  prices: "the price of the whole stack",
};

function layers({ id }: Control): string {
  const admission = ADMISSION_RULES.find(({ control }) => control === id);
  return [
    "`llmops plan` and `llmops policy check`",
    `the Pulumi policy pack \`${id.startsWith("COST") ? "llmops-cost" : "llmops-ai-act"}\``,
    ...(admission === undefined
      ? []
      : [`the admission policy \`${admission.name}\`, as far as one object shows it`]),
  ].join("; ");
}

/** Page of a control. */
export function controlPage(control: Control): string {
  const { id, title, severity, platforms, legal, levels, rationale, remediation, blindSpots, sources } =
    control;
  const law = legal.map(({ reference, appliesFrom }) => `- ${reference}, applies from ${appliesFrom}`);
  return [
    `# ${id}: ${title}`,
    "",
    rationale,
    "",
    `Severity: ${severity}. Looks at ${platforms.map((each) => PLATFORMS[each]).join(", ")}.`,
    "",
    ...(law.length === 0 ? [] : [...law, ""]),
    "| Environment | Level |",
    "|---|---|",
    ...PROFILES.map(([profile, name]) => `| ${name} | ${levels[profile]} |`),
    "",
    `**To do when it fails:** ${remediation}`,
    "",
    `**What it does not see:** ${blindSpots}`,
    "",
    `**Where it runs:** ${layers(control)}.`,
    "",
    ...(sources === undefined ? [] : [...sources.map((source) => `- Source: ${source}`), ""]),
    ...(NEVER_EXEMPT.has(id) ? ["In high-risk production no exemption covers it.", ""] : []),
  ].join("\n");
}

/** Writes every page and returns their names. */
export function writeControlPages(): string[] {
  mkdirSync(FOLDER, { recursive: true });
  return CATALOGUE.map((control) => {
    const file = join(FOLDER, `${control.id}.md`);
    writeFileSync(file, controlPage(control));
    return relative(ROOT, file);
  });
}
