import { randomBytes } from "node:crypto";
import { mkdtempSync } from "node:fs";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { nodeFiles } from "../audit/file-layer.ts";
import { sha256Hex } from "../audit/chain.ts";
import { directoryStore } from "../store/directory-store.ts";
import { ContentVault, subjectFolder } from "./vault.ts";

interface Setup {
  readonly vault: ContentVault;
  readonly objects: string;
  readonly keys: string;
  /** Another replica on the same stores. */
  readonly other: (now?: () => number) => ContentVault;
}

function setup(): Setup {
  const root = mkdtempSync(join(tmpdir(), "vault-"));
  const [objects, keys] = [join(root, "objects"), join(root, "keys")];
  const master = randomBytes(32);
  const other = (now?: () => number): ContentVault =>
    new ContentVault({
      content: directoryStore(objects, nodeFiles),
      keys: directoryStore(keys, nodeFiles),
      master,
      ...(now === undefined ? {} : { now }),
    });
  return { vault: other(), objects, keys, other };
}

const ANA = subjectFolder("acme", "hmac-sha256:aa");
const LUIS = subjectFolder("acme", "hmac-sha256:bb");

async function bytesBelow(folder: string): Promise<string> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return (await Promise.all(files.map((file) => readFile(file, "latin1")))).join("");
}

describe("ContentVault", () => {
  it("returns any content on any replica and stores none of it in clear", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 64 }), async (plain) => {
        const { vault, other } = setup();
        const reference = await vault.seal(ANA, "r1", "input", Buffer.from(plain));
        expect((await other().open(reference)).equals(Buffer.from(plain))).toBe(true);
      }),
      { numRuns: 20 },
    );
    const { vault, objects, keys } = setup();
    await vault.seal(ANA, "r1", "input", Buffer.from("the claim of Ana"));
    expect(await bytesBelow(objects)).not.toContain("claim");
    expect(await bytesBelow(keys)).not.toContain("claim");
  });

  it("makes the content of one person unreadable and leaves the others", async () => {
    const { vault, other } = setup();
    const ana = await vault.seal(ANA, "r1", "input", Buffer.from("a"));
    const luis = await vault.seal(LUIS, "r2", "output", Buffer.from("l"));
    expect(await vault.keyIds(ANA)).toEqual([ana.key]);
    await other().erase(ANA);
    await expect(vault.open(ana)).rejects.toMatchObject({ reason: "erased" });
    expect((await vault.open(luis)).toString()).toBe("l");
    expect(await vault.keyIds(ANA)).toEqual([]);
  });

  it("makes a new key after an erasure, at the latest when the one in memory runs out", async () => {
    let now = 0;
    const { other } = setup();
    const vault = other(() => now);
    const first = await vault.seal(ANA, "r1", "input", Buffer.from("a"));
    await other().erase(ANA);
    now = 60_001;
    const second = await vault.seal(ANA, "r2", "input", Buffer.from("b"));
    expect(second.key).not.toBe(first.key);
    expect((await vault.open(second)).toString()).toBe("b");
    await expect(vault.open(first)).rejects.toMatchObject({ reason: "erased" });
  });

  it("uses one key per person over restarts", async () => {
    const { vault, other } = setup();
    const first = await vault.seal(ANA, "r1", "input", Buffer.from("a"));
    expect((await other().seal(ANA, "r2", "input", Buffer.from("b"))).key).toBe(first.key);
  });

  it.each(["objects", "keys"] as const)("reports changed bytes in the %s", async (where) => {
    const all = setup();
    const reference = await all.vault.seal(ANA, "r1", "input", Buffer.from("abc"));
    const path = join(all[where], where === "objects" ? reference.object : `${ANA}/${reference.key}`);
    const bytes = await readFile(path);
    bytes[14] = (bytes[14] ?? 0) ^ 1;
    await writeFile(path, bytes);
    const changed = where === "objects" ? "changed" : "erased";
    await expect(all.other().open(reference)).rejects.toMatchObject({ reason: changed });
  });

  it("does not read an object moved to another name", async () => {
    const { vault, objects } = setup();
    const reference = await vault.seal(ANA, "r1", "input", Buffer.from("abc"));
    const moved = { ...reference, object: `${ANA}/r9.input` };
    await writeFile(join(objects, moved.object), await readFile(join(objects, reference.object)));
    expect(sha256Hex(await readFile(join(objects, moved.object)))).toBe(reference.sha256);
    await expect(vault.open(moved)).rejects.toMatchObject({ reason: "changed" });
    await expect(vault.open({ ...reference, object: `${ANA}/none.input` })).rejects.toMatchObject({
      reason: "missing",
    });
  });

  it("refuses a short master key", () => {
    const { objects, keys } = setup();
    const stores = { content: directoryStore(objects, nodeFiles), keys: directoryStore(keys, nodeFiles) };
    expect(() => new ContentVault({ ...stores, master: randomBytes(16) })).toThrow(RangeError);
  });
});
