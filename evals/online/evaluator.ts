import { judgeAnswer, type Judge } from "../judge/judge.ts";
import { TargetError } from "../run/target.ts";
import type { OnlineMetrics } from "./metrics.ts";
import { takeSpan, type LiveAnswer, type ReadSpan } from "./sample.ts";

/** What live answers are judged by. */
const RUBRIC =
  "Every statement of the answer follows from the context that the question gives. Where the context does not contain what is asked, the answer says so.";

/** How live answers are evaluated. */
export interface OnlineOptions {
  /** Share of the traces, 0 to 1. */
  readonly share: number;
  /** Models whose answers are evaluated. */
  readonly models: readonly string[];
  readonly judge: Judge;
  /** Most answers judged in 24 hours. */
  readonly maxPerDay: number;
  readonly metrics: OnlineMetrics;
  /** Milliseconds since the epoch. @default Date.now */
  readonly now?: () => number;
}

/** Answers that may wait for the judge; more are left, because a queue of content in memory is no place to keep it. */
const MAX_WAITING = 100;

const DAY_MS = 86_400_000;

/**
 * Judges a share of the live answers whose people agreed to it, one after the other, and counts what it finds. Content is in memory
 * until its verdict and nowhere else.
 */
export class OnlineEvaluator {
  readonly #options: OnlineOptions;
  readonly #now: () => number;
  readonly #stop = new AbortController();
  #waiting = 0;
  #last: Promise<void> = Promise.resolve();
  /** Times of the verdicts of the last 24 hours, oldest first. */
  #spent: number[] = [];

  constructor(options: OnlineOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
  }

  /** Takes spans; returns at once. */
  take(spans: readonly ReadSpan[]): void {
    const { metrics } = this.#options;
    for (const span of spans) {
      const taken = takeSpan(span, this.#options);
      if (taken.kind === "left") metrics.left.inc({ reason: taken.why });
      else if (this.#waiting >= MAX_WAITING) metrics.left.inc({ reason: "queue" });
      else {
        this.#waiting += 1;
        this.#last = this.#last.then(() => this.#judge(taken.answer));
      }
    }
  }

  /** Waits until everything taken has been judged. */
  async settled(): Promise<void> {
    await this.#last;
  }

  /** Lets go of what waits. */
  close(): void {
    this.#stop.abort();
  }

  async #judge({ model, question, context, answer }: LiveAnswer): Promise<void> {
    const { judge, metrics, maxPerDay } = this.#options;
    const now = this.#now();
    this.#spent = this.#spent.filter((time) => time > now - DAY_MS);
    try {
      if (this.#stop.signal.aborted) return;
      if (this.#spent.length >= maxPerDay) {
        metrics.left.inc({ reason: "budget" });
        return;
      }
      this.#spent.push(now);
      const { outcome, inputTokens, outputTokens } = await judgeAnswer(
        judge,
        { rubric: RUBRIC, question: JSON.stringify({ context, question }), answer },
        this.#stop.signal,
      );
      metrics.tokens.inc({ kind: "input" }, inputTokens);
      metrics.tokens.inc({ kind: "output" }, outputTokens);
      if (outcome.kind === "undecided") {
        metrics.left.inc({ reason: "undecided" });
        // It said one thing and then the other: half a point, and no verdict.
        if (outcome.why === "order") metrics.score.observe({ model }, 0.5);
        return;
      }
      metrics.judged.inc({ model, verdict: outcome.verdict === "good" ? "supported" : "hallucinated" });
      metrics.score.observe({ model }, outcome.verdict === "good" ? 1 : 0);
    } catch (error) {
      if (!(error instanceof TargetError)) throw error;
      metrics.left.inc({ reason: "failed" });
    } finally {
      this.#waiting -= 1;
    }
  }
}
