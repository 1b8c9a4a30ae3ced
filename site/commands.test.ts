import { existsSync, mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { commandLine } from "../cli/program.ts";
import { run } from "../cli/testing/run.ts";
import { ROOT } from "./command-page.ts";
import { documentedCommands, parsesOnly, wordsOf } from "./documented-commands.ts";
import { pagesOf } from "./markdown.ts";

const NOT_RUN = Object.entries(
  z
    .record(z.string(), z.record(z.string(), z.string().min(15)))
    .parse(parse(readFileSync(join(import.meta.dirname, "not-run.yaml"), "utf8"))),
).flatMap(([page, reasons]) =>
  Object.entries(reasons).map(([command, because]) => ({ page, command, because })),
);
const SCRIPTS = z
  .object({ scripts: z.record(z.string(), z.string()) })
  .parse(JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"))).scripts;
/** Commands of npm that are no scripts. */
const NPM: ReadonlySet<string> = new Set(["ci", "install", "start", "test"]);
/** Options that name a file or folder to write: tests write elsewhere. */
const WRITES: ReadonlySet<string> = new Set(["--out", "--html", "--svg"]);

/** What ends with exit code 1 because it has something to say about the shipped stacks, and what that is. */
const FINDINGS: readonly (readonly [command: string, finding: string])[] = [
  ["npx llmops prices check", "the stack file assumes it"],
  ["npx llmops destroy-plan", "obstacles block the teardown"],
];

const isPage = (path: string): boolean => path === "README.md" || path.startsWith("docs/");
const commands = pagesOf(ROOT)
  .filter(({ path }) => isPage(path))
  .flatMap(documentedCommands);
const reasonFor = ({ page, line }: (typeof commands)[number]): string | undefined =>
  NOT_RUN.find((entry) => entry.page === page && line.startsWith(entry.command))?.because;

const ofLlmops = commands.filter(({ line }) => /^(npx llmops|node cli\/llmops\.js)\s/.test(line));
const ofNpm = commands.filter(({ line }) => /^npm\s/.test(line));
const others = commands.filter((each) => !ofLlmops.includes(each) && !ofNpm.includes(each));
const carriedOut = [
  ...new Set(ofLlmops.filter((each) => reasonFor(each) === undefined).map(({ line }) => line)),
];

/** Words behind `llmops`. */
function argumentsOf(line: string): readonly string[] {
  return (wordsOf(line) ?? []).slice(2);
}

async function readsWords(line: string): Promise<string> {
  const args = argumentsOf(line);
  try {
    await parsesOnly(await commandLine(args)).parseAsync(args, { from: "user" });
    return "read";
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

describe("commands in the documentation", () => {
  it("are found, and most of them are carried out or have a reason why not", () => {
    expect(commands.length).toBeGreaterThan(40);
    expect(carriedOut.length).toBeGreaterThan(12);
    expect(others.filter((each) => reasonFor(each) === undefined)).toEqual([]);
  });

  it("are plain words", () => {
    expect(commands.filter(({ line }) => wordsOf(line) === undefined)).toEqual([]);
  });

  it("name commands and options there are, also where they are not carried out", async () => {
    const read = new Map<string, string>();
    for (const { line } of ofLlmops) read.set(line, await readsWords(line));
    expect([...read].filter(([, result]) => result !== "read")).toEqual([]);
    expect(await readsWords("npx llmops plan -s dev --nothing")).toContain("unknown option '--nothing'");
    expect(await readsWords("npx llmops plam -s dev")).not.toBe("read");
  });

  it("name scripts of package.json", () => {
    const missing = ofNpm.filter(({ line }) => {
      const [, command = "", script = ""] = line.split(/\s+/);
      return command === "run" ? SCRIPTS[script] === undefined : !NPM.has(command);
    });
    expect(missing).toEqual([]);
  });

  it("have reasons for commands that are there, and files that exist", () => {
    const stale = NOT_RUN.filter(
      ({ page, command }) => !commands.some((each) => each.page === page && each.line.startsWith(command)),
    );
    expect(stale).toEqual([]);
    const files = others.flatMap(({ line }) => /^node (\S+\.ts)/.exec(line)?.[1] ?? []);
    expect(files.filter((file) => !existsSync(join(ROOT, file)))).toEqual([]);
  });

  it.each(carriedOut)("%s", async (line) => {
    const folder = mkdtempSync(join(tmpdir(), "llmops-docs-"));
    const words = argumentsOf(line);
    const args = words.map((word, index) =>
      WRITES.has(words[index - 1] ?? "") ? join(folder, word.replaceAll("/", "-")) : word,
    );
    const { code, out, err } = await run(args);
    const [, finding] = FINDINGS.find(([command]) => line.startsWith(command)) ?? [];
    expect([code, err]).toEqual([finding === undefined ? 0 : 1, expect.stringContaining(finding ?? "")]);
    expect(`${out}${err}`).not.toBe("");
  });
});
