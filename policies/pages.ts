import { mkdirSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { CATALOGUE, NEVER_EXEMPT } from "./catalogue.ts";
import type { Control, Profile } from "./controls/control.ts";

const ROOT = join(import.meta.dirname, "..");
const FOLDER = join(ROOT, "docs", "policies");

const PROFILES: readonly (readonly [Profile, string])[] = [
  ["high-prod", "high risk, production"],
  ["high-staging", "high risk, staging"],
  ["other", "limited and minimal risk, staging and production"],
  ["dev", "development"],
];

/** Page of a control. */
export function controlPage(control: Control): string {
  const { id, title, legal, levels, rationale, remediation, blindSpots } = control;
  const law = legal.map(({ reference, appliesFrom }) => `- ${reference}, applies from ${appliesFrom}`);
  return [
    `# ${id}: ${title}`,
    "",
    rationale,
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
