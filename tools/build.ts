import { parseArgs } from "node:util";
import { ensureTool, PULUMI, ToolError } from "./go-tool.ts";

try {
  const { values } = parseArgs({ options: { json: { type: "boolean" } } });
  const started = performance.now();
  const folder = await ensureTool(PULUMI, (text) => {
    console.error(text);
  });
  const seconds = Math.round((performance.now() - started) / 1000);
  console.log(
    values.json === true
      ? JSON.stringify({ tools: [{ name: PULUMI.name, version: PULUMI.version, folder, seconds }] })
      : folder,
  );
} catch (error) {
  console.error(`error: ${error instanceof ToolError ? error.message : String(error)}`);
  process.exitCode = 1;
}
