import type { Cut, GuardRule, Hit, VerdictBook } from "./inspect.ts";
import { cutsOf, hitsIn, inOrder, stops } from "./inspect.ts";

/** A piece of streamed text inside an event. */
export interface StreamPiece {
  /** Text with the same channel is read together, for example the content of choice 0. */
  readonly channel: string;
  readonly text: string;
  /** Puts changed text into the event. */
  readonly put: (text: string) => void;
}

interface HeldPiece {
  readonly piece: StreamPiece;
  readonly start: number;
  readonly end: number;
}

interface HeldEvent<E> {
  readonly event: E;
  readonly pieces: readonly HeldPiece[];
}

interface Channel {
  /** Text from `base` on, which is read again when more comes. */
  text: string;
  base: number;
  length: number;
  /** A window before the end: hits that end up to here stay as they are. */
  settled: number;
  /** Settled hits in text that waits. */
  done: Hit[];
  /** Hits that more text may still change. */
  open: Hit[];
}

/** Takes cuts out of the pieces of one channel; both are in order. */
function takeOut(cuts: readonly Cut[], pieces: readonly HeldPiece[]): void {
  let first = 0;
  for (const { piece, start, end } of pieces) {
    while ((cuts[first]?.end ?? end) <= start) first += 1;
    let [text, from] = ["", start];
    for (let next = first; (cuts[next]?.start ?? end) < end; next += 1) {
      const cut = cuts[next] as Cut;
      if (cut.start >= start) text += piece.text.slice(from - start, cut.start - start) + cut.substitute;
      from = Math.min(cut.end, end);
    }
    if (from > start) piece.put(text + piece.text.slice(from - start));
  }
}

/** What may go to the client now. */
export type StreamStep<E> =
  | { readonly kind: "release"; readonly events: readonly E[] }
  | { readonly kind: "blocked"; readonly guard: string };

/**
 * Output guard for a stream: events wait until every character they carry is followed by `window` more characters of
 * its channel (or by the end), so that no match can begin in what was sent and end in what was not. A `whole` stream
 * waits for its end and is read once, then.
 */
export class StreamGuard<E> {
  readonly #rules: readonly GuardRule[];
  readonly #book: VerdictBook;
  readonly #window: number | "whole";
  readonly #channels = new Map<string, Channel>();
  readonly #held: HeldEvent<E>[] = [];

  /** @throws RangeError when the window is shorter than the longest match of a rule. */
  constructor(rules: readonly GuardRule[], book: VerdictBook, window: number | "whole") {
    const needed = Math.max(0, ...rules.map((rule) => rule.detector.maxLength));
    if (window !== "whole" && window < needed)
      throw new RangeError(`the window holds ${window} characters and a match may have ${needed}`);
    this.#rules = rules;
    this.#book = book;
    this.#window = window;
  }

  /** Takes an event and says what may go out. */
  push(event: E, pieces: readonly StreamPiece[]): StreamStep<E> {
    const held = pieces.map((piece): HeldPiece => {
      const channel = this.#channel(piece.channel);
      const start = channel.length;
      channel.text += piece.text;
      channel.length += piece.text.length;
      return { piece, start, end: channel.length };
    });
    this.#held.push({ event, pieces: held });
    if (this.#window === "whole") return { kind: "release", events: [] };
    for (const name of new Set(pieces.map(({ channel }) => channel))) {
      const channel = this.#channel(name);
      const blocked = this.#read(channel);
      if (blocked !== null) return { kind: "blocked", guard: blocked };
      this.#settle(channel, this.#window);
    }
    return { kind: "release", events: this.#release(this.#followed()) };
  }

  /** Ends the stream: everything that waits is looked at and may go out, unless a match blocks it. */
  finish(): StreamStep<E> {
    for (const channel of this.#channels.values()) {
      const blocked = this.#window === "whole" ? this.#read(channel) : null;
      if (blocked !== null) return { kind: "blocked", guard: blocked };
      this.#book.add(channel.open);
    }
    return { kind: "release", events: this.#release(this.#held.length) };
  }

  #channel(name: string): Channel {
    const existing = this.#channels.get(name);
    if (existing !== undefined) return existing;
    const channel: Channel = { text: "", base: 0, length: 0, settled: 0, done: [], open: [] };
    this.#channels.set(name, channel);
    return channel;
  }

  /** Finds the hits that are not settled; returns the guard that stops the stream, or null. */
  #read(channel: Channel): string | null {
    const { base, settled } = channel;
    const found = hitsIn(channel.text, this.#rules)
      .map((hit) => ({ ...hit, start: hit.start + base, end: hit.end + base }))
      .filter(({ end }) => end > settled);
    const blocking = found.find(stops);
    if (blocking !== undefined) {
      this.#book.add([blocking]);
      return blocking.rule.detector.name;
    }
    channel.open = found;
    return null;
  }

  /** Keeps only what the next reading needs: a window of text that settles, and two before it for what a match follows. */
  #settle(channel: Channel, window: number): void {
    channel.settled = Math.max(0, channel.length - window);
    const base = Math.max(0, channel.length - 3 * window);
    const { settle = [], wait = [] } = Object.groupBy(channel.open, ({ start, end }) =>
      end <= channel.settled || start < base ? "settle" : "wait",
    );
    this.#book.add(settle);
    for (const hit of settle) channel.done.push(hit);
    channel.open = wait;
    channel.text = channel.text.slice(base - channel.base);
    channel.base = base;
  }

  /** Events at the head whose text is all followed by a window of more. */
  #followed(): number {
    const waiting = this.#held.findIndex(({ pieces }) =>
      pieces.some(({ piece, end }) => end > this.#channel(piece.channel).settled),
    );
    return waiting === -1 ? this.#held.length : waiting;
  }

  #release(count: number): E[] {
    const released = this.#held.splice(0, count);
    const pieces = released.flatMap((held) => held.pieces);
    for (const [name, own] of Map.groupBy(pieces, ({ piece }) => piece.channel)) {
      const channel = this.#channel(name);
      takeOut(cutsOf([...channel.done, ...channel.open].sort(inOrder)), own);
      const sent = own.at(-1)?.end ?? 0;
      channel.done = channel.done.filter(({ end }) => end > sent);
    }
    return released.map(({ event }) => event);
  }
}
