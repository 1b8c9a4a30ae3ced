import { expect, it } from "vitest";
import { withTemplatePrompts } from "./upgrade.ts";

const stackText = (version: string): string => `config:
  llmops:platform:
    models:
      - name: assistant
        prompts:
          variants:
            - { prompt: initech-assistant, version: "${version}" }
`;

it.each([
  ["a copy that is still to be written", "2", "prompt: assistant,"],
  ["a version only the client has", "3", "prompt: initech-assistant,"],
])("checks %s as what it will be", async (_what, version, expected) => {
  const copies = [{ from: "assistant", to: "initech-assistant", version: "2" }];
  expect(await withTemplatePrompts(stackText(version), "Pulumi.initech-prod.yaml", copies)).toContain(
    expected,
  );
});
