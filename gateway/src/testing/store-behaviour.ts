import { randomBytes, randomUUID } from "node:crypto";
import { beforeAll, describe, expect, it } from "vitest";
import type { ObjectStore } from "../store/object-store.ts";
import { ObjectConflictError } from "../store/object-store.ts";

/** What every object store does. */
export function describeObjectStore(name: string, open: () => Promise<ObjectStore>): void {
  describe(`${name}: objects`, () => {
    let store: ObjectStore;
    const folder = randomUUID();

    beforeAll(async () => {
      store = await open();
    });

    it("returns what was stored, whole and as a stream", async () => {
      const bytes = randomBytes(300_000);
      await store.putOnce(`${folder}/a/1`, bytes);
      expect((await store.get(`${folder}/a/1`))?.equals(bytes)).toBe(true);
      const parts = (await (await store.stream(`${folder}/a/1`)).toArray()) as Buffer[];
      expect(Buffer.concat(parts).equals(bytes)).toBe(true);
    });

    it("takes the same bytes again and never other bytes", async () => {
      await store.putOnce(`${folder}/b`, Buffer.from("one"));
      await store.putOnce(`${folder}/b`, Buffer.from("one"));
      await expect(store.putOnce(`${folder}/b`, Buffer.from("two"))).rejects.toThrow(ObjectConflictError);
      expect((await store.get(`${folder}/b`))?.toString()).toBe("one");
    });

    it("keeps one of two that race for a name", async () => {
      const answers = await Promise.allSettled(
        ["x", "y"].map((text) => store.putOnce(`${folder}/race`, Buffer.from(text))),
      );
      const kept = (await store.get(`${folder}/race`))?.toString();
      const winner = answers[kept === "x" ? 0 : 1];
      expect(winner?.status).toBe("fulfilled");
    });

    it("lists by prefix in order and knows what is missing", async () => {
      for (const each of ["2", "10", "1"]) await store.putOnce(`${folder}/l/${each}`, Buffer.from(each));
      expect(await store.list(`${folder}/l/`)).toEqual(["1", "10", "2"].map((each) => `${folder}/l/${each}`));
      expect(await store.list(`${folder}/nothing/`)).toEqual([]);
      expect(await store.get(`${folder}/nothing`)).toBeNull();
      await expect(store.stream(`${folder}/nothing`).then((body) => body.toArray())).rejects.toThrow();
    });

    it("removes, also what is missing", async () => {
      await store.putOnce(`${folder}/gone`, Buffer.from("x"));
      await store.remove(`${folder}/gone`);
      await store.remove(`${folder}/gone`);
      expect(await store.get(`${folder}/gone`)).toBeNull();
    });
  });
}
