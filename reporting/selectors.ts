import { parser } from "@prometheus-io/lezer-promql";

/** Every instant selector in a query, as text: what it needs Prometheus to have. */
export function selectorsOf(expr: string): string[] {
  const found: string[] = [];
  parser.parse(expr).iterate({
    enter: ({ name, from, to }) => {
      if (name === "VectorSelector") found.push(expr.slice(from, to));
    },
  });
  return found;
}
