import { parseArgs } from "node:util";
import { ensureTool, GO_TOOLS, programs, ToolError, type GoTool } from "./go-tool.ts";

const HELP = `usage: npm run tools [-- --only <name> ...] [-- --json]

Builds the programs the end-to-end tests start from their pinned Go modules, into the cache outside the project.
  --only <name>  builds only this tool; may be given more than once: ${GO_TOOLS.map(({ name }) => name).join(", ")}
  --json         result as JSON on standard output
Exit status: 0 built, 2 could not build.`;

function wanted(names: readonly string[]): readonly GoTool[] {
  if (names.length === 0) return GO_TOOLS;
  return names.map((name) => {
    const tool = GO_TOOLS.find((each) => each.name === name);
    if (tool === undefined)
      throw new ToolError(
        `--only ${name}: no such tool; there are ${GO_TOOLS.map((each) => each.name).join(", ")}`,
      );
    return tool;
  });
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      json: { type: "boolean" },
      help: { type: "boolean" },
      only: { type: "string", multiple: true },
    },
  });
  if (values.help === true) {
    console.log(HELP);
    return;
  }
  const built = [];
  for (const tool of wanted(values.only ?? [])) {
    const started = performance.now();
    const folder = await ensureTool(tool, (text) => {
      console.error(text);
    });
    const seconds = Math.round((performance.now() - started) / 1000);
    if (values.json !== true) console.log(`${tool.name} ${tool.version} ${seconds} s ${folder}`);
    built.push({ name: tool.name, version: tool.version, programs: programs(tool), folder, seconds });
  }
  if (values.json === true) console.log(JSON.stringify({ tools: built }));
}

try {
  await main();
} catch (error) {
  console.error(`error: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 2;
}
