import type { GuardRule, Hit, VerdictBook } from "./inspect.ts";
import { hitsIn, stops, substitute } from "./inspect.ts";

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
  /** Text from `base` on. */
  text: string;
  base: number;
  hits: Hit[];
  length: number;
}

/** What may go to the client now. */
export type StreamStep<E> =
  | { readonly kind: "release"; readonly events: readonly E[] }
  | { readonly kind: "blocked"; readonly guard: string };

/**
 * Output guard for a stream: events wait until every character they carry is followed by `window` more characters of
 * its channel (or by the end), so that no match can begin in what was sent and end in what was not.
 */
export class StreamGuard<E> {
  readonly #rules: readonly GuardRule[];
  readonly #book: VerdictBook;
  readonly #window: number;
  readonly #channels = new Map<string, Channel>();
  #held: HeldEvent<E>[] = [];

  /** @throws RangeError when the window is shorter than the longest match of a rule. */
  constructor(rules: readonly GuardRule[], book: VerdictBook, window: number) {
    const needed = Math.max(0, ...rules.map((rule) => rule.detector.maxLength));
    if (window < needed)
      throw new RangeError(`the window holds ${window} characters and a match may have ${needed}`);
    this.#rules = rules;
    this.#book = book;
    this.#window = window;
  }

  /** Events that wait. */
  get held(): number {
    return this.#held.length;
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
    const blocked = this.#scan(new Set(pieces.map((piece) => piece.channel)));
    if (blocked !== null) return { kind: "blocked", guard: blocked };
    return { kind: "release", events: this.#release(false) };
  }

  /** Ends the stream: everything that waits has been looked at and may go out. */
  finish(): StreamStep<E> {
    const events = this.#release(true);
    for (const channel of this.#channels.values()) this.#book.add(channel.hits.splice(0));
    return { kind: "release", events };
  }

  #channel(name: string): Channel {
    const existing = this.#channels.get(name);
    if (existing !== undefined) return existing;
    const channel: Channel = { text: "", base: 0, hits: [], length: 0 };
    this.#channels.set(name, channel);
    return channel;
  }

  #scan(names: ReadonlySet<string>): string | null {
    for (const name of names) {
      const channel = this.#channel(name);
      const fresh = hitsIn(channel.text, this.#rules).map((hit) => ({
        ...hit,
        start: hit.start + channel.base,
        end: hit.end + channel.base,
      }));
      const blocking = fresh.find((hit) => stops(hit.rule));
      if (blocking !== undefined) {
        this.#book.add([blocking]);
        return blocking.rule.detector.name;
      }
      channel.hits = fresh;
    }
    return null;
  }

  #release(everything: boolean): E[] {
    const released: E[] = [];
    while (this.#held.length > 0) {
      const next = this.#held[0] as HeldEvent<E>;
      const safe = next.pieces.every(
        ({ piece, end }) => end <= this.#channel(piece.channel).length - this.#window,
      );
      if (!everything && !safe) break;
      for (const piece of next.pieces) this.#rewrite(piece);
      released.push(next.event);
      this.#held.shift();
    }
    if (released.length > 0) this.#forget();
    return released;
  }

  #rewrite({ piece, start, end }: HeldPiece): void {
    const channel = this.#channel(piece.channel);
    const touching = channel.hits.filter(
      (hit) => hit.start < end && hit.end > start && hit.rule.action !== "flag",
    );
    if (touching.length === 0) return;
    const local = touching.map((hit) => ({
      ...hit,
      start: Math.max(hit.start, start) - start,
      end: Math.min(hit.end, end) - start,
    }));
    const begun = new Set(touching.filter((hit) => hit.start < start));
    let text = "";
    let at = 0;
    local.forEach((hit, index) => {
      if (hit.end <= at) return;
      if (hit.start >= at) {
        text += piece.text.slice(at, hit.start) + (begun.has(touching[index] as Hit) ? "" : substitute(hit));
      }
      at = hit.end;
    });
    piece.put(text + piece.text.slice(at));
  }

  #forget(): void {
    for (const [name, channel] of this.#channels) {
      const waiting = this.#held
        .flatMap(({ pieces }) => pieces)
        .filter(({ piece }) => piece.channel === name);
      const sent = waiting[0]?.start ?? channel.length;
      const keepFrom = Math.max(channel.base, sent - 2 * this.#window);
      const done = channel.hits.filter((hit) => hit.start < keepFrom);
      this.#book.add(done);
      channel.hits = channel.hits.filter((hit) => hit.start >= keepFrom);
      channel.text = channel.text.slice(keepFrom - channel.base);
      channel.base = keepFrom;
    }
  }
}
