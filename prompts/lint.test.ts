import { Dotprompt } from "dotprompt";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { gatewayPrompt } from "./compile.ts";
import { lineDiff, promptChanges } from "./diff.ts";
import { promptHash } from "./hash.ts";
import { promptAt, promptFiles, promptsOf } from "./library.ts";
import { lintPrompts } from "./lint.ts";
import { parsePrompt } from "./prompt.ts";
import { render } from "./template.ts";

const GOOD = `---
description: Answers questions.
model: small
config:
  temperature: 0.2
input:
  schema:
    client: string, who is served
    tone?(enum): [calm, brisk]
  default:
    client: ACME
---
You help {{client}}{{#if tone}} in a {{tone}} tone{{/if}}.
`;

/** A folder with one version whose changelog and lock are in order. */
function folder(source: string, change: Record<string, string> = {}): Map<string, string> {
  const files = new Map([["demo/CHANGELOG.md", "# demo\n\n## 1\n\nFirst.\n"]]);
  files.set("demo/1.prompt", source);
  try {
    const lock = { "demo/1.prompt": promptHash(parsePrompt("demo/1.prompt", source)) };
    files.set("prompts.lock.json", JSON.stringify(lock));
  } catch {
    files.set("prompts.lock.json", "{}");
  }
  for (const [path, text] of Object.entries(change)) files.set(path, text);
  return files;
}

describe("lint", () => {
  it("finds nothing in the shipped prompts, nor in a good one", () => {
    expect(lintPrompts(promptFiles())).toEqual([]);
    expect(lintPrompts(folder(GOOD))).toEqual([]);
  });

  it.each<[string, string, Record<string, string>, string, string]>([
    [
      "an unknown variable",
      GOOD.replace("{{client}}", "{{custmer}} {{client}}"),
      {},
      "variables",
      "the template uses 'custmer'",
    ],
    [
      "a variable nobody uses",
      GOOD.replace("{{client}}", "us"),
      {},
      "variables",
      "input.schema declares 'client', which the template does not use",
    ],
    [
      "a default of no variable",
      GOOD.replace("client: ACME", "client: ACME\n    foo: 1"),
      {},
      "variables",
      "input.default has 'foo'",
    ],
    [
      "a default of the wrong type",
      GOOD.replace("client: ACME", "client: 7"),
      {},
      "variables",
      "input.default: the variable 'client' is '7'; it must be of type string",
    ],
    ["no schema", GOOD.replace(/input:[\s\S]*ACME\n/, ""), {}, "format", "input: "],
    [
      "an unknown setting",
      GOOD.replace("temperature", "temprature"),
      {},
      "format",
      "config: Unrecognized key",
    ],
    [
      "a type there is not",
      GOOD.replace("string, who", "text, who"),
      {},
      "format",
      "'text, who is served' is no type",
    ],
    [
      "front matter that is no YAML",
      GOOD.replace("model: small", "model: ["),
      {},
      "format",
      "front matter: ",
    ],
    ["a template that is none", GOOD.replace("{{/if}}", ""), {}, "format", "template: "],
    [
      "a role in the middle",
      GOOD.replace("You help", 'x {{role "user"}} You help'),
      {},
      "variables",
      "{{role ...}} is not for a system prompt",
    ],
    [
      "a partial",
      GOOD.replace("You help", "{{> header}} You help"),
      {},
      "variables",
      "{{> header}} is not for a system prompt",
    ],
    ["an empty template", GOOD.replace(/You help.*/, ""), {}, "length", "the template is empty"],
    [
      "a template that costs too much",
      GOOD.replace("You help", "x".repeat(8_001)),
      {},
      "length",
      "so at most 8000",
    ],
    [
      "a credential",
      GOOD.replace("You help", `Key: AKIA${"A".repeat(16)} You help`),
      {},
      "content",
      "secrets: aws-access-key",
    ],
    [
      "personal data",
      GOOD.replace("You help", "Ask jane.doe@example.org. You help"),
      {},
      "content",
      "pii: email",
    ],
    [
      "no entry in the changelog",
      GOOD,
      { "demo/CHANGELOG.md": "# demo\n" },
      "changelog",
      "has no section '## 1'",
    ],
    [
      "a version nobody recorded",
      GOOD,
      { "prompts.lock.json": "{}" },
      "immutable",
      "does not have it; run `llmops prompt hash --write`",
    ],
    [
      "a released version that was changed",
      GOOD,
      { "demo/1.prompt": GOOD.replace("help", "serve") },
      "immutable",
      "its content changed after its release",
    ],
    [
      "a released version that is gone",
      GOOD,
      {
        "prompts.lock.json": JSON.stringify({
          "demo/1.prompt": promptHash(parsePrompt("demo/1.prompt", GOOD)),
          "demo/0.prompt": `sha256:${"0".repeat(64)}`,
        }),
      },
      "immutable",
      "a released version is missing",
    ],
  ])("finds %s", (_what, source, change, rule, message) => {
    const found = lintPrompts(folder(source, change));
    expect(
      found
        .filter((each) => each.rule === rule)
        .map((each) => each.message)
        .join("\n"),
    ).toContain(message);
  });
});

