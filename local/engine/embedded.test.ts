import { describe, expect, it } from "vitest";
import { installedModel } from "../model/paths.ts";
import { embedded } from "./embedded.ts";
import { startEngine } from "./server.ts";

const model = installedModel();

describe("the embedded model", () => {
  it.skipIf(model === undefined)(
    "knows the capital of France (skipped unless `npm run model:install` ran)",
    async () => {
      if (model === undefined) return;
      const engine = await startEngine(await embedded(model), { maxRunning: 1 });
      const response = await fetch(`${engine.url}/v1/chat/completions`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({
          model: engine.model,
          max_tokens: 16,
          messages: [{ role: "user", content: "What is the capital of France?" }],
        }),
      });
      const answer = (await response.json()) as { choices: { message: { content: string } }[] };
      await engine.close();
      expect(answer.choices[0]?.message.content).toContain("Paris");
    },
    120_000,
  );
});
