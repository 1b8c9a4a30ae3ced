import type { EngineLimits, ReplicaParameters } from "../capacity/replica-model.ts";
import { StepHeap } from "./step-heap.ts";
import type { Trace } from "./trace.ts";

/** What a simulated engine can hold. */
export interface ReplicaLimits extends EngineLimits {
  /** Tokens of the key-value cache. */
  readonly cacheTokens: number;
}

/** Who is told about a request's first token and its end. */
export interface RequestListener {
  readonly firstToken: (request: number, seconds: number) => void;
  readonly finished: (request: number, seconds: number) => void;
}

type Phase = "idle" | "prefill" | "decode";

/**
 * One engine with continuous batching and chunked prefill, exact to the step: a step takes the time the four parameters give
 * it, and stretches of steps between two events are jumped over in closed form. Requests are admitted in order while a slot and
 * cache for their whole length are free, so there is no preemption. A prefix that all prompts share is computed with the first
 * one; other prefixes are not cached, and cached tokens still count against the cache of every request.
 */
export class Replica {
  /** End of the current step or stretch, seconds; Infinity when idle. */
  phaseEnd = Infinity;
  /** Time between tokens summed over all tokens generated so far, seconds, and their number. */
  tokenSeconds = 0;
  tokens = 0;
  readonly #parameters: { fixed: number; context: number; prefill: number; sequence: number };
  readonly #finishing = new StepHeap();
  /** Requests not yet prefilled, oldest first; the ones before `#head` are gone. */
  #waiting: number[] = [];
  #head = 0;
  /** Admitted requests whose prompt is in work, and the tokens left of the first. */
  #prefilling: number[] = [];
  #promptLeft = 0;
  /** Of the requests in work, those whose prompt ends with the current step. */
  #completing = 0;
  #decoding = 0;
  #contextTokens = 0;
  #reservedTokens = 0;
  #step = 0;
  #phase: Phase = "idle";
  #phaseStart = 0;
  #phaseSteps = 0;
  #isPrefixCached = false;
  private readonly limits: ReplicaLimits;
  private readonly trace: Trace;
  private readonly listener: RequestListener;

