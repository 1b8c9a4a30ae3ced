import { ensureTool, PULUMI, ToolError } from "./go-tool.ts";

try {
  const folder = await ensureTool(PULUMI, (text) => {
    console.error(text);
  });
  console.log(folder);
} catch (error) {
  console.error(`error: ${error instanceof ToolError ? error.message : String(error)}`);
  process.exitCode = 1;
}
