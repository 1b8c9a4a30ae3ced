import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Command } from "commander";
import { stackNames } from "../stacks/schema/stack-file.ts";
import { licenceKey, type SoftwareComponent } from "../supply-chain/component.ts";
import { licencesPage } from "../supply-chain/licences-page.ts";
import { licenceCatalogue, licenceOf, licenceProblems } from "../supply-chain/licences.ts";
import { repositoryComponents, stackComponents } from "./bill-of-materials.ts";
import { EXIT, print, printJson, progress, STACKS_FOLDER } from "./context.ts";

/** The generated page. */
export const LICENCES_PAGE = fileURLToPath(new URL("../docs/licences.md", import.meta.url));

/** Components of the repository and of every stack. */
export async function allComponents(): Promise<SoftwareComponent[]> {
  const components = repositoryComponents();
  // One after another: there is one Pulumi runtime per process.
  for (const stack of stackNames(STACKS_FOLDER)) components.push(...(await stackComponents(stack)));
  return components;
}

async function run({ write, json }: { readonly write?: true; readonly json?: true }): Promise<void> {
  const known = licenceCatalogue();
  const components = await allComponents();
  const problems = licenceProblems(components, known);
  const page = licencesPage(components, known);
  if (write === true) {
    writeFileSync(LICENCES_PAGE, page);
    progress("wrote docs/licences.md");
  }
  if (json === true)
    printJson({
      components: components.map((each) => ({
        component: licenceKey(each),
        version: each.version,
        ...licenceOf(each, known),
      })),
      problems,
    });
  else if (write !== true) print(page);
  for (const problem of problems) progress(`error: ${problem}`);
  if (problems.length > 0) process.exitCode = EXIT.findings;
}

/** `llmops licences`: licences of everything the blueprint and its stacks are made of. */
export function licencesCommand(): Command {
  return new Command("licences")
    .description(
      "licences of packages, charts, images, models, data sets and tools; exit code 1 for unknown or denied ones",
    )
    .option("--write", "write docs/licences.md")
    .option("--json", "print JSON")
    .action(run);
}
