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
  readonly action: GuardRule["action"];
  readonly start: number;
  readonly end: number;
}

/** Kind of the hit that says that a text hides more than is decoded. */
const UNDECODED = "undecoded";

/**
 * All matches of all rules in all readings of a text, without repetitions, in order. What cannot be decoded to its end
 * cannot be taken out either, so it blocks unless the rule only flags or asks a person.
 */
export function hitsIn(text: string, rules: readonly GuardRule[]): Hit[] {
  if (text === "" || rules.length === 0) return [];
  const hits = new Map<string, Hit>();
  const { views, complete } = readingsOf(text);
  for (const view of views) {
    for (const rule of rules) {
      if (!rule.detector.sign.test(view.text)) continue;
      for (const match of rule.detector.find(view.text)) {
        if (rule.kinds !== null && !rule.kinds.has(match.kind)) continue;
        const { start, end } = view.origin(match.start, match.end);
        hits.set(`${rule.detector.name}|${match.kind}|${start}|${end}`, {
          rule,
          kind: match.kind,
          action: rule.action,
          start,
          end,
        });
      }
    }
  }
  const unread = complete ? [] : rules.map((rule) => undecoded(rule, text.length));
  return [...unread, ...hits.values()].sort(inOrder);
}

function undecoded(rule: GuardRule, end: number): Hit {
  return { rule, kind: UNDECODED, action: takesOut(rule) ? "block" : rule.action, start: 0, end };
}

/** Order of hits in a text: by start, the longer one first. */
export function inOrder(a: Hit, b: Hit): number {
  return a.start - b.start || b.end - a.end;
}

/** Whether a hit stops the exchange, for good or until a person has looked. */
export function stops({ action }: Hit): boolean {
  return action === "block" || action === "review";
}

function takesOut({ action }: Pick<GuardRule, "action">): boolean {
  return action === "redact" || action === "replace";
}

/** The same rules for a request that a person has approved: what waits for review is only flagged. */
export function approved(rules: readonly GuardRule[]): GuardRule[] {
  return rules.map((rule) => (rule.action === "review" ? { ...rule, action: "flag" } : rule));
}

/** A span that is taken out of a text, and what stands in its place. */
export interface Cut {
  readonly start: number;
  readonly end: number;
  readonly substitute: string;
}

/** What the hits, in order, take out; overlapping ones become one. */
export function cutsOf(hits: readonly Hit[]): Cut[] {
  const cuts: Cut[] = [];
  for (const hit of hits.filter(takesOut)) {
    const { rule, kind, start, end } = hit;
    const last = cuts.at(-1);
    if (last !== undefined && start < last.end) {
      cuts[cuts.length - 1] = { ...last, end: Math.max(last.end, end) };
    } else cuts.push({ start, end, substitute: rule.action === "replace" ? rule.replacement : `[${kind}]` });
  }
  return cuts;
}

/** The text with every hit of a `redact` or `replace` rule taken out. */
export function applyHits(text: string, hits: readonly Hit[]): string {
  let result = "";
  let at = 0;
  for (const { start, end, substitute } of cutsOf(hits)) {
    result += text.slice(at, start) + substitute;
    at = end;
  }
  return result + text.slice(at);
}

/** Collects hits into one verdict per rule; rules that found nothing say `pass`. */
export class VerdictBook {
  readonly #side: GuardVerdict["side"];
  readonly #rules: readonly GuardRule[];
  readonly #found = new Map<GuardRule, Map<string, number>>();
  readonly #actions = new Map<GuardRule, GuardRule["action"]>();
  readonly #extra: GuardVerdict[] = [];

  constructor(side: GuardVerdict["side"], rules: readonly GuardRule[]) {
    this.#side = side;
    this.#rules = rules;
  }

  /** Counts hits. */
  add(hits: readonly Hit[]): void {
    for (const { rule, kind, action } of hits) {
      const kinds = this.#found.get(rule) ?? new Map<string, number>();
      kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
      this.#found.set(rule, kinds);
      if (this.#actions.get(rule) !== "block") this.#actions.set(rule, action);
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
      const action = this.#actions.get(rule) ?? "pass";
      return { guard: name, version, side: this.#side, action, found: Object.fromEntries(found ?? []) };
    });
    return [...detected, ...this.#extra];
  }
}
