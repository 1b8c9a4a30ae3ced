import { readFileSync } from "node:fs";
import { join } from "node:path";
import { commandLine } from "../cli/program.ts";
import { commandPage, ROOT } from "./command-page.ts";
import { folderImports, folderPage } from "./folder-page.ts";

/** A page made from code. */
export interface GeneratedPage {
  /** Path from the root of the repository. */
  readonly path: string;
  readonly text: string;
}

/** Every page of the reference, as the code is now. */
export async function generatedPages(): Promise<readonly GeneratedPage[]> {
  return [
    { path: "docs/reference/cli.md", text: commandPage(await commandLine([])) },
    { path: "docs/reference/folders.md", text: folderPage(folderImports(ROOT)) },
  ];
}

/** Whether a page is in the repository as the code is now. */
export function isCurrent({ path, text }: GeneratedPage): boolean {
  try {
    return readFileSync(join(ROOT, path), "utf8") === text;
  } catch {
    return false;
  }
}
