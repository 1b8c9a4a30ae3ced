/** One server-sent event. */
export interface ServerEvent {
  /** Value of the `event` field, or null. */
  readonly event: string | null;
  /** Data lines joined by newlines. */
  readonly data: string;
}

/** Raised for a stream that does not follow the format or is too large. */
export class BrokenStreamError extends Error {
  constructor(reason: string) {
    super(`the stream is broken: ${reason}`);
    this.name = "BrokenStreamError";
  }
}

/** Parses a byte stream of server-sent events, however it is cut; at most `limit` bytes in total. */
export async function* readEvents(
  source: AsyncIterable<Uint8Array>,
  limit: number,
): AsyncGenerator<ServerEvent> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let rest = "";
  let total = 0;
  let event: string | null = null;
  let data: string[] = [];
  function* lines(text: string): Generator<ServerEvent> {
    const parts = (rest + text).split(/\r\n|\n|\r(?!$)/);
    rest = parts.pop() ?? "";
    for (const line of parts) {
      if (line === "") {
        if (data.length > 0) yield { event, data: data.join("\n") };
        event = null;
        data = [];
        continue;
      }
      const colon = line.indexOf(":");
      if (colon === 0) continue;
      const field = colon === -1 ? line : line.slice(0, colon);
      const value = colon === -1 ? "" : line.slice(colon + 1).replace(/^ /, "");
      if (field === "data") data.push(value);
      else if (field === "event") event = value;
    }
  }
  try {
    for await (const chunk of source) {
      total += chunk.byteLength;
      if (total > limit) throw new BrokenStreamError(`more than ${limit} bytes`);
      yield* lines(decoder.decode(chunk, { stream: true }));
    }
    yield* lines(`${decoder.decode()}\n\n`);
  } catch (error) {
    if (error instanceof TypeError) throw new BrokenStreamError("not UTF-8");
    throw error;
  }
}

/** Writes one event. */
export function formatEvent(event: string | null, data: string): string {
  return `${event === null ? "" : `event: ${event}\n`}data: ${data}\n\n`;
}
