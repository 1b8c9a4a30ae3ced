import { judgeAnswer, type Judge } from "../judge/judge.ts";
import { TargetError } from "../run/target.ts";
import type { OnlineMetrics } from "./metrics.ts";
import { DayBudget } from "./day-budget.ts";
import { takeSpan, type LiveAnswer, type ReadSpan, type Sample } from "./sample.ts";
import { WorkQueue } from "./work-queue.ts";

/** What live answers are judged by. */
const RUBRIC =
  "Every statement of the answer follows from the context that the question gives. Where the context does not contain what is asked, the answer says so.";

/** How live answers are evaluated. */
export interface OnlineOptions extends Sample {
  readonly judge: Judge;
  /** Most answers judged in 24 hours. */
  readonly maxPerDay: number;
  readonly metrics: OnlineMetrics;
  /** Milliseconds since the epoch. @default Date.now */
  readonly now?: () => number;
}

/** Answers that may wait for the judge. */
const MAX_WAITING = 100;

/**
 * Judges a share of the live answers whose people agreed to it, one after the other, and counts what it finds. Content is in memory
 * until its verdict and nowhere else.
 */
export class OnlineEvaluator {
  readonly #options: OnlineOptions;
  readonly #budget: DayBudget;
  readonly #queue = new WorkQueue(MAX_WAITING);

  constructor(options: OnlineOptions) {
    this.#options = options;
    this.#budget = new DayBudget(options.maxPerDay, options.now ?? Date.now);
  }

  /** Takes spans; returns at once. */
  take(spans: readonly ReadSpan[]): void {
    const { metrics } = this.#options;
    for (const span of spans) {
      const taken = takeSpan(span, this.#options);
      if (taken.kind === "left") metrics.left.inc({ reason: taken.why });
      else if (!this.#queue.add((signal) => this.#judge(taken.answer, signal)))
        metrics.left.inc({ reason: "queue" });
    }
  }

  /** Waits until everything taken has been judged. */
  async settled(): Promise<void> {
    await this.#queue.settled();
  }

  /** Lets go of what waits. */
  close(): void {
    this.#queue.close();
  }

  async #judge({ model, question, context, answer }: LiveAnswer, signal: AbortSignal): Promise<void> {
    const { judge, metrics } = this.#options;
    if (!this.#budget.take()) {
      metrics.left.inc({ reason: "budget" });
      return;
    }
    try {
      const { outcome, inputTokens, outputTokens } = await judgeAnswer(
        judge,
        { rubric: RUBRIC, question: JSON.stringify({ context, question }), answer },
        signal,
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
    }
  }
}
