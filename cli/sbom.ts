import { writeFileSync } from "node:fs";
import { Command } from "commander";
import { licenceCatalogue } from "../supply-chain/licences.ts";
import { cycloneDx } from "../supply-chain/sbom.ts";
import { repositoryComponents, stackComponents } from "./bill-of-materials.ts";
import { print, progress, VERSION } from "./context.ts";

async function run({ stack, out }: { readonly stack: string; readonly out?: string }): Promise<void> {
  const components = [...repositoryComponents(), ...(await stackComponents(stack))];
  const text = cycloneDx({ stack, version: VERSION, components, licences: licenceCatalogue() });
  const unhashed = components.filter(({ hashes }) => hashes.length === 0).length;
  progress(
    `note: ${components.length} components, ${unhashed} without a hash of their bytes; \`npx llmops licences\` judges their licences`,
  );
  if (out === undefined) print(text);
  else writeFileSync(out, `${text}\n`);
}

/** `llmops sbom`: the bill of materials of a stack. */
export function sbomCommand(): Command {
  return new Command("sbom")
    .description(
      "bill of materials of a stack (CycloneDX 1.6, JSON): packages, charts, images, models, data sets, tools",
    )
    .requiredOption("-s, --stack <stack>", "stack to describe")
    .option("--out <file>", "write it there instead of to standard output")
    .action(run);
}
