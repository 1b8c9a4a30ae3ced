import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { parseAllDocuments } from "yaml";
import { run } from "./testing/run.ts";

interface Exported {
  readonly files: readonly {
    readonly name: string;
    readonly documents: readonly { readonly kind?: string; readonly type?: string }[];
  }[];
  readonly commands: readonly string[];
  readonly lost: readonly string[];
}

const CLUSTER = ["--cluster", "acme-prod"] as const;
const STAYS = /^gateway, guards, audit log, budgets and evaluations are not exported/;

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "llmops-export-"));
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

describe("llmops export", () => {
  it.each([
    [
      "kserve",
      [],
      [
        ["claims-assistant.yaml", ["InferenceService", "ScaledObject"]],
        ["claims-reasoner.yaml", ["InferenceService", "ScaledObject"]],
      ],
    ],
    [
      "llm-d",
      [],
      ["claims-assistant", "claims-reasoner"].flatMap((name) => [
        [
          `${name}.yaml`,
          ["Deployment", "ScaledObject", "Service", "NetworkPolicy", "NetworkPolicy", "NetworkPolicy"],
        ],
        [`${name}.values.yaml`, [undefined]],
      ]),
    ],
    [
      "truefoundry",
      CLUSTER,
      [
        ["claims-assistant.yaml", ["service"]],
        ["claims-reasoner.yaml", ["service"]],
      ],
    ],
  ])("%s writes every model, and says what is lost", async (target, more, expected) => {
    const { code, out, err } = await run(["export", target, "-s", "acme-prod", "--json", ...more]);
    expect(code).toBe(0);
    const { files, commands, lost } = JSON.parse(out) as Exported;
    expect(
      files.map(({ name, documents }) => [name, documents.map(({ kind, type }) => kind ?? type)]),
    ).toEqual(expected);
    expect(commands.length).toBeGreaterThanOrEqual(2);
    expect(lost[0]).toMatch(STAYS);
    expect(new Set(lost.slice(1).map((note) => note.split(":")[0]))).toEqual(
      new Set(["claims-assistant", "claims-reasoner"]),
    );
    for (const note of lost) expect(err).toContain(`note: ${note}`);
  });

  it("writes files, of which the printed text is made", async () => {
    const { code, out } = await run(["export", "llm-d", "-s", "acme-prod", "--out", folder]);
    expect([code, out]).toEqual([0, ""]);
    const names = readdirSync(folder).sort();
    expect(names).toEqual([
      "claims-assistant.values.yaml",
      "claims-assistant.yaml",
      "claims-reasoner.values.yaml",
      "claims-reasoner.yaml",
    ]);
    const printed = (await run(["export", "llm-d", "-s", "acme-prod"])).out;
    for (const name of names) {
      const text = readFileSync(join(folder, name), "utf8");
      expect(parseAllDocuments(text).flatMap(({ errors }) => errors)).toEqual([]);
      expect(printed).toContain(`# ${name}\n${text.trimEnd()}`);
    }
  });

  it.each([
    [[], "required option '--cluster <id>' not specified"],
    [["--cluster", "a:b"], "'a:b' is no cluster id; TrueFoundry shows it on the page of the cluster"],
  ])("needs to know the cluster of TrueFoundry: %j", async (options, message) => {
    const { code, err } = await run(["export", "truefoundry", "-s", "acme-prod", ...options]);
    expect(code).toBe(2);
    expect(err).toContain(message);
  });
});
