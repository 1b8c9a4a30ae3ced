import type { LoopName, LoopRule } from "./config.ts";

/** An alert that asks for something. */
export interface AskingAlert {
  readonly loop: LoopName;
  readonly model: string;
  readonly alert: string;
  /** Identity of the alert, of its labels. */
  readonly fingerprint: string;
  readonly startsAt: string;
}

/** How many samples an alert rests on; `unknown` when nobody can say. */
export type Samples = { readonly kind: "counted"; readonly count: number } | { readonly kind: "unknown" };

/** What was done before, newest last. */
export interface PastAction {
  readonly loop: LoopName;
  readonly model: string;
  readonly fingerprint: string;
  readonly startsAt: string;
  /** ISO time. */
  readonly at: string;
}

/** What is decided about an alert. */
export type Decision =
  | { readonly kind: "act" }
  | { readonly kind: "dry-run" }
  | { readonly kind: "already-acted" }
  | { readonly kind: "cooling-down"; readonly until: string }
  | { readonly kind: "too-few-samples"; readonly count: number; readonly needed: number }
  | { readonly kind: "samples-unknown" };

/** What a decision rests on. */
export interface Circumstances {
  readonly rule: LoopRule;
  readonly mode: "act" | "dry-run";
  readonly samples: Samples;
  readonly past: readonly PastAction[];
  readonly now: Date;
}

const MINUTE_MS = 60_000;

/** Decides about one firing alert; everything unknown is a reason to do nothing. */
export function decide(asking: AskingAlert, { rule, mode, samples, past, now }: Circumstances): Decision {
  const own = past.filter(({ loop, model }) => loop === asking.loop && model === asking.model);
  if (own.some((each) => each.fingerprint === asking.fingerprint && each.startsAt === asking.startsAt))
    return { kind: "already-acted" };
  const until = Math.max(...own.map(({ at }) => Date.parse(at) + rule.cooldownMinutes * MINUTE_MS));
  if (until > now.getTime()) return { kind: "cooling-down", until: new Date(until).toISOString() };
  if (samples.kind === "unknown") return { kind: "samples-unknown" };
  if (samples.count < rule.minSamples)
    return { kind: "too-few-samples", count: samples.count, needed: rule.minSamples };
  return { kind: mode };
}
