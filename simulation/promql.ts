import { parser } from "@prometheus-io/lezer-promql";
import type { SyntaxNode } from "@lezer/common";
import { LOOKBACK_SECONDS, type Labels, type Series, type SeriesStore } from "./series.ts";

/** One element of an instant vector. */
export interface Sample {
  readonly labels: Labels;
  readonly value: number;
}

/** A query ready to be evaluated at a time. */
export type Query = (store: SeriesStore, seconds: number) => readonly Sample[] | number;

/** An expression outside the subset that is evaluated here, or not PromQL at all. */
export class PromqlError extends Error {
  override readonly name = "PromqlError";
}

const UNITS: Readonly<Record<string, number>> = { ms: 0.001, s: 1, m: 60, h: 3600, d: 86_400 };

function children(node: SyntaxNode): SyntaxNode[] {
  const found: SyntaxNode[] = [];
  for (let child = node.firstChild; child !== null; child = child.nextSibling) found.push(child);
  return found;
}

/** Compiles the subset of PromQL that scalers use: selectors, rate, avg_over_time of a subquery, sum, avg, max, min, arithmetic, `==` and `>` with a number, `or`, vector, scalar, clamp_min, clamp_max, sqrt. */
class Compiler {
  private readonly source: string;

  constructor(source: string) {
    this.source = source;
  }

  compile(): Query {
    const tree = parser.parse(this.source);
    const broken: string[] = [];
    tree.iterate({
      enter: ({ type, from, to }) => {
        if (type.isError) broken.push(this.source.slice(from, to));
      },
    });
    const root = tree.topNode.firstChild;
    if (broken.length > 0 || root === null) throw new PromqlError(`'${this.source}' is not PromQL`);
    return this.#expression(root);
  }

