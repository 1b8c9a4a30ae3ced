import fc from "fast-check";
import { expect, it } from "vitest";
import type { ServerEvent } from "./sse.ts";
import { BrokenStreamError, formatEvent, readEvents } from "./sse.ts";

async function* blocksOf(bytes: Uint8Array, sizes: readonly number[]): AsyncGenerator<Uint8Array> {
  let at = 0;
  for (let turn = 0; at < bytes.length; turn += 1) {
    const size = sizes[turn % sizes.length] ?? 1;
    yield await Promise.resolve(bytes.subarray(at, at + size));
    at += size;
  }
}

async function parse(
  text: string | Uint8Array,
  sizes: readonly number[] = [7],
  limit = 1e6,
): Promise<ServerEvent[]> {
  const events: ServerEvent[] = [];
  for await (const event of readEvents(blocksOf(Buffer.from(text), sizes), limit)) events.push(event);
  return events;
}

it("reads the same events however the bytes are cut", async () => {
  const line = fc.string({ unit: "grapheme", maxLength: 12 }).filter((text) => !/[\r\n]/.test(text));
  const event = fc.record({ event: fc.constantFrom(null, "ping", "delta"), data: line });
  await fc.assert(
    fc.asyncProperty(
      fc.array(event, { maxLength: 8 }),
      fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 4 }),
      fc.constantFrom("\n", "\r\n", "\r"),
      async (events, sizes, end) => {
        const text = events
          .map(({ event: name, data }) => formatEvent(name, data))
          .join("")
          .replaceAll("\n", end);
        expect(await parse(text, sizes)).toEqual(events);
      },
    ),
    { numRuns: 150 },
  );
});

it("joins data lines, skips comments and takes a last event without a blank line", async () => {
  expect(await parse(": hi\ndata: a\ndata:b\n\nevent: x\n\ndata: c")).toEqual([
    { event: null, data: "a\nb" },
    { event: null, data: "c" },
  ]);
});

it.each([
  ["too many bytes", "data: aaaaaaaaaaaaaaaa\n\n", 10],
  ["bytes that are not UTF-8", Uint8Array.from([0x64, 0xff, 0x0a]), 100],
  ["a cut character at the end", Uint8Array.from([0x64, 0xc3]), 100],
])("refuses %s", async (_what, bytes, limit) => {
  await expect(parse(bytes, [3], limit)).rejects.toThrow(BrokenStreamError);
});
