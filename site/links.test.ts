import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { ROOT } from "./command-page.ts";
import { deadLinks, pagesOf } from "./markdown.ts";
import { generatedPages, isCurrent } from "./pages.ts";

describe("the documentation", () => {
  it("has links, pictures and anchors that lead somewhere", () => {
    const pages = pagesOf(ROOT);
    expect(pages.length).toBeGreaterThan(80);
    expect(deadLinks(ROOT, pages)).toEqual([]);
  });

  it("has the reference as the code is; else run `npm run docs:reference -- --write`", async () => {
    const pages = await generatedPages();
    expect(pages.filter((page) => !isCurrent(page)).map(({ path }) => path)).toEqual([]);
    expect(isCurrent({ path: "docs/reference/cli.md", text: "old" })).toBe(false);
    expect(pages[0]?.text).not.toContain(ROOT);
  });

  it("with a dead link, anchor or picture is noticed", () => {
    const root = mkdtempSync(join(tmpdir(), "llmops-links-"));
    mkdirSync(join(root, "docs"));
    writeFileSync(
      join(root, "docs", "a.md"),
      "# One `thing`\n\n[x](b.md) [y](#one-thing) [z](#two) ![p](c.png) [up](../../d) [web](https://example.org/#q)\n\n| [t](../e.md#no) |\n|---|\n",
    );
    writeFileSync(join(root, "e.md"), "# Yes\n");
    expect(deadLinks(root, pagesOf(root))).toEqual([
      "docs/a.md: b.md does not exist",
      "docs/a.md: #two names no heading of docs/a.md",
      "docs/a.md: c.png does not exist",
      "docs/a.md: ../../d leaves the repository",
      "docs/a.md: ../e.md#no names no heading of e.md",
    ]);
  });
});
