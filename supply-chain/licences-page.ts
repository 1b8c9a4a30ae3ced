import { licenceKey, type SoftwareComponent } from "./component.ts";
import { licenceOf, type LicenceCatalogue } from "./licences.ts";

/** Licences so common among packages that naming each package would hide the others. */
const EVERYDAY: ReadonlySet<string> = new Set([
  "0BSD",
  "Apache-2.0",
  "BlueOak-1.0.0",
  "BSD-2-Clause",
  "BSD-3-Clause",
  "ISC",
  "MIT",
]);

const INTRODUCTION = `# Licences

Generated from \`package-lock.json\`, the plans of the shipped stacks, \`tools/\`, \`evals/data\` and \`supply-chain/licences.yaml\` by
\`npx llmops licences --write\`; \`npm test\` fails when it is out of date, and when a component has a licence that is unknown or not
allowed. An image's licence is that of the program it is named after: its base layers (a Linux distribution, CUDA) carry their own and
are not listed, nor are the modules and packages that tools and the image of the drift job bring along.`;

function row(component: SoftwareComponent, known: LicenceCatalogue): string {
  const verdict = licenceOf(component, known);
  const source = known.components[licenceKey(component)]?.source;
  const licence = verdict.kind === "unknown" ? "unknown" : verdict.licence;
  return `| ${component.name} | ${source === undefined ? licence : `[${licence}](${source})`} | ${verdict.kind === "decided" ? verdict.because : ""} |`;
}

function table(
  title: string,
  components: readonly SoftwareComponent[],
  known: LicenceCatalogue,
): readonly string[] {
  const rows = [...new Set(components.map((each) => row(each, known)))].sort();
  return [`## ${title}`, "", "| Component | Licence | Why it may stay |", "|---|---|---|", ...rows, ""];
}

/** The page of licences: every component that is no package, and packages with a licence out of the ordinary. */
export function licencesPage(components: readonly SoftwareComponent[], known: LicenceCatalogue): string {
  const of = (kind: SoftwareComponent["kind"]): SoftwareComponent[] =>
    components.filter((each) => each.kind === kind);
  const isEveryday = (component: SoftwareComponent): boolean => {
    const verdict = licenceOf(component, known);
    return (
      verdict.kind === "allowed" &&
      EVERYDAY.has(verdict.licence) &&
      known.components[licenceKey(component)] === undefined
    );
  };
  return [
    INTRODUCTION,
    "",
    `Needs no decision: ${known.allowed.join(", ")}.`,
    "",
    ...table("Charts", of("chart"), known),
    ...table("Images", of("image"), known),
    ...table("Models", of("model"), known),
    ...table("Data sets", of("data"), known),
    ...table("Programs for tests", of("tool"), known),
    ...table(
      `npm packages with another licence than ${[...EVERYDAY].join(", ")}`,
      of("package").filter((each) => !isEveryday(each)),
      known,
    ),
  ].join("\n");
}
