import { TargetError } from "../run/target.ts";
import { DayBudget } from "./day-budget.ts";
import { centreOf, cosineDistance, embed, type EmbeddingTarget } from "./embedding.ts";
import type { OnlineMetrics, Unmeasured } from "./metrics.ts";
import { takePrompt, type LivePrompt, type ReadSpan, type Sample } from "./sample.ts";
import { WorkQueue } from "./work-queue.ts";

/** How the distance of live prompts to a reference is measured. */
export interface PromptDistanceOptions extends Sample {
  readonly target: EmbeddingTarget;
  /** Texts whose centre prompts are compared with. */
  readonly reference: readonly string[];
  /** Most prompts measured in 24 hours. */
  readonly maxPerDay: number;
  readonly metrics: OnlineMetrics;
  /** Told why there is no centre; no text of anybody is in it. */
  readonly warn: (message: string) => void;
  /** Milliseconds since the epoch. @default Date.now */
  readonly now?: () => number;
}

/** Prompts that may wait. */
const MAX_WAITING = 1_000;

/** Texts of the reference in one request. */
const BATCH = 32;

/** Time in which a reference that could not be had is not asked for again, ms. */
const RETRY_MS = 60_000;

type Vector = readonly number[];

/** The centre, or when it may be asked for. */
type Centre =
  | { readonly kind: "known"; readonly vector: Vector }
  | { readonly kind: "unknown"; readonly askFrom: number };

/**
 * Measures how far a share of the live prompts, of people who agreed to it, is from the centre of a reference. The centre is made by the model
 * that measures the prompts, so both are always of one space. A prompt is in memory until its distance and nowhere else, and so is its vector.
 */
export class PromptDistances {
  readonly #options: PromptDistanceOptions;
  readonly #now: () => number;
  readonly #budget: DayBudget;
  readonly #queue = new WorkQueue(MAX_WAITING);
  #centre: Centre = { kind: "unknown", askFrom: -Infinity };

  constructor(options: PromptDistanceOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
    this.#budget = new DayBudget(options.maxPerDay, this.#now);
  }

  /** Takes spans; returns at once. */
  take(spans: readonly ReadSpan[]): void {
    for (const span of spans) {
      const taken = takePrompt(span, this.#options);
      if (taken.kind === "left") this.#leave(taken.why);
      else if (!this.#queue.add((signal) => this.#measure(taken.prompt, signal))) this.#leave("queue");
    }
  }

  /** Waits until everything taken has been measured. */
  async settled(): Promise<void> {
    await this.#queue.settled();
  }

  /** Lets go of what waits. */
  close(): void {
    this.#queue.close();
  }

  #leave(reason: Unmeasured): void {
    this.#options.metrics.unmeasured.inc({ reason });
  }

  async #measure({ model, question }: LivePrompt, signal: AbortSignal): Promise<void> {
    const centre = await this.#reference(signal);
    if (centre === undefined) {
      this.#leave("reference");
      return;
    }
    if (!this.#budget.take()) {
      this.#leave("budget");
      return;
    }
    try {
      const embedded = await embed(this.#options.target, [question], signal);
      if (embedded.kind === "refused") {
        this.#leave("refused");
        return;
      }
      const { metrics } = this.#options;
      metrics.embeddingTokens.inc(embedded.inputTokens);
      for (const vector of embedded.vectors)
        metrics.distance.observe({ model }, cosineDistance(vector, centre));
    } catch (error) {
      if (!(error instanceof TargetError)) throw error;
      this.#leave("failed");
    }
  }

  /** The centre; asked for when it is needed first, and again a while after it could not be had. */
  async #reference(signal: AbortSignal): Promise<Vector | undefined> {
    if (this.#centre.kind === "known") return this.#centre.vector;
    if (this.#now() < this.#centre.askFrom) return undefined;
    try {
      const vector = await this.#askForCentre(signal);
      this.#centre = { kind: "known", vector };
      return vector;
    } catch (error) {
      if (!(error instanceof TargetError)) throw error;
      this.#centre = { kind: "unknown", askFrom: this.#now() + RETRY_MS };
      this.#options.warn(`no distance is measured, the reference has no centre: ${error.message}`);
      return undefined;
    }
  }

  async #askForCentre(signal: AbortSignal): Promise<Vector> {
    const { target, reference, metrics } = this.#options;
    const vectors: Vector[] = [];
    for (let at = 0; at < reference.length; at += BATCH) {
      const embedded = await embed(target, reference.slice(at, at + BATCH), signal);
      if (embedded.kind === "refused")
        throw new TargetError(`a guard stopped one of its texts (${embedded.reason})`);
      metrics.embeddingTokens.inc(embedded.inputTokens);
      vectors.push(...embedded.vectors);
    }
    return centreOf(vectors);
  }
}