describe("the hash", () => {
  it("does not depend on layout, order, comments, line ends or description", () => {
    const other = `---\r\ninput:\r\n  default: { client: "ACME" } # a comment\r\n  schema:\r\n    "tone?(enum)": [calm, brisk]\r\n    client: string\r\nmodel: small\r\ndescription: Something else.\r\nconfig: { temperature: 0.20 }\r\n---\r\n\r\nYou help {{client}}{{#if tone}} in a {{tone}} tone{{/if}}.\r\n`;
    expect(promptHash(parsePrompt("demo/1.prompt", other))).toBe(
      promptHash(parsePrompt("demo/1.prompt", GOOD)),
    );
  });

  it("changes with any other change", () => {
    const changes = [
      GOOD.replace("0.2", "0.3"),
      GOOD.replace("help", "serve"),
      GOOD.replace("ACME", "Globex"),
      GOOD.replace("[calm, brisk]", "[calm]"),
      GOOD.replace("client: string", "client?: string"),
    ].map((source) => promptHash(parsePrompt("demo/1.prompt", source)));
    const base = parsePrompt("demo/1.prompt", GOOD);
    expect(new Set([promptHash(base), promptHash(base, { tone: "calm" }), ...changes]).size).toBe(7);
  });
});

describe("rendering", () => {
  it("gives what dotprompt itself gives", async () => {
    for (const prompt of promptsOf(promptFiles())) {
      const hasClient = prompt.variables.some(({ name }) => name === "client");
      const values = { ...prompt.defaults, ...(hasClient ? { client: "ACME" } : {}) };
      const { messages } = await new Dotprompt().render(`{{role "system"}}${prompt.template}`, {
        input: values,
      });
      const text = messages
        .flatMap(({ content }) => content.map((part) => ("text" in part ? part.text : "")))
        .join("");
      expect(render(prompt, values)).toBe(text);
    }
  });

  it("never lets a value become part of the template", () => {
    const prompt = parsePrompt("demo/1.prompt", GOOD);
    fc.assert(
      fc.property(fc.string(), (client) => {
        expect(render(prompt, { client })).toBe(`You help ${client}.`);
      }),
      { examples: [["{{tone}} <b>&</b> {{#if client}}"]] },
    );
  });

  it("refuses variables that do not fit", () => {
    const prompt = parsePrompt("demo/1.prompt", GOOD);
    expect(() => render(prompt, { tone: "loud", foo: 1 })).toThrow(
      "demo/1.prompt: the prompt has no variable 'foo'; it has client, tone\ndemo/1.prompt: the variable 'tone' is 'loud'; use one of calm, brisk",
    );
  });

  it("is what the gateway serves, under a name that holds the hash", () => {
    const compiled = gatewayPrompt({
      prompt: "claims-assistant",
      version: "2",
      weight: 3,
      variables: { client: "ACME" },
    });
    expect(compiled).toEqual({
      version: `claims-assistant@2:${promptHash(promptAt("claims-assistant", "2"), { client: "ACME" })}`,
      weight: 3,
      system: render(promptAt("claims-assistant", "2"), { client: "ACME" }),
      settings: { temperature: 0.2 },
    });
    expect(compiled.system).toContain("case handlers of ACME");
  });
});

describe("the difference", () => {
  it("compares a new version with the one before it", () => {
    const base = folder(GOOD);
    const head = new Map(base).set(
      "demo/2.prompt",
      GOOD.replace("0.2", "0.7").replace("You help", "Be kind.\nYou help"),
    );
    expect(promptChanges(base, head)).toMatchObject([
      {
        file: "demo/2.prompt",
        kind: "added",
        against: "demo/1.prompt",
        settings: ["config.temperature: 0.2 -> 0.7"],
        lines: [{ kind: "added", text: "Be kind." }, { kind: "same" }],
      },
    ]);
    expect(promptChanges(head, base)).toMatchObject([{ file: "demo/2.prompt", kind: "removed" }]);
    expect(promptChanges(base, base)).toEqual([]);
  });

  it("turns one text into the other, whatever they are", () => {
    const text = fc.array(fc.constantFrom("a", "b", "c", "d"), { maxLength: 12 });
    fc.assert(
      fc.property(text, text, (before, after) => {
        const lines = lineDiff(before, after);
        const side = (other: "removed" | "added"): string[] =>
          lines.filter(({ kind }) => kind !== other).map(({ text: line }) => line);
        expect([side("added"), side("removed")]).toEqual([before, after]);
      }),
    );
  });
});
