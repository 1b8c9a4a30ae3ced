import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** Imports between folders of the repository: from, to. */
export type FolderImports = ReadonlyMap<string, ReadonlySet<string>>;

const LEFT_OUT: ReadonlySet<string> = new Set(["node_modules", "out", "docs", "test", "bench", "tools"]);
const IMPORT = /(?:from|import\()\s*"((?:\.\.\/)+)([a-z][\w-]*)\//g;

/** Reads which folder of a repository imports which, tests left out. */
export function folderImports(root: string): FolderImports {
  const folders = readdirSync(root, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith(".") && !LEFT_OUT.has(entry.name))
    .map(({ name }) => name)
    .sort();
  const imports = new Map<string, ReadonlySet<string>>();
  for (const folder of folders) {
    const files = readdirSync(join(root, folder), { recursive: true, encoding: "utf8" }).filter(
      (file) =>
        file.endsWith(".ts") && !file.endsWith(".test.ts") && !/(^|\/)(node_modules|testing)\//.test(file),
    );
    if (files.length === 0) continue;
    const found = files.flatMap((file) =>
      [...readFileSync(join(root, folder, file), "utf8").matchAll(IMPORT)]
        // As many steps up as the file is deep: that is the root.
        .filter(([, steps = ""]) => steps.length / 3 === file.split("/").length)
        .map(([, , to = ""]) => to),
    );
    imports.set(folder, new Set(found.filter((to) => to !== folder && folders.includes(to)).sort()));
  }
  return imports;
}

/** The page with the picture of what imports what. */
export function folderPage(imports: FolderImports): string {
  const edges = [...imports].flatMap(([from, to]) => [...to].map((each) => `  ${from} --> ${each}`));
  const alone = [...imports]
    .filter(([folder, to]) => to.size === 0 && ![...imports.values()].some((each) => each.has(folder)))
    .map(([folder]) => `  ${folder}`);
  return `${[
    "# Folders and their imports",
    "",
    "Drawn from the imports in the code by `npm run docs:reference -- --write`; `npm test` fails when it is out of date. Tests, benches and tools are",
    "left out. [Architecture](../architecture.md) says what each folder holds and what it may import.",
    "",
    "```mermaid",
    "flowchart LR",
    ...edges,
    ...alone,
    "```",
  ].join("\n")}\n`;
}