  #text({ from, to }: SyntaxNode): string {
    return this.source.slice(from, to);
  }

  #refuse(node: SyntaxNode): never {
    throw new PromqlError(`${node.name} '${this.#text(node)}' of '${this.source}' is not evaluated here`);
  }

  #expression(node: SyntaxNode): Query {
    switch (node.name) {
      case "ParenExpr": {
        const inner = node.firstChild;
        return inner === null ? this.#refuse(node) : this.#expression(inner);
      }
      case "NumberDurationLiteral": {
        const value = Number(this.#text(node));
        return Number.isNaN(value) ? this.#refuse(node) : () => value;
      }
      case "VectorSelector":
        return this.#instant(node);
      case "AggregateExpr":
        return this.#aggregate(node);
      case "FunctionCall":
        return this.#call(node);
      case "BinaryExpr":
        return this.#binary(node);
      default:
        return this.#refuse(node);
    }
  }

  #selector(node: SyntaxNode): (store: SeriesStore) => Series[] {
    const name = this.#text(node.getChild("Identifier") ?? this.#refuse(node));
    const tests = (node.getChild("LabelMatchers")?.getChildren("UnquotedLabelMatcher") ?? []).map(
      (matcher) => {
        const [label, operator, value] = children(matcher);
        if (label === undefined || operator === undefined || value === undefined)
          return this.#refuse(matcher);
        const key = this.#text(label);
        const wanted = JSON.parse(this.#text(value)) as string;
        const pattern = new RegExp(`^(?:${wanted})$`);
        switch (this.#text(operator)) {
          case "=":
            return (labels: Labels) => (labels[key] ?? "") === wanted;
          case "!=":
            return (labels: Labels) => (labels[key] ?? "") !== wanted;
          case "=~":
            return (labels: Labels) => pattern.test(labels[key] ?? "");
          default:
            return (labels: Labels) => !pattern.test(labels[key] ?? "");
        }
      },
    );
    return (store) => [...store.family(name)].filter(({ labels }) => tests.every((test) => test(labels)));
  }

  #instant(node: SyntaxNode): Query {
    const select = this.#selector(node);
    return (store, seconds) =>
      select(store).flatMap(({ labels, times, values }) => {
        const index = times.findLastIndex((time) => time <= seconds);
        const time = times[index];
        const value = values[index];
        return time === undefined || value === undefined || seconds - time >= LOOKBACK_SECONDS
          ? []
          : [{ labels, value }];
      });
  }

  #aggregate(node: SyntaxNode): Query {
    const operator = this.#text(node.getChild("AggregateOp") ?? this.#refuse(node));
    const argument = node.getChild("FunctionCallBody")?.firstChild;
    if (argument === null || argument === undefined || node.getChild("AggregateModifier") !== null)
      return this.#refuse(node);
    const inner = this.#expression(argument);
    const fold: ((values: readonly number[]) => number) | undefined = {
      count: (values: readonly number[]) => values.length,
      sum: (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0),
      avg: (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length,
      max: (values: readonly number[]) => Math.max(...values),
      min: (values: readonly number[]) => Math.min(...values),
    }[operator];
    if (fold === undefined) return this.#refuse(node);
    return (store, seconds) => {
      const vector = inner(store, seconds);
      if (typeof vector === "number") throw new PromqlError(`${operator} of a number in '${this.source}'`);
      return vector.length === 0 ? [] : [{ labels: {}, value: fold(vector.map(({ value }) => value)) }];
    };
  }

  #call(node: SyntaxNode): Query {
    const name = this.#text(node.getChild("FunctionIdentifier") ?? this.#refuse(node));
    const [first, second] = children(node.getChild("FunctionCallBody") ?? this.#refuse(node));
    if (first === undefined) return this.#refuse(node);
    if (name === "rate") return this.#rate(first);
    if (name === "avg_over_time") return this.#averageOverTime(first);
    if (name === "vector") {
      const inner = this.#expression(first);
      return (store, seconds) => [{ labels: {}, value: Number(inner(store, seconds)) }];
    }
    if (name === "sqrt") {
      const inner = this.#expression(first);
      return (store, seconds) => map(inner(store, seconds), Math.sqrt);
    }
    if (name === "scalar") {
      const inner = this.#expression(first);
      return (store, seconds) => {
        const answer = inner(store, seconds);
        if (typeof answer === "number") return this.#refuse(node);
        return answer.length === 1 ? (answer[0]?.value ?? Number.NaN) : Number.NaN;
      };
    }
    if ((name === "clamp_min" || name === "clamp_max") && second !== undefined) {
      const inner = this.#expression(first);
      const bound = this.#expression(second);
      const apply = name === "clamp_min" ? Math.max : Math.min;
      return (store, seconds) => {
        const limit = Number(bound(store, seconds));
        return map(inner(store, seconds), (value) => apply(limit, value));
      };
    }
    return this.#refuse(node);
  }

  #seconds(duration: SyntaxNode): number {
    const [, count, unit] = /^(\d+)([a-z]+)$/.exec(this.#text(duration)) ?? [];
    const seconds = Number(count) * (UNITS[unit ?? ""] ?? Number.NaN);
    return seconds > 0 ? seconds : this.#refuse(duration);
  }

  /** `rate(metric[range])`, with or without `offset`. */
  #rate(argument: SyntaxNode): Query {
    const isShifted = argument.name === "OffsetExpr";
    const matrix = isShifted ? argument.firstChild : argument;
    if (matrix?.name !== "MatrixSelector") return this.#refuse(argument);
    const back = isShifted ? this.#seconds(argument.lastChild ?? this.#refuse(argument)) : 0;
    const select = this.#selector(matrix.getChild("VectorSelector") ?? this.#refuse(matrix));
    const range = this.#seconds(matrix.getChild("DurationExpr") ?? this.#refuse(matrix));
    return (store, seconds) =>
      select(store).flatMap((series) => {
        const value = extrapolatedRate(series, seconds - back - range, seconds - back);
        return value === undefined ? [] : [{ labels: series.labels, value }];
      });
  }

  /** `avg_over_time(expression[range:step])`; its steps are multiples of `step` since second 0, as in Prometheus. */
  #averageOverTime(subquery: SyntaxNode): Query {
    const [range, step] = subquery.getChildren("DurationExpr");
    const expression = subquery.firstChild;
    if (subquery.name !== "SubqueryExpr" || expression === null || range === undefined || step === undefined)
      return this.#refuse(subquery);
    const inner = remembered(this.#expression(expression));
    const [rangeSeconds, stepSeconds] = [this.#seconds(range), this.#seconds(step)];
    return (store, seconds) => {
      const sums = new Map<string, { readonly labels: Labels; sum: number; count: number }>();
      for (
        let at = Math.floor(seconds / stepSeconds) * stepSeconds;
        at > seconds - rangeSeconds;
        at -= stepSeconds
      ) {
        const vector = inner(store, at);
        if (typeof vector === "number") return this.#refuse(subquery);
        for (const { labels, value } of vector) {
          const key = JSON.stringify(labels);
          const entry = sums.get(key) ?? { labels, sum: 0, count: 0 };
          sums.set(key, entry);
          entry.sum += value;
          entry.count++;
        }
      }
      return [...sums.values()].map(({ labels, sum, count }) => ({ labels, value: sum / count }));
    };
  }

  #binary(node: SyntaxNode): Query {
    const [left, operator, right, ...rest] = children(node);
    if (left === undefined || operator === undefined || right === undefined || rest.length > 0)
      return this.#refuse(node);
    const [a, b] = [this.#expression(left), this.#expression(right)];
    const symbol = this.#text(operator);
    if (symbol === "or")
      return (store, seconds) => {
        const vector = a(store, seconds);
        return typeof vector === "number" || vector.length > 0 ? vector : b(store, seconds);
      };
    if (symbol === "==" || symbol === ">") {
      const holds =
        symbol === "=="
          ? (value: number, bound: number) => value === bound
          : (value: number, bound: number) => value > bound;
      return (store, seconds) => {
        const [vector, wanted] = [a(store, seconds), b(store, seconds)];
        if (typeof vector === "number" || typeof wanted !== "number") return this.#refuse(node);
        return vector.filter(({ value }) => holds(value, wanted));
      };
    }
    const apply: ((x: number, y: number) => number) | undefined = {
      "+": (x: number, y: number) => x + y,
      "-": (x: number, y: number) => x - y,
      "*": (x: number, y: number) => x * y,
      "/": (x: number, y: number) => x / y,
      "^": (x: number, y: number) => x ** y,
    }[symbol];
    if (apply === undefined) return this.#refuse(node);
    return (store, seconds) => {
      const [x, y] = [a(store, seconds), b(store, seconds)];
      if (typeof x === "number" && typeof y === "number") return apply(x, y);
      if (typeof x === "number") return map(y, (value) => apply(x, value));
      if (typeof y === "number") return map(x, (value) => apply(value, y));
      return x.flatMap(({ labels, value }) => {
        const key = JSON.stringify(labels);
        const match = y.find((other) => JSON.stringify(other.labels) === key);
        return match === undefined ? [] : [{ labels, value: apply(value, match.value) }];
      });
    };
  }
}

