import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { stringify } from "yaml";
import { differences } from "./differences.ts";
import { ABOVE_PLATFORM, mergeYaml, type Choices, type Merge } from "./merge.ts";
import { formatted } from "./stack-document.ts";
import { platformIn } from "./upgrade.ts";

const NONE: Choices = { keep: [], take: [] };

function textOf(platform: unknown): string {
  return stringify({ config: { "llmops:platform": platform } });
}

async function mergeOf(base: unknown, client: unknown, template: unknown, choices = NONE): Promise<Merge> {
  const texts = { base: textOf(base), client: textOf(client), template: textOf(template) };
  return mergeYaml(texts, choices, "stack.yaml", ABOVE_PLATFORM);
}

const scalar = fc.oneof(
  fc.integer({ min: 0, max: 3 }),
  fc.constantFrom("x", "y", "10.0.0.0/16"),
  fc.boolean(),
);
const leaves = fc.oneof(scalar, fc.array(scalar, { maxLength: 2 }));
const inner = fc.dictionary(fc.constantFrom("p", "q", "r"), leaves, { noNullPrototype: true });
const entries = fc.uniqueArray(
  fc.tuple(fc.constantFrom("one", "two", "three"), inner).map(([name, rest]) => ({ name, ...rest })),
  { selector: ({ name }) => name, maxLength: 3 },
);
const platform = fc.record(
  { a: leaves, b: inner, c: inner, d: entries, e: scalar },
  { requiredKeys: [], noNullPrototype: true },
);

/** Whether one key lies in the other. */
function meets(a: string, b: string): boolean {
  return a === b || [".", "["].some((next) => a.startsWith(b + next) || b.startsWith(a + next));
}

/** Changes of one side that no change of the other side meets. */
function alone(own: readonly { key: string }[], others: readonly { key: string }[]): string[] {
  return own.map(({ key }) => key).filter((key) => !others.some((other) => meets(key, other.key)));
}

describe("merging a template's changes into a client's file", () => {
  it("gives the template's text where the client changed nothing", async () => {
    await fc.assert(
      fc.asyncProperty(platform, platform, async (base, template) => {
        const { text, conflicts } = await mergeOf(base, base, template);
        expect([text, conflicts]).toEqual([await formatted(textOf(template)), []]);
      }),
      { numRuns: 30 },
    );
  });

  it("gives the client's text where the template changed nothing", async () => {
    await fc.assert(
      fc.asyncProperty(platform, platform, async (base, client) => {
        const { text, conflicts } = await mergeOf(base, client, base);
        expect([platformIn(text), conflicts]).toEqual([platformIn(textOf(client)), []]);
      }),
      { numRuns: 30 },
    );
  });

  it("never loses what only one side changed", async () => {
    await fc.assert(
      fc.asyncProperty(platform, platform, platform, async (base, client, template) => {
        const merged = platformIn((await mergeOf(base, client, template)).text);
        const [own, theirs] = [differences(base, client), differences(base, template)];
        const lost = (side: unknown, keys: readonly string[]): string[] =>
          keys.filter((key) =>
            differences(side, merged).some((each) => meets(key, each.key) && each.key === key),
          );
        expect(lost(client, alone(own, theirs))).toEqual([]);
        expect(lost(template, alone(theirs, own))).toEqual([]);
      }),
      { numRuns: 80 },
    );
  });

  const BASE = { budget: { monthly: 10, owner: "a" }, models: [{ name: "m", gpu: { pool: "l4" }, max: 2 }] };

  it("names a conflict by its key, keeps the client's value, and takes a decision about it", async () => {
    const client = { ...BASE, models: [{ name: "m", gpu: { pool: "l4" }, max: 3 }] };
    const template = {
      budget: { monthly: 12, owner: "a" },
      models: [{ name: "m", gpu: { pool: "h100" }, max: 4 }],
    };
    const max = (text: string): unknown => platformIn(text);
    const { text, conflicts } = await mergeOf(BASE, client, template);
    expect(conflicts).toEqual([{ key: "models[m].max", base: 2, client: 3, template: 4 }]);
    const merged = {
      budget: { monthly: 12, owner: "a" },
      models: [{ name: "m", gpu: { pool: "h100" }, max: 3 }],
    };
    expect(max(text)).toEqual(merged);
    const kept = await mergeOf(BASE, client, template, { keep: ["models[m].max"], take: [] });
    expect([kept.conflicts, max(kept.text)]).toEqual([[], merged]);
    const taken = await mergeOf(BASE, client, template, { keep: [], take: ["models[m].max"] });
    expect([taken.conflicts, max(taken.text)]).toEqual([
      [],
      { ...merged, models: [{ name: "m", gpu: { pool: "h100" }, max: 4 }] },
    ]);
  });

  it("calls it a conflict when one side removes what the other changes", async () => {
    const { conflicts } = await mergeOf(
      BASE,
      { models: BASE.models },
      { ...BASE, budget: { monthly: 11, owner: "a" } },
    );
    expect(conflicts.map(({ key }) => key)).toEqual(["budget"]);
  });

  it("refuses a decision about a key without a conflict, and anchors", async () => {
    await expect(mergeOf(BASE, BASE, BASE, { keep: ["budget.monthly"], take: [] })).rejects.toThrow(
      "there is no conflict at 'budget.monthly'; conflicts: none",
    );
    const text = "config:\n  llmops:platform:\n    a: &x { b: 1 }\n    c: *x\n";
    await expect(
      mergeYaml({ base: text, client: text, template: text }, NONE, "stack.yaml", ABOVE_PLATFORM),
    ).rejects.toThrow("a merge cannot follow anchors and aliases");
  });

  it("keeps comments of both: the client's own, and the template's new ones", async () => {
    const lines = (budget: string, top = "# top\n"): string =>
      `${top}config:\n  llmops:platform:\n    client: x\n${budget}    models: []\n`;
    const { text } = await mergeYaml(
      {
        base: lines("    # why\n    budget: 1\n"),
        client: lines("    # because we said so\n    budget: 1 # ours\n"),
        template: lines("    # why\n    budget: 2\n    # new\n    extra: 1\n", "# new top\n"),
      },
      NONE,
      "stack.yaml",
      ABOVE_PLATFORM,
    );
    expect(text).toBe(
      lines("    # because we said so\n    budget: 2 # ours\n    # new\n    extra: 1\n", "# new top\n"),
    );
  });

  it("keeps the client's comments inside a list without names that nobody else changed", async () => {
    const lines = (comment: string, extra = ""): string =>
      `config:\n  llmops:platform:\n    zones:\n      - a${comment}\n      - b\n${extra}`;
    const { text } = await mergeYaml(
      { base: lines(""), client: lines(" # frozen until the audit"), template: lines("", "    extra: 1\n") },
      NONE,
      "stack.yaml",
      ABOVE_PLATFORM,
    );
    expect(text).toBe(lines(" # frozen until the audit", "    extra: 1\n"));
  });

  it("takes the template's comments inside such a list while the client has its own nowhere", async () => {
    const lines = (comment: string): string =>
      `config:\n  llmops:platform:\n    zones:\n      - a${comment}\n      - b\n`;
    const { text } = await mergeYaml(
      { base: lines(""), client: lines(""), template: lines(" # measured") },
      NONE,
      "stack.yaml",
      ABOVE_PLATFORM,
    );
    expect(text).toBe(lines(" # measured"));
  });
});
