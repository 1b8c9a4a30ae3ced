import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { GuardRule } from "./inspect.ts";
import { applyHits, hitsIn, VerdictBook } from "./inspect.ts";
import type { Json } from "./leaves.ts";
import { inspectBody } from "./leaves.ts";
import { piiDetector } from "./pii.ts";
import { StreamGuard } from "./stream.ts";

const redact: GuardRule = { detector: piiDetector, action: "redact", kinds: null, replacement: "" };
const block: GuardRule = { ...redact, action: "block" };

interface Event {
  text: string;
}

interface Run {
  readonly sent: string;
  readonly blocked: string | null;
  readonly book: VerdictBook;
}

function run(chunks: readonly string[], rule: GuardRule, window = 320): Run {
  const book = new VerdictBook("output", [rule]);
  const guard = new StreamGuard<Event>([rule], book, window);
  let sent = "";
  for (const chunk of chunks) {
    const event: Event = { text: chunk };
    const put = (text: string): void => {
      event.text = text;
    };
    const step = guard.push(event, [{ channel: "0", text: chunk, put }]);
    if (step.kind === "blocked") return { sent, blocked: step.guard, book };
    sent += step.events.map((released) => released.text).join("");
  }
  const last = guard.finish();
  if (last.kind === "release") sent += last.events.map((released) => released.text).join("");
  return { sent, blocked: null, book };
}

function cutUp(text: string, sizes: readonly number[]): string[] {
  const chunks: string[] = [];
  let at = 0;
  for (let turn = 0; at < text.length; turn += 1) {
    const size = sizes[turn % sizes.length] ?? 1;
    chunks.push(text.slice(at, at + size));
    at += size;
  }
  return chunks;
}

describe("StreamGuard", () => {
  it("refuses a window shorter than the longest match", () => {
    expect(() => new StreamGuard([redact], new VerdictBook("output", []), 319)).toThrow(RangeError);
  });

  it("never sends any part of a match, however the text is cut", () => {
    const secret = "ES9121000418450200051332";
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 900 }),
        fc.integer({ min: 0, max: 900 }),
        fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 6 }),
        (before, after, sizes) => {
          const text = `${"so. ".repeat(before / 4)}|${secret}|${" ok.".repeat(after / 4)}`;
          const chunks = cutUp(text, sizes);
          const redacted = run(chunks, redact);
          expect(redacted.sent).toBe(text.replace(secret, "[iban]"));
          const stopped = run(chunks, block);
          expect(stopped.blocked).toBe("pii");
          expect(stopped.sent).not.toMatch(/ES|\d/);
        },
      ),
      { numRuns: 60 },
    );
  });

  it("sends a clean stream unchanged and holds back no more than the window", () => {
    const chunks = Array.from({ length: 300 }, () => "word ");
    const book = new VerdictBook("output", [redact]);
    const guard = new StreamGuard<string>([redact], book, 320);
    let sent = 0;
    chunks.forEach((chunk, index) => {
      const step = guard.push(chunk, [{ channel: "0", text: chunk, put: () => undefined }]);
      if (step.kind === "release") sent += step.events.length;
      expect((index + 1 - sent) * 5).toBeLessThanOrEqual(320 + 5);
    });
    expect(sent).toBe(300 - 64);
    expect(book.verdicts).toEqual([
      { guard: "pii", version: "1", side: "output", action: "pass", found: {} },
    ]);
  });

  it("counts what it took out once", () => {
    const { book } = run(cutUp(`${"x. ".repeat(400)}12345678Z${" y.".repeat(400)}`, [7]), redact);
    expect(book.verdicts[0]).toMatchObject({ action: "redact", found: { dni: 1 } });
  });
});

describe("inspectBody", () => {
  const look = (body: Json, rule: GuardRule): { result: string; body: Json } => {
    const book = new VerdictBook("input", [rule]);
    return { result: inspectBody(body, [rule], book).kind, body };
  };

  it.each<[string, Json]>([
    [
      "the first message",
      {
        messages: [
          { role: "user", content: "12345678Z" },
          { role: "user", content: "hi" },
        ],
      },
    ],
    ["the system message", { messages: [{ role: "system", content: "12345678Z" }] }],
    ["a content part", { messages: [{ role: "user", content: [{ type: "text", text: "12345678Z" }] }] }],
    ["a tool result", { messages: [{ role: "tool", tool_call_id: "1", content: "12345678Z" }] }],
    [
      "tool arguments",
      { messages: [{ tool_calls: [{ function: { name: "f", arguments: '{"a":"12345678Z"}' } }] }] },
    ],
    ["a tool description", { tools: [{ function: { name: "f", description: "12345678Z" } }] }],
    ["an embedding input", { input: ["a", "12345678Z"] }],
    ["a user name", { user: "12345678Z" }],
    ["an unknown member", { extra: { deep: [{ er: "12345678Z" }] } }],
    ["a member name", { metadata: { "12345678Z": 1 } }],
    ["parts that only match together", { messages: [{ content: [{ text: "1234" }, { text: "5678Z" }] }] }],
  ])("blocks personal data in %s", (_where, body) => {
    expect(look(body, block).result).toBe("blocked");
  });

  it("takes personal data out in place", () => {
    const { result, body } = look({ messages: [{ role: "user", content: "dni 12345678Z, ok" }] }, redact);
    expect(result).toBe("passed");
    expect(body).toEqual({ messages: [{ role: "user", content: "dni [dni], ok" }] });
  });

  it("blocks rather than redacts what crosses parts", () => {
    expect(look({ messages: [{ content: [{ text: "1234" }, { text: "5678Z" }] }] }, redact).result).toBe(
      "blocked",
    );
  });

  it("does not read separate messages together", () => {
    expect(look({ messages: [{ content: "1234" }, { content: "5678Z" }] }, block).result).toBe("passed");
  });
});

describe("applyHits", () => {
  it("joins overlapping hits", () => {
    const text = "call +34612345678 now";
    expect(applyHits(text, hitsIn(text, [redact]))).toBe("call [phone] now");
  });
});
