import type { GuardVerdict } from "../audit/record.ts";
import type { Detector } from "./finding.ts";
import { readingsOf } from "./views.ts";

/** A detector with what to do about what it finds. */
export interface GuardRule {
  readonly detector: Detector;
  readonly action: "block" | "review" | "redact" | "replace" | "flag";
  /** Kinds that count; null means all. */
  readonly kinds: ReadonlySet<string> | null;
  /** Text put in place of a match by `replace`. */
  readonly replacement: string;
}

/** One match that a rule acts on, in characters of the original text. */
export interface Hit {
  readonly rule: GuardRule;
  readonly kind: string;
  readonly start: number;
  readonly end: number;
}

/** All matches of all rules in all readings of a text, without repetitions, in order. */
export function hitsIn(text: string, rules: readonly GuardRule[]): Hit[] {
  if (text === "" || rules.length === 0) return [];
  const hits = new Map<string, Hit>();
  for (const view of readingsOf(text)) {
    for (const rule of rules) {
      if (!rule.detector.sign.test(view.text)) continue;
      for (const match of rule.detector.find(view.text)) {
        if (rule.kinds !== null && !rule.kinds.has(match.kind)) continue;
        const { start, end } = view.origin(match.start, match.end);
        hits.set(`${rule.detector.name}|${match.kind}|${start}|${end}`, {
          rule,
          kind: match.kind,
          start,
          end,
        });
      }
    }
  }
  return [...hits.values()].sort((a, b) => a.start - b.start || b.end - a.end);
}

/** Whether a rule stops what it finds, for good or until a person has looked. */
export function stops({ action }: GuardRule): boolean {
  return action === "block" || action === "review";
}

/** Whether a rule takes out what it finds. */
export function takesOut({ action }: GuardRule): boolean {
  return action === "redact" || action === "replace";
}

/** The same rules for a request that a person has approved: what waits for review is only flagged. */
export function approved(rules: readonly GuardRule[]): GuardRule[] {
  return rules.map((rule) => (rule.action === "review" ? { ...rule, action: "flag" } : rule));
}

/** Text that takes the place of a hit. */
export function substitute(hit: Hit): string {
  return hit.rule.action === "replace" ? hit.rule.replacement : `[${hit.kind}]`;
}

/** The text with every hit of a `redact` or `replace` rule taken out; overlapping hits become one. */
export function applyHits(text: string, hits: readonly Hit[]): string {
  let result = "";
  let at = 0;
  for (const hit of hits) {
    if (!takesOut(hit.rule) || hit.end <= at) continue;
    if (hit.start >= at) result += text.slice(at, hit.start) + substitute(hit);
    at = hit.end;
  }
  return result + text.slice(at);
}

/** Collects hits into one verdict per rule; rules that found nothing say `pass`. */
export class VerdictBook {
  readonly #side: GuardVerdict["side"];
  readonly #rules: readonly GuardRule[];
  readonly #found = new Map<GuardRule, Map<string, number>>();
  readonly #extra: GuardVerdict[] = [];

  constructor(side: GuardVerdict["side"], rules: readonly GuardRule[]) {
    this.#side = side;
    this.#rules = rules;
  }

  /** Counts hits. */
  add(hits: readonly Hit[]): void {
    for (const { rule, kind } of hits) {
      const kinds = this.#found.get(rule) ?? new Map<string, number>();
      kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
      this.#found.set(rule, kinds);
    }
  }

  /** Adds the verdict of a guard that is not a detector. */
  note(
    guard: string,
    version: string,
    action: GuardVerdict["action"],
    found: Record<string, number> = {},
  ): void {
    this.#extra.push({ guard, version, side: this.#side, action, found });
  }

  /** Guards that want a person to look, when nothing forbids the exchange for good. */
  get reviewers(): string[] {
    const { verdicts } = this;
    if (verdicts.some(({ action }) => action === "block" || action === "error")) return [];
    return verdicts.filter(({ action }) => action === "review").map(({ guard }) => guard);
  }

  /** Verdicts for the audit record. */
  get verdicts(): GuardVerdict[] {
    const detected = this.#rules.map((rule): GuardVerdict => {
      const found = this.#found.get(rule);
      const { name, version } = rule.detector;
      const action = found === undefined ? "pass" : rule.action;
      return { guard: name, version, side: this.#side, action, found: Object.fromEntries(found ?? []) };
    });
    return [...detected, ...this.#extra];
  }
}
