import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { writeAll, type FileToWrite } from "./files.ts";

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "llmops-files-"));
  writeFileSync(join(root, "old.txt"), "old");
});

afterEach(() => {
  rmSync(root, { recursive: true, force: true });
});

const FILES: readonly FileToWrite[] = [
  { path: "deep/er/new.txt", text: "new", mode: "new" },
  { path: "old.txt", text: "newer", mode: "replace" },
];

function content(): Record<string, string> {
  return Object.fromEntries(
    readdirSync(root, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => [
        join(entry.parentPath, entry.name).slice(root.length + 1),
        readFileSync(join(entry.parentPath, entry.name), "utf8"),
      ]),
  );
}

describe("files that belong together", () => {
  it("are all written", () => {
    writeAll(root, FILES);
    expect(content()).toEqual({ "deep/er/new.txt": "new", "old.txt": "newer" });
  });

  it.each([
    [
      "a new one is there already",
      [...FILES, { path: "taken.txt", text: "x", mode: "new" } as const],
      () => undefined,
      "taken.txt exists already",
    ],
    [
      "a place cannot be written",
      [...FILES, { path: "taken", text: "x", mode: "replace" } as const],
      () => undefined,
      "EISDIR",
    ],
    [
      "a folder is a file",
      [...FILES, { path: "taken.txt/x", text: "x", mode: "new" } as const],
      () => undefined,
      "EEXIST",
    ],
    [
      "what was written does not hold",
      FILES,
      () => {
        throw new Error("not valid");
      },
      "not valid",
    ],
  ])("leave nothing behind when %s", (_, files, check, message) => {
    writeFileSync(join(root, "taken.txt"), "taken");
    mkdirSync(join(root, "taken"));
    expect(() => {
      writeAll(root, files, check);
    }).toThrow(message);
    expect(content()).toEqual({ "old.txt": "old", "taken.txt": "taken" });
    expect(readdirSync(root).sort()).toEqual(["old.txt", "taken", "taken.txt"]);
  });
});
