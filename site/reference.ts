import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { ROOT } from "./command-page.ts";
import { generatedPages, isCurrent } from "./pages.ts";

const HELP = `usage: npm run docs:reference [-- --write]

Compares the reference pages in docs/reference with the code.
  --write  writes them
Exit status: 0 up to date or written, 1 out of date.`;

const { values } = parseArgs({ options: { write: { type: "boolean" }, help: { type: "boolean" } } });
if (values.help === true) console.log(HELP);
else
  for (const page of await generatedPages()) {
    if (isCurrent(page)) continue;
    if (values.write === true) {
      mkdirSync(dirname(join(ROOT, page.path)), { recursive: true });
      writeFileSync(join(ROOT, page.path), page.text);
      console.log(`wrote ${page.path}`);
    } else {
      console.error(`error: ${page.path} is out of date; run npm run docs:reference -- --write`);
      process.exitCode = 1;
    }
  }
