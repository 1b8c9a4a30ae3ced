import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { GuardRule } from "./inspect.ts";
import { applyHits, hitsIn, VerdictBook } from "./inspect.ts";
import type { Envelope, Json } from "./leaves.ts";
import { inspectBody } from "./leaves.ts";
import type { JsonObject } from "../api/endpoint.ts";
import type { Detector } from "./finding.ts";
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

function run(chunks: readonly string[], rule: GuardRule, window: number | "whole" = 320): Run {
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
  if (last.kind === "blocked") return { sent, blocked: last.guard, book };
  sent += last.events.map((released) => released.text).join("");
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

describe("the work of a stream guard", () => {
  /** Characters a detector is asked to read while the events pass. */
  function charactersRead(window: number | "whole", pieces: readonly (readonly [string, string])[]): number {
    let characters = 0;
    const detector: Detector = {
      ...piiDetector,
      sign: /./,
      find: (text) => {
        characters += text.length;
        return [];
      },
    };
    const rule: GuardRule = { ...redact, detector };
    const guard = new StreamGuard<number>([rule], new VerdictBook("output", [rule]), window);
    for (const [channel, text] of pieces) guard.push(0, [{ channel, text, put: () => undefined }]);
    expect(guard.finish()).toMatchObject({ kind: "release" });
    return characters;
  }

  it("is one reading of an answer that waits for its end", () => {
    const pieces = Array.from({ length: 2_000 }, () => ["0", "so it is. "] as const);
    expect(charactersRead("whole", pieces)).toBe(20_000);
  });

  it("is bounded for each event, also while another choice keeps all of them waiting", () => {
    const pieces = Array.from({ length: 2_000 }, (_all, at) => [at === 0 ? "0" : "1", "so it is. "] as const);
    expect(charactersRead(320, pieces)).toBeLessThan(2_000 * (3 * 320 + 10));
  });
});

describe("a stream that waits for its end", () => {
  const whole = (rule: GuardRule): Run => run(["so ", "1234", "5678Z", " it is"], rule, "whole");

  it("is redacted over its pieces", () => {
    expect(whole(redact)).toMatchObject({ sent: "so [dni] it is", blocked: null });
  });

  it("is blocked before anything is sent", () => {
    expect(whole(block)).toMatchObject({ sent: "", blocked: "pii" });
  });
});

describe("inspectBody", () => {
  const look = (body: Json, rule: GuardRule, envelope?: Envelope): { result: string; body: Json } => {
    const book = new VerdictBook("input", [rule]);
    return { result: inspectBody(body, [rule], book, envelope).kind, body };
  };

  it.each<[string, Json, string]>([
    ["a number in the input of a tool", { type: "tool_use", input: { card: 4111111111111111 } }, "blocked"],
    ["a number in a list in it", { type: "tool_use", input: { cards: [4111111111111111] } }, "blocked"],
    ["a number in arguments", { function: { arguments: { card: 4111111111111111 } } }, "blocked"],
    ["a number elsewhere", { created: 4111111111111111 }, "passed"],
  ])("blocks rather than redacts %s", (_where, body, result) => {
    expect(look({ content: [body] }, redact).result).toBe(result);
  });

  it("passes over names in the places of the envelope only", () => {
    const envelope: Envelope = {
      names: new Set(["id"]),
      inner: new Map([["content", { names: new Set(["id"]), inner: new Map() }]]),
    };
    const body = (): JsonObject => ({
      id: "12345678Z",
      content: [{ id: "12345678Z", input: { id: "12345678Z" } }],
      other: { id: "12345678Z" },
      constructor: { id: "12345678Z" },
    });
    expect(look(body(), redact, envelope).body).toEqual({
      id: "12345678Z",
      content: [{ id: "12345678Z", input: { id: "[dni]" } }],
      other: { id: "[dni]" },
      constructor: { id: "[dni]" },
    });
    expect(look({ id: "my number is 12345678Z" }, redact, envelope).body).toEqual({
      id: "my number is [dni]",
    });
  });

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