function map(
  vector: readonly Sample[] | number,
  change: (value: number) => number,
): readonly Sample[] | number {
  return typeof vector === "number"
    ? change(vector)
    : vector.map(({ labels, value }) => ({ labels, value: change(value) }));
}

/** A query whose answers are kept: what was at a time in the past is the same whenever it is asked. */
function remembered(query: Query): Query {
  const answers = new WeakMap<SeriesStore, Map<number, ReturnType<Query>>>();
  return (store, seconds) => {
    const known = answers.get(store) ?? new Map<number, ReturnType<Query>>();
    answers.set(store, known);
    const answer = known.get(seconds) ?? query(store, seconds);
    known.set(seconds, answer);
    return answer;
  };
}

/**
 * Per-second increase over a window, extrapolated to its ends as Prometheus does it.
 * @see https://prometheus.io/docs/prometheus/latest/querying/functions/#rate
 */
function extrapolatedRate({ times, values }: Series, from: number, to: number): number | undefined {
  const last = times.findLastIndex((time) => time <= to);
  let first = last;
  while (first > 0 && (times[first - 1] ?? 0) > from) first--;
  const [start, end] = [times[first], times[last]];
  if (start === undefined || end === undefined || last - first < 1 || start <= from) return undefined;
  let increase = (values[last] ?? 0) - (values[first] ?? 0);
  for (let index = first + 1; index <= last; index++) {
    const [before, now] = [values[index - 1] ?? 0, values[index] ?? 0];
    if (now < before) increase += before;
  }
  const sampled = end - start;
  const between = sampled / (last - first);
  const reach = (gap: number): number => (gap >= between * 1.1 ? between / 2 : gap);
  let atStart = reach(start - from);
  if (increase > 0 && (values[first] ?? 0) >= 0)
    atStart = Math.min(atStart, sampled * ((values[first] ?? 0) / increase));
  return (increase * ((sampled + atStart + reach(to - end)) / sampled)) / (to - from);
}

/**
 * Compiles a query.
 * @throws PromqlError when it is not PromQL or outside the subset.
 */
export function compileQuery(source: string): Query {
  return new Compiler(source).compile();
}
