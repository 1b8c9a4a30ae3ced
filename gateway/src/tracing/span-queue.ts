import type { ReadableSpan, SpanExporter, SpanProcessor } from "@opentelemetry/sdk-trace";
import { TraceFlags } from "@opentelemetry/api";

/** What became of spans. */
export type SpanResult = "exported" | "failed" | "dropped";

/** How spans wait for their receiver. */
export interface SpanQueueSettings {
  /** Spans that may wait; more are dropped. */
  readonly capacity: number;
  /** Spans of one request to the receiver. @default 128 */
  readonly batch?: number;
  /** Longest a span waits for others, ms. @default 1000 */
  readonly delayMs?: number;
}

/**
 * Spans on their way to the receiver: one batch at a time in the background. A call never waits for it; what does not fit
 * or is not taken is counted.
 */
export class SpanQueue implements SpanProcessor {
  readonly #exporter: SpanExporter;
  readonly #capacity: number;
  readonly #batch: number;
  readonly #delayMs: number;
  readonly #count: (result: SpanResult, spans: number) => void;
  #waiting: ReadableSpan[] = [];
  #timer: NodeJS.Timeout | null = null;
  #sending: Promise<void> | null = null;

  constructor(
    exporter: SpanExporter,
    { capacity, batch = 128, delayMs = 1_000 }: SpanQueueSettings,
    count: (result: SpanResult, spans: number) => void,
  ) {
    this.#exporter = exporter;
    this.#capacity = capacity;
    this.#batch = batch;
    this.#delayMs = delayMs;
    this.#count = count;
  }

  onStart(): void {
    // Spans count when they end.
  }

  onEnd(span: ReadableSpan): void {
    if ((span.spanContext().traceFlags & TraceFlags.SAMPLED) === 0) return;
    if (this.#waiting.length >= this.#capacity) {
      this.#count("dropped", 1);
      return;
    }
    this.#waiting.push(span);
    if (this.#sending !== null) return;
    if (this.#waiting.length >= this.#batch) {
      void this.forceFlush();
      return;
    }
    this.#timer ??= setTimeout(() => {
      void this.forceFlush();
    }, this.#delayMs).unref();
  }

  forceFlush(): Promise<void> {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#sending ??= this.#sendAll();
    return this.#sending;
  }

  async shutdown(): Promise<void> {
    await this.forceFlush();
    await this.#exporter.shutdown();
  }

  async #sendAll(): Promise<void> {
    while (this.#waiting.length > 0) {
      // Serialising is the only work on this thread; calls go in between.
      await new Promise((resolve) => setImmediate(resolve));
      const spans = this.#waiting.splice(0, this.#batch);
      this.#count((await this.#send(spans)) ? "exported" : "failed", spans.length);
    }
    this.#sending = null;
  }

  #send(spans: ReadableSpan[]): Promise<boolean> {
    return new Promise((resolve) => {
      try {
        this.#exporter.export(spans, ({ code }) => {
          // 0 is the success of ExportResultCode, whose package would be one more to install.
          resolve(code.valueOf() === 0);
        });
      } catch {
        resolve(false);
      }
    });
  }
}