  constructor(parameters: ReplicaParameters, limits: ReplicaLimits, trace: Trace, listener: RequestListener) {
    this.limits = limits;
    this.trace = trace;
    this.listener = listener;
    this.#parameters = {
      fixed: parameters.fixedMs / 1e3,
      context: parameters.contextNs / 1e9,
      prefill: parameters.prefillUs / 1e6,
      sequence: parameters.sequenceUs / 1e6,
    };
  }

  /** Requests in the batch: decoding or in prefill. */
  get running(): number {
    return this.#decoding + this.#prefilling.length;
  }

  /** Requests not admitted yet. */
  get waiting(): number {
    return this.#waiting.length - this.#head;
  }

  /** Requests inside. */
  get inFlight(): number {
    return this.running + this.waiting;
  }

  /** Share of the key-value cache in use, 0 to 1. */
  get cacheUse(): number {
    return this.#contextTokens / this.limits.cacheTokens;
  }

  /** Takes a request at a time not before the current phase began. */
  add(request: number, seconds: number): void {
    this.#waiting.push(request);
    if (this.#phase === "idle") this.#next(seconds);
    else if (this.#phase === "decode" && this.#admissible(request)) this.#cutStretch(seconds);
  }

  /** Ends the current phase: to be called when the time has reached `phaseEnd`. */
  advance(): void {
    const now = this.phaseEnd;
    this.#step += this.#phaseSteps;
    this.tokenSeconds += (now - this.#phaseStart) * this.#decoding;
    this.tokens += this.#decoding * this.#phaseSteps;
    this.#contextTokens += this.#decoding * this.#phaseSteps;
    while (this.#finishing.least <= this.#step) this.#end(this.#finishing.pop(), now);
    if (this.#phase === "prefill") this.#endPrompts(now);
    this.#next(now);
  }

  /** Ends the replica at once and returns the requests it still had. */
  abandon(): number[] {
    this.phaseEnd = Infinity;
    this.#phase = "idle";
    const left = [...this.#waiting.slice(this.#head), ...this.#prefilling];
    while (this.#finishing.size > 0) left.push(this.#finishing.pop());
    return left;
  }

  #lengths(request: number): [input: number, output: number] {
    return [this.trace.inputTokens[request] ?? 1, this.trace.outputTokens[request] ?? 1];
  }

  /** Prompt tokens that must be computed; the last one always is. */
  #promptTokens(request: number): number {
    const [input] = this.#lengths(request);
    if (!this.#isPrefixCached) return input;
    return Math.max(1, input - this.trace.sharedPrefixTokens);
  }

  #admissible(request: number): boolean {
    if (this.running >= this.limits.maxNumSeqs) return false;
    const [input, output] = this.#lengths(request);
    return this.running === 0 || this.#reservedTokens + input + output <= this.limits.cacheTokens;
  }

  #admit(): void {
    while (this.#head < this.#waiting.length) {
      const request = this.#waiting[this.#head] ?? 0;
      if (!this.#admissible(request)) return;
      this.#head++;
      const [input, output] = this.#lengths(request);
      this.#reservedTokens += input + output;
      if (this.#prefilling.length === 0) this.#promptLeft = this.#promptTokens(request);
      this.#prefilling.push(request);
    }
    this.#waiting = [];
    this.#head = 0;
  }

  /** Starts the next phase at a step boundary. */
  #next(now: number): void {
    if (this.#head < this.#waiting.length) this.#admit();
    this.#phaseStart = now;
    if (this.#prefilling.length > 0) this.#startPrefill(now);
    else if (this.#decoding > 0) {
      this.#phase = "decode";
      this.#phaseSteps = this.#finishing.least - this.#step;
      this.phaseEnd = now + this.#stretchSeconds(this.#phaseSteps);
    } else {
      this.#phase = "idle";
      this.#phaseSteps = 0;
      this.phaseEnd = Infinity;
    }
  }

  #stepSeconds(): number {
    const { fixed, context, sequence } = this.#parameters;
    return fixed + context * this.#contextTokens + sequence * this.#decoding;
  }

  /** Time of a number of decode steps; each adds one token of context per sequence. */
  #stretchSeconds(steps: number): number {
    return (
      steps * this.#stepSeconds() + (this.#parameters.context * this.#decoding * steps * (steps - 1)) / 2
    );
  }

  #startPrefill(now: number): void {
    let budget = Math.max(1, this.limits.batchedTokens - this.#decoding);
    let tokens = 0;
    this.#completing = 0;
    while (budget > 0 && this.#completing < this.#prefilling.length) {
      const taken = Math.min(budget, this.#promptLeft);
      tokens += taken;
      budget -= taken;
      this.#promptLeft -= taken;
      if (this.#promptLeft > 0) break;
      this.#completing++;
      this.#isPrefixCached = true;
      const following = this.#prefilling[this.#completing];
      if (following !== undefined) this.#promptLeft = this.#promptTokens(following);
    }
    this.#phase = "prefill";
    this.#phaseSteps = 1;
    this.phaseEnd = now + this.#stepSeconds() + this.#parameters.prefill * tokens;
  }

  #endPrompts(now: number): void {
    for (const request of this.#prefilling.splice(0, this.#completing)) {
      this.listener.firstToken(request, now);
      const [input, output] = this.#lengths(request);
      this.#contextTokens += input + 1;
      this.#decoding++;
      if (output === 1) this.#end(request, now);
      else this.#finishing.push(this.#step + output - 1, request);
    }
  }

  #end(request: number, now: number): void {
    const [input, output] = this.#lengths(request);
    this.#decoding--;
    this.#contextTokens -= input + output;
    this.#reservedTokens -= input + output;
    this.listener.finished(request, now);
  }

  /** Ends the stretch at the first step boundary after an arrival, so that its prompt starts there. */
  #cutStretch(now: number): void {
    const first = this.#stepSeconds();
    const growth = this.#parameters.context * this.#decoding;
    const elapsed = Math.max(0, now - this.#phaseStart);
    // steps x first + growth x steps x (steps - 1) / 2 = elapsed
    const linear = first - growth / 2;
    const exact =
      growth === 0 ? elapsed / first : (Math.sqrt(linear * linear + 2 * growth * elapsed) - linear) / growth;
    const steps = Math.min(this.#phaseSteps, Math.max(1, Math.ceil(exact - 1e-9)));
    this.#phaseSteps = steps;
    this.phaseEnd = Math.max(now, this.#phaseStart + this.#stretchSeconds(steps));
  }
}
