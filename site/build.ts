import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { ensureNpmTool, VITEPRESS } from "../tools/npm-tool.ts";
import { runCommand } from "../tools/run-command.ts";
import { ROOT } from "./command-page.ts";
import { deadLinks, pagesOf } from "./markdown.ts";

/** Where the site is built; ignored by git. */
const FOLDER = join(ROOT, "out", "site");
/** Pages beside those in docs/. */
const TOP = ["README.md", "CHANGELOG.md", "SECURITY.md", "CONTRIBUTING.md"];
/** Links to pages stay; those to code and folders, which are not on the site, become their paths. */
function forSite(path: string, text: string): string {
  return text.replace(
    /\[([^\]]*)\]\((?![a-z]+:|#)([^)#\s]+)(?:#[^)\s]*)?\)/g,
    (whole, title: string, target: string) => {
      const file = join(dirname(path), target);
      const isShown = /\.(md|png|svg)$/.test(file) && (TOP.includes(file) || file.startsWith("docs/"));
      return isShown ? whole : `${title} (\`${file}\`)`;
    },
  );
}

async function build(): Promise<void> {
  const pages = pagesOf(ROOT);
  const dead = deadLinks(ROOT, pages);
  for (const link of dead) console.error(`error: ${link}`);
  if (dead.length > 0) {
    process.exitCode = 1;
    return;
  }
  console.error(`${pages.length} pages have no dead link; fetching the generator once, 102 MB ...`);
  const generator = await ensureNpmTool(VITEPRESS);
  const pagesFolder = join(FOLDER, "pages");
  rmSync(FOLDER, { recursive: true, force: true });
  cpSync(join(ROOT, "docs"), join(pagesFolder, "docs"), { recursive: true });
  for (const { path } of pages.filter((page) => TOP.includes(page.path) || page.path.startsWith("docs/"))) {
    mkdirSync(dirname(join(pagesFolder, path)), { recursive: true });
    writeFileSync(join(pagesFolder, path), forSite(path, readFileSync(join(ROOT, path), "utf8")));
  }
  cpSync(join(import.meta.dirname, "vitepress"), join(pagesFolder, ".vitepress"), { recursive: true });
  symlinkSync(dirname(generator), join(pagesFolder, "node_modules"));
  await runCommand(process.execPath, [join(generator, "bin", "vitepress.js"), "build", pagesFolder]);
  const index = join(FOLDER, "html", "index.html");
  if (!existsSync(index)) throw new Error(`${index} was not written`);
  console.log(`wrote ${join("out", "site", "html")}`);
}

try {
  await build();
} catch (error) {
  console.error(`error: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 2;
}
